"""SIGINT and SIGTERM: they end the process within a second, after a change that was under way has been undone.

Python runs signal handlers in the main thread only, between two steps, and that thread may be blocked by a name server
or a lock. So a second thread reads the signals from a pipe (`signal.set_wakeup_fd`): it terminates the child processes
at once, and the whole process after a grace period. The main thread gets `Stopped`, as it would get KeyboardInterrupt,
and undoes its change; the grace period is extended until that is done.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

from bootstrap.system.process_tree import descendants, is_running, terminate

_HANDLED = (signal.SIGINT, signal.SIGTERM)
_GRACE = 0.7  # seconds
_POLL = 0.05  # seconds
_CHANGED = "the change was made, and what comes after it was not"


class Stopped(BaseException):
    """A signal ended the command.

    No Exception, which a handler would catch, and no KeyboardInterrupt, which click takes for an answer to a prompt.
    """


class _State:
    """What the main thread and the watching thread share."""

    def __init__(self) -> None:
        self.signal = 0  # the number of the first signal, 0 before it
        self.raised = False  # Stopped was raised in the main thread
        self.command_ended = False  # and has printed its outcome
        self.changes = 0  # nested `undo_on_failure` blocks of the main thread
        self.shields = 0  # nested blocks that must not be interrupted
        self.change = ""  # a sentence about a change that a signal does not undo
        self.children: set[int] = set()
        self.terminated: set[int] = set()  # signalled processes, which may outlive the child that started them
        self.terminating = threading.Lock()


_state = _State()


def install() -> None:
    """Handle both signals from now on, but one that the parent process ignores (nohup)."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    sys.unraisablehook = _unraisable
    threading.Thread(target=_watch, args=(reader,), name="signals", daemon=True).start()
    for number in _HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)


def stopped() -> bool:
    """Whether a signal has come."""
    return _state.signal != 0


def exit_code() -> int:
    """128 and the signal's number, as shells have it: 130 or 143."""
    return 128 + (_state.signal or signal.SIGINT)


def message() -> str:
    """The sentence for the user: that the command was interrupted, and what it has changed."""
    return f"interrupted; {_state.change or 'nothing was changed'}"


def command_started() -> None:
    """Note that a command begins, which has changed nothing."""
    _state.change = ""


def record_change(what: str) -> str:
    """Note a change that may have been made and that no signal undoes, for `message`. Returns the previous one."""
    before, _state.change = _state.change, what
    return before


def has_changed() -> bool:
    """Whether a change was recorded that no signal undoes."""
    return bool(_state.change)


def raise_if_stopped() -> None:
    """Raise Stopped where a signal has come and its handler did not raise: in a thread, or inside of a change."""
    if stopped() and not (_in_main_thread() and (_state.shields or not _state.changes)):
        raise Stopped


def shielded() -> bool:
    """Whether a process that is started now must not be interrupted, not even by the terminal's own SIGINT."""
    return _in_main_thread() and _state.shields > 0


@contextlib.contextmanager
def shield() -> Iterator[None]:
    """Let a block of the main thread, and the processes that it starts, run to the end. Stopped is raised after it."""
    if not _in_main_thread():
        yield
        return
    _state.shields += 1
    _await_termination()
    try:
        yield
    finally:
        _state.shields -= 1
    _raise_late()


@contextlib.contextmanager
def undo_on_failure(undo: Callable[[], bool]) -> Iterator[None]:
    """Call `undo` if the block fails or a signal ends it. It returns whether all is as it was before.

    Inside of the block Stopped is raised by `raise_if_stopped` alone, after a child process: never between a step and
    the record of it.
    """
    step = int(_in_main_thread())
    _state.changes += step
    try:
        yield
    except BaseException:
        _state.shields += step
        _await_termination()
        try:
            if not undo():
                record_change(_CHANGED)
        finally:
            _state.shields -= step
            _state.changes -= step
        _raise_late()
        raise
    record_change(_CHANGED)
    _state.changes -= step
    _raise_late()


@contextlib.contextmanager
def stopping_child(pid: int) -> Iterator[None]:
    """Terminate this child process, with its descendants, if a signal comes during the `with`."""
    _state.children.add(pid)
    try:
        raise_if_stopped()  # the signal may have come just before
        yield
    finally:
        _state.children.discard(pid)


def command_ended() -> None:
    """Note that the command has ended and printed its outcome: a signal now ends the process without a message."""
    _state.command_ended = True
    if stopped() and _in_main_thread():
        for number in _HANDLED:
            signal.signal(number, signal.SIG_IGN)  # Python restores the default handlers before it exits
        _kill_remaining()


def exit_interrupted() -> NoReturn:
    """Exit where a signal came before there was a command that could report it."""
    command_ended()
    _print_message()
    raise SystemExit(exit_code())


def _await_termination() -> None:
    """Wait until the watching thread has signalled its list of processes: those of a shield must not be among them."""
    with _state.terminating:
        pass


def _children() -> set[int]:
    return descendants({*_state.children, os.getpid()}) - {os.getpid()}


def _kill_remaining() -> None:
    """Kill processes that outlive the child that started them, after a moment to end by themselves."""
    deadline = time.monotonic() + _GRACE / 4
    remaining = _state.terminated - descendants({os.getpid()})
    while time.monotonic() < deadline and any(map(is_running, remaining)):
        time.sleep(_POLL / 5)
    terminate(remaining, signal.SIGKILL)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _print_message() -> None:
    line = f"error: {message()}\n"
    os.write(2, f"\r\x1b[K{line}".encode() if os.isatty(2) else line.encode())


def _raise_late() -> None:
    busy = _state.shields or _state.changes or _state.raised or _state.command_ended
    if _in_main_thread() and stopped() and not busy:
        _state.raised = True
        raise Stopped


def _handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    _state.signal = _state.signal or number
    _raise_late()


def _watch(reader: int) -> None:
    while (number := os.read(reader, 1)[0]) not in _HANDLED:
        pass
    _state.signal = _state.signal or number
    pause, waited = threading.Event(), 0.0
    while waited < _GRACE or _state.changes or _state.shields:
        with _state.terminating:
            if not _state.terminated and not _state.shields:
                _state.terminated = _children()
                terminate(_state.terminated)
        pause.wait(_POLL)
        waited += _POLL
        if waited > _GRACE / 2:  # for those that ignore SIGTERM
            terminate(_state.terminated, signal.SIGKILL)
    if not _state.command_ended:
        _print_message()
    terminate(_children(), signal.SIGKILL)
    os._exit(exit_code())


def _unraisable(args: "sys.UnraisableHookArgs") -> None:
    """Python only prints a Stopped that is raised in a finalizer or a callback, so the signal is sent again."""
    if isinstance(args.exc_value, Stopped):
        _state.raised = False
        threading.Timer(_POLL, os.kill, (os.getpid(), _state.signal)).start()
    else:
        sys.__unraisablehook__(args)
