"""Console output: results on stdout, messages on stderr. No other module prints.

All text goes through `escaping.log_line`, so that text of the repo can't control the terminal; colours are added last.
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

_DELAY = 0.5  # seconds before progress is shown
_COLOURS = {"+ ": "32", "- ": "31", "~ ": "36", "! ": "1;33"}
_SPINNER = "|/-\\"


class Output(StrEnum):
    """Output format."""

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
        message(f"note: {note}")


def message(text: str) -> None:
    """Print a line on stderr."""
    _print(log_line(text), sys.stderr)


def _document(text: str) -> None:
    """Print a document for programs unchanged, in UTF-8; on a terminal, control characters are escaped."""
    if sys.stdout.isatty():
        _print(escaping.visible(text, keep="\n\t"), sys.stdout)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(f"{text}\n".encode(errors="backslashreplace"))
        sys.stdout.buffer.flush()


def _print(text: str, file: TextIO) -> None:
    """Print with backslash escapes for characters that the encoding lacks, for example under LANG=C."""
    encoding = file.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=file)


def _paint(line: str) -> str:
    """Colour a line of a difference by its first character, as Git does."""
    colour = _COLOURS.get(line.strip()[:2])
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


def fail(error: TaxiwayError, output: Output) -> None:
    """Print one or several errors with their hints on stderr; with JSON output, on stdout too.

    Further lines of a message, such as a program's stderr, are indented with a bar, so that they don't look like ours.
    """
    errors = error.errors if isinstance(error, MultipleErrors) else (error,)
    for err in errors:
        first, *more = err.message.replace("\r\n", "\n").strip("\n").split("\n")
        for line in (f"error: {first}", *(f"  | {line}" for line in more)):
            message(line)
        if err.hint:
            message(f"  hint: {err.hint}")
    if output is Output.JSON:
        data = [{"message": err.message, "hint": err.hint} for err in errors]
        print(escaping.as_json({"status": "error", "exitCode": error.exit_code, "errors": data}))


def trace(defect: Exception) -> None:
    """Print a traceback, for a bug report."""
    for line in "".join(traceback.format_exception(defect)).split("\n")[:-1]:
        message(f"  | {line}")


@contextlib.contextmanager
def progress(text: str) -> Iterator[Callable[[str], None] | None]:
    """Show a spinner with a text on stderr after half a second, if that is a terminal.

    Yields a function that replaces the text, or None.
    """
    if not sys.stderr.isatty():
        yield None
        return
    done = threading.Event()
    latest = deque([text], maxlen=1)

    def spin() -> None:
        if done.wait(_DELAY):
            return
        turn = 0
        while not done.wait(0.1):
            turn += 1
            sys.stderr.write(f"\r\x1b[K{_SPINNER[turn % len(_SPINNER)]} {log_line(latest[-1])} ")
            sys.stderr.flush()
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()

    spinner = threading.Thread(target=spin, daemon=True)
    spinner.start()
    try:
        yield latest.append
    finally:
        done.set()
        spinner.join()
