"""The only place that prints. stdout is the answer, stderr is the story.

All of it goes through `plaintext.log_line`, so that no text of others is more than text; colours are put on after that.
"""

import contextlib
import os
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import TextIO

from bootstrap.core import escaping
from bootstrap.core.errors import MultipleErrors, TaxiwayError
from bootstrap.core.escaping import log_line
from bootstrap.core.result import Result

_PATIENCE = 0.5  # seconds that a user waits without a word
_COLOURS = {"+ ": "32", "- ": "31", "~ ": "36", "! ": "1;33"}
_WHEEL = "|/-\\"


class Output(StrEnum):
    """The form of the answer."""

    TEXT = "text"
    JSON = "json"


def show(result: Result, output: Output) -> None:
    """Print a result: its lines, or one JSON document with status, data and notes."""
    if output is Output.JSON:
        print(escaping.as_json({"status": result.status, "data": result.data, "notes": result.notes}))
    elif result.document:
        _document("\n".join(result.lines))
    else:
        paint = _paint if sys.stdout.isatty() and "NO_COLOR" not in os.environ else str
        for line in result.lines:
            _print(paint(log_line(line)), sys.stdout)
    for note in result.notes:
        tell(f"note: {note}")


def tell(sentence: str) -> None:
    """Print a sentence on stderr."""
    _print(log_line(sentence), sys.stderr)


def _document(text: str) -> None:
    """A document for programs: as it is in UTF-8, but on a terminal, where control characters are shown."""
    if sys.stdout.isatty():
        _print(escaping.visible(text, keep="\n\t"), sys.stdout)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{text}\n".encode(errors="backslashreplace"))
        sys.stdout.buffer.flush()


def _print(text: str, file: TextIO) -> None:
    """What the terminal's encoding has no character for is written out, as under LANG=C."""
    encoding = file.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=file)


def _paint(line: str) -> str:
    """A line of a difference in the colour that its first sign has in Git."""
    colour = _COLOURS.get(line.strip()[:2])
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


def fail(error: TaxiwayError, output: Output) -> None:
    """Print a mistake, or all of several: a sentence each, and what to do next. JSON readers get them on stdout too.

    What a program said in more than one line goes on behind a bar: no line of it looks like one of ours.
    """
    errors = error.errors if isinstance(error, MultipleErrors) else (error,)
    for each in errors:
        first, *more = each.message.replace("\r\n", "\n").strip("\n").split("\n")
        for line in (f"error: {first}", *(f"  | {line}" for line in more)):
            tell(line)
        if each.hint:
            tell(f"  hint: {each.hint}")
    if output is Output.JSON:
        told = [{"message": each.message, "hint": each.hint} for each in errors]
        print(escaping.as_json({"status": "error", "exitCode": error.exit_code, "errors": told}))


def trace(defect: Exception) -> None:
    """Print where a defect of taxiway was met, for who reports it."""
    for line in "".join(traceback.format_exception(defect)).split("\n")[:-1]:
        tell(f"  | {line}")


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
            sys.stderr.write(f"\r\x1b[K{_WHEEL[turn % len(_WHEEL)]} {log_line(said[-1])} ")
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
