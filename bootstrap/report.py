"""The only place that prints. stdout is the answer, stderr is the story."""

import contextlib
import json
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum

from bootstrap.errors import Several, TaxiwayError
from bootstrap.result import Result

_PATIENCE = 0.5  # seconds that a user waits without a word
_COLOURS = {"+ ": "32", "- ": "31", "~ ": "36", "! ": "1;33"}
_WHEEL = "|/-\\"


class Output(StrEnum):
    """The form of the answer."""

    TEXT = "text"
    JSON = "json"


class RenderForm(StrEnum):
    """The form of rendered objects."""

    YAML = "yaml"
    JSON = "json"
    NAMES = "names"


class DiffForm(StrEnum):
    """The form of a difference."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    COMMENT = "comment"


class ValidateForm(StrEnum):
    """The form of findings."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"
    SARIF = "sarif"


def show(result: Result, output: Output) -> None:
    """Print a result: its lines, or one JSON document with status, data and notes."""
    if output is Output.JSON:
        print(json.dumps({"status": result.status, "data": result.data, "notes": result.notes}, indent=2))
    else:
        paint = _paint if sys.stdout.isatty() and "NO_COLOR" not in os.environ else str
        print("\n".join(map(paint, result.lines)))
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)


def _paint(line: str) -> str:
    """A line of a difference in the colour that its first sign has in Git."""
    colour = _COLOURS.get(line.strip()[:2])
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


def fail(error: TaxiwayError, output: Output) -> None:
    """Print a mistake, or all of several: a sentence each, and what to do next. JSON readers get them on stdout too."""
    errors = error.errors if isinstance(error, Several) else (error,)
    for each in errors:
        print(f"error: {each.message}", file=sys.stderr)
        if each.hint:
            print(f"  hint: {each.hint}", file=sys.stderr)
    if output is Output.JSON:
        told = [{"message": each.message, "hint": each.hint} for each in errors]
        print(json.dumps({"status": "error", "exitCode": error.exit_code, "errors": told}, indent=2))


@contextlib.contextmanager
def progress(what: str) -> Iterator[Callable[[str], None] | None]:
    """Say on stderr what is being waited for, once half a second has passed and only on a terminal.

    The function that it gives there takes another sentence.
    """
    if not sys.stderr.isatty():
        yield None
        return
    done = threading.Event()
    said = deque([what], maxlen=1)

    def spin() -> None:
        if done.wait(_PATIENCE):
            return
        turn = 0
        while not done.wait(0.1):
            turn += 1
            sys.stderr.write(f"\r\x1b[K{_WHEEL[turn % len(_WHEEL)]} {said[-1]} ")
            sys.stderr.flush()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()

    spinner = threading.Thread(target=spin, daemon=True)
    spinner.start()
    try:
        yield said.append
    finally:
        done.set()
        spinner.join()
