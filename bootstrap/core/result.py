"""What a command returns: plain data, for people or for programs."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

# Tells the user what is being waited for, as long as the `with` lasts. It may give a function that tells how far it is;
# None where nobody is watching.
Progress = Callable[[str], AbstractContextManager[Callable[[str], None] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A command's outcome: `data` is the contract of `-o json`, `lines` say it to people, `notes` go to stderr.

    Where they are a `document`, the lines are of a form for programs, which has its own escapes: they are printed as
    they are.
    """

    status: str
    data: Mapping[str, Any]
    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()
    document: bool = False
