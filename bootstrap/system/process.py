"""The one door to other programs."""

import math
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from bootstrap.core.errors import MissingTool
from bootstrap.system import signals
from bootstrap.system.child_environment import Child

# The limit of this control group: microseconds of CPU time in so many (Linux, Control Group v2, cpu.max).
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
_PIECE_IN = 512  # bytes that a pipe takes at once, if it takes any (POSIX: PIPE_BUF)
_PIECE_OUT = 1 << 16
_REGARD = 0.2  # seconds for a program to end by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What a program left behind: its exit code and what it wrote."""

    code: int
    out: bytes
    err: str


def find(name: str) -> str | None:
    """Where a program is: on PATH, or beside this Python, where a package of the same environment has put it."""
    beside = Path(sys.executable).with_name(name)
    return shutil.which(name) or (str(beside) if beside.is_file() else None)


def cores() -> int:
    """How many cores this process may keep busy: in a container, often fewer than the machine has."""
    machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _CPU_MAX.read_text().split()
        return max(1, min(machine, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no such control group, or no limit: "max 100000"
        return machine


class TookTooLong(Exception):
    """A program did not end in the time that it was given, and was ended."""


class SaidTooMuch(Exception):
    """A program wrote more than it was allowed to, and was ended."""


def run(
    argv: Sequence[str],
    *,
    given: bytes = b"",
    env: Mapping[str, str] | None = None,
    long: bool = False,
    child: Child = Child.PLAIN,
    seconds: float | None = None,
    most: int | None = None,
) -> Finished:
    """Run a program to its end, without a shell, with `given` as its input.

    Of this process's environment it gets what a `child` of its kind needs, with `env` over it.

    What it says comes through a pipe; a `long` text, in which nothing is secret, through a file. A pipe holds little,
    and who reads it waits at each piece for Python's other threads. Raises MissingTool when it can't be started,
    TookTooLong and SaidTooMuch at its limits, and signals.Stopped when a signal ended it.
    """
    surroundings = {**child.environment(os.environ), **(env or {})}
    signals.check()
    with tempfile.TemporaryFile() if long else nullcontext() as file:
        try:
            started = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=file or subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=surroundings,
                start_new_session=signals.shielded(),
            )
        except OSError as err:
            raise MissingTool(f"{argv[0]} can't be started: {err.strerror}") from err
        with started, signals.child(started.pid):
            try:
                out, said = _exchange(started, given, seconds, most)
            except BaseException:
                _end(started)
                raise
        signals.check()
        if file:
            file.seek(0)
            out = file.read()
    return Finished(code=started.returncode, out=out, err=said.decode(errors="replace").strip())


def _exchange(
    started: "subprocess.Popen[bytes]", given: bytes, seconds: float | None, most: int | None
) -> tuple[bytes, bytes]:
    """What a program writes to its pipes while it is given its input, until it has closed them and ended."""
    until = None if seconds is None else time.monotonic() + seconds
    said: dict[object, list[bytes]] = {started.stdout: [], started.stderr: []}
    left, size = memoryview(given), 0
    with selectors.DefaultSelector() as selector:
        for source in filter(None, (started.stdout, started.stderr)):
            selector.register(source, selectors.EVENT_READ)
        if started.stdin and given:
            selector.register(started.stdin, selectors.EVENT_WRITE)
        elif started.stdin:
            started.stdin.close()
        while selector.get_map():
            ready = selector.select(_left(until))
            for pipe in (cast("IO[bytes]", key.fileobj) for key, _ in ready):
                if pipe is started.stdin:
                    left = left[_written(pipe, left[:_PIECE_IN]) :]
                    done = not left
                else:
                    piece = os.read(pipe.fileno(), _PIECE_OUT)
                    said[pipe].append(piece)
                    size += len(piece)
                    done = not piece
                if done:
                    selector.unregister(pipe)
                    pipe.close()
            if most is not None and size > most:
                raise SaidTooMuch
    try:
        started.wait(_left(until))
    except subprocess.TimeoutExpired:
        raise TookTooLong from None
    return b"".join(said[started.stdout]), b"".join(said[started.stderr])


def _written(pipe: IO[bytes], piece: memoryview) -> int:
    try:
        return os.write(pipe.fileno(), piece)
    except BrokenPipeError:  # it wants no more
        return sys.maxsize


def _left(until: float | None) -> float | None:
    if until is None:
        return None
    left = until - time.monotonic()
    if left <= 0:
        raise TookTooLong
    return left


def _end(started: "subprocess.Popen[bytes]") -> None:
    """End a program and all that it has started: at once, or soon, if it pays no regard."""
    family = signals.descendants({started.pid})
    signals.end(family)
    with suppress(subprocess.TimeoutExpired):
        started.wait(_REGARD)
    signals.end(family, signal.SIGKILL)
