"""Result: what a command returns, as plain data."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

# Shows the user what is being waited for until the `with` ends. The context is a function that updates the text, or
# None where no progress is shown.
Progress = Callable[[str], AbstractContextManager[Callable[[str], None] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A command's outcome: `data` for `-o json`, `lines` for people on stdout, `notes` for stderr.

    With `document`, the lines are a machine-readable format with its own escapes, and are printed unchanged.
    """

    status: str
    data: Mapping[str, Any]
    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()
    document: bool = False
