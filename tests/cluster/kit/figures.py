"""What the tests measure: kept by name, shown at the end, written as JSON."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Figures:
    """Name -> (value, unit). Not frozen: it grows with the session."""

    taken: dict[str, tuple[float, str]] = field(default_factory=dict)

    def take(self, name: str, value: float, unit: str = "s") -> None:
        """Write down a value."""
        self.taken[name] = (round(value, 1), unit)

    @contextmanager
    def time(self, name: str) -> Iterator[None]:
        """Write down the seconds that a block took; a block that fails leaves no figure."""
        began = time.monotonic()
        yield
        self.take(name, time.monotonic() - began)

    def table(self) -> str:
        """One line a figure, for a person."""
        return "\n".join(f"{value:8.1f} {unit:4} {name}" for name, (value, unit) in self.taken.items())

    def write(self, path: Path) -> None:
        """Write all figures as JSON: name -> {"value", "unit"}."""
        figures = {name: {"value": value, "unit": unit} for name, (value, unit) in self.taken.items()}
        path.write_text(json.dumps(figures, indent=2) + "\n")
