"""What the harness tells a person while it works: one line a step, on stderr, with the time so far."""

import sys
import time


class Console:
    """Prints lines that start with the seconds since this console was made."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def step(self, text: str) -> None:
        """Print one line."""
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", file=sys.stderr, flush=True)


def fail(message: str) -> None:
    """Print an error."""
    print(f"cluster: {message}", file=sys.stderr, flush=True)
