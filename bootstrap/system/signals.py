"""SIGINT and SIGTERM: they end the process within a second, after what was begun has been undone.

Python runs a signal handler only between two steps of the main thread, which may be waiting for a name server or a
thread. So a thread of its own gets each signal by a pipe (`signal.set_wakeup_fd`): it ends the children at once, and
after a grace period the whole process. The main thread gets `Stopped`, as it would get KeyboardInterrupt, and undoes
what it has to; while a change is under way the grace period does not end.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

_HANDLED = (signal.SIGINT, signal.SIGTERM)
_GRACE = 0.7  # seconds
_TURN = 0.05
_MADE = "the change was made, and what comes after it was not"


class Stopped(BaseException):
    """A signal said stop. No Exception, nor a KeyboardInterrupt, which click takes for an answer to its question."""


class _State:
    """What the main thread and the watching thread share."""

    def __init__(self) -> None:
        self.number = 0  # the first signal, 0 before it
        self.raised = False  # in the main thread
        self.over = False  # the command has ended, and has said so
        self.changes = 0  # blocks of the main thread that are undone, one in the other
        self.shields = 0  # blocks that undo
        self.left = ""  # what a signal does not undo, in words
        self.children: set[int] = set()
        self.ended: set[int] = set()  # that were told to end: those of a worker outlive it
        self.ending = threading.Lock()  # held while children are ended


_state = _State()


def install() -> None:
    """Take both signals from now on, but for one that whoever started this process has told it to ignore (nohup)."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    sys.unraisablehook = _unraisable
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()
    for number in _HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)


def stopped() -> bool:
    """Whether a signal has said stop."""
    return _state.number != 0


def exit_code() -> int:
    """128 and the signal, as shells have it: 130 or 143."""
    return 128 + (_state.number or signal.SIGINT)


def said() -> str:
    """What the user is told."""
    return f"interrupted; {_state.left or 'nothing was changed'}"


def begin() -> None:
    """A command begins: it has changed nothing."""
    _state.left = ""


def made(what: str) -> str:
    """Something stands from now on, or may stand, that no signal undoes: this is told in place of what is returned."""
    before, _state.left = _state.left, what
    return before


def stands() -> bool:
    """Whether something was made that no signal undoes."""
    return bool(_state.left)


def check() -> None:
    """Raise Stopped where a signal said stop and did not, or could not, raise it itself: in a thread, in a change."""
    if stopped() and not (_main() and (_state.shields or not _state.changes)):
        raise Stopped


def shielded() -> bool:
    """Whether what is started now has to come to its end, even where the terminal signals all of us."""
    return _main() and _state.shields > 0


@contextlib.contextmanager
def shield() -> Iterator[None]:
    """Let a block of the main thread come to its end, with what it starts: Stopped is raised after it."""
    if not _main():
        yield
        return
    _state.shields += 1
    with _state.ending:  # none of its children is among those that are being ended
        pass
    try:
        yield
    finally:
        _state.shields -= 1
    _raise_late()


@contextlib.contextmanager
def undone_by(undo: Callable[[], bool]) -> Iterator[None]:
    """Undo what a block has done, if it fails or a signal ends it: `undo` tells whether all is as it was before.

    In the block Stopped is raised by `check` alone, where a child ended: never between a step and the note of it.
    """
    step = int(_main())
    _state.changes += step
    try:
        yield
    except BaseException:
        _state.shields += step
        with _state.ending:
            pass
        try:
            if not undo():
                made(_MADE)
        finally:
            _state.shields -= step
            _state.changes -= step
        _raise_late()
        raise
    made(_MADE)
    _state.changes -= step
    _raise_late()


@contextlib.contextmanager
def child(pid: int) -> Iterator[None]:
    """End this child, with all that it has started, when a signal says stop."""
    _state.children.add(pid)
    try:
        check()  # the signal may have come just before
        yield
    finally:
        _state.children.discard(pid)


def end(pids: Iterable[int], by: signal.Signals = signal.SIGTERM) -> None:
    """End processes with all that they have started: a hook's or a wrapper's program goes on without its parent."""
    for each in sorted(descendants(pids)):  # parents first: a shell goes on with its next line when a child of it ends
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(each, by)


def descendants(roots: Iterable[int]) -> set[int]:
    """Processes and all that come from them, as far as the system shows it (Linux); else only these."""
    parents: dict[int, int] = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            told = each.read_text(errors="replace")
            # The name, in parentheses, may hold anything; then come the state and the parent (proc_pid_stat(5)).
            parents[int(told.split(" ", 1)[0])] = int(told.rpartition(")")[2].split()[1])
    found, size = set(roots), -1
    while len(found) != size:
        size = len(found)
        found |= {pid for pid, parent in parents.items() if parent in found}
    return found


def children() -> set[int]:
    """All processes that this one has started, and theirs."""
    return descendants({*_state.children, os.getpid()}) - {os.getpid()}


def over() -> None:
    """The command has ended and said so: a signal ends what is left of it without a word, and a second one nothing."""
    _state.over = True
    if stopped() and _main():
        for number in _HANDLED:
            signal.signal(number, signal.SIG_IGN)  # Python gives up its handlers before it ends
        _end_rest()


def leave() -> NoReturn:
    """End where a signal came before a command was there to tell it."""
    over()
    _tell()
    raise SystemExit(exit_code())


def _end_rest() -> None:
    """End what outlives a worker, after a moment for what pays regard: nobody is left to do it later."""
    until, left = time.monotonic() + _GRACE / 4, _state.ended - descendants({os.getpid()})
    while time.monotonic() < until and any(map(_runs, left)):
        time.sleep(_TURN / 5)
    end(left, signal.SIGKILL)


def _runs(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False


def _main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _tell() -> None:
    line = f"error: {said()}\n"
    os.write(2, f"\r\x1b[K{line}".encode() if os.isatty(2) else line.encode())


def _raise_late() -> None:
    if _main() and stopped() and not (_state.shields or _state.changes or _state.raised or _state.over):
        _state.raised = True
        raise Stopped


def _handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    _state.number = _state.number or number
    _raise_late()


def _watch(reader: int) -> None:
    while (number := os.read(reader, 1)[0]) not in _HANDLED:
        pass
    _state.number = _state.number or number
    pause, waited = threading.Event(), 0.0
    while waited < _GRACE or _state.changes or _state.shields:
        with _state.ending:
            if not _state.ended and not _state.shields:
                _state.ended = children()
                end(_state.ended)
        pause.wait(_TURN)
        waited += _TURN
        if waited > _GRACE / 2:  # for those that pay no regard
            end(_state.ended, signal.SIGKILL)
    if not _state.over:
        _tell()
    end(children(), signal.SIGKILL)
    os._exit(exit_code())


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    """Stopped can't leave a finalizer or a callback, where Python only prints it: then it comes again."""
    if isinstance(args.exc_value, Stopped):
        _state.raised = False
        threading.Timer(_TURN, os.kill, (os.getpid(), _state.number)).start()
    else:
        sys.__unraisablehook__(args)
