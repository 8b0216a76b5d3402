"""Child processes: the only module that starts other programs."""

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
from bootstrap.system.process_tree import descendants, terminate

# The CPU limit of this control group: `QUOTA PERIOD` in microseconds (Linux, Control Group v2).
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
_WRITE_SIZE = 512  # bytes that a write to a ready pipe takes without blocking (POSIX: PIPE_BUF)
_READ_SIZE = 1 << 16
_TERMINATION_GRACE = 0.2  # seconds between SIGTERM and SIGKILL


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished process: its exit code, stdout, and stderr without white space around it."""

    code: int
    out: bytes
    err: str


def find_program(name: str) -> str | None:
    """The path of a program: on PATH, or beside this Python, where a package of the same environment installed it."""
    beside = Path(sys.executable).with_name(name)
    return shutil.which(name) or (str(beside) if beside.is_file() else None)


def cores() -> int:
    """The number of cores that this process may use, within its CPU affinity and its container's limit."""
    machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = _CPU_MAX.read_text().split()
        return max(1, min(machine, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no control groups, or no limit: "max 100000"
        return machine


class TimedOut(Exception):
    """A program ran longer than its timeout, and was terminated."""


class OutputTooLarge(Exception):
    """A program wrote more than its limit, and was terminated."""


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    large_output: bool = False,
    child: Child = Child.PLAIN,
    timeout: float | None = None,
    max_output: int | None = None,
) -> Finished:
    """Run a program to its end, without a shell. It gets the variables that `child` takes of ours, and `env`.

    `large_output` takes stdout through a temporary file, which must hold no secret: faster than a pipe, each piece of
    which has to wait for Python's other threads. `timeout` is in seconds; `max_output` in bytes, through pipes.

    Raises MissingTool where it can't be started, TimedOut and OutputTooLarge at its limits, and signals.Stopped when a
    signal ended it.
    """
    environment = {**child.environment(os.environ), **(env or {})}
    signals.raise_if_stopped()
    with tempfile.TemporaryFile() if large_output else nullcontext() as file:
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=file or subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=signals.shielded(),
            )
        except OSError as err:
            raise MissingTool(f"{argv[0]} can't be started: {err.strerror}") from err
        with process, signals.stopping_child(process.pid):
            try:
                out, stderr = _communicate(process, stdin, timeout, max_output)
            except BaseException:
                _terminate(process)
                raise
        signals.raise_if_stopped()
        if file:
            file.seek(0)
            out = file.read()
    return Finished(code=process.returncode, out=out, err=stderr.decode(errors="replace").strip())


def _communicate(
    process: "subprocess.Popen[bytes]", stdin: bytes, timeout: float | None, max_output: int | None
) -> tuple[bytes, bytes]:
    """Write stdin and read stdout and stderr until the program ends. Popen.communicate has no limit on the output."""
    deadline = None if timeout is None else time.monotonic() + timeout
    output: dict[object, list[bytes]] = {process.stdout: [], process.stderr: []}
    unwritten, size = memoryview(stdin), 0
    with selectors.DefaultSelector() as selector:
        for source in filter(None, (process.stdout, process.stderr)):
            selector.register(source, selectors.EVENT_READ)
        if process.stdin and stdin:
            selector.register(process.stdin, selectors.EVENT_WRITE)
        elif process.stdin:
            process.stdin.close()
        while selector.get_map():
            ready = selector.select(_remaining(deadline))
            for pipe in (cast("IO[bytes]", key.fileobj) for key, _ in ready):
                if pipe is process.stdin:
                    unwritten = unwritten[_write(pipe, unwritten[:_WRITE_SIZE]) :]
                    done = not unwritten
                else:
                    piece = os.read(pipe.fileno(), _READ_SIZE)
                    output[pipe].append(piece)
                    size += len(piece)
                    done = not piece
                if done:
                    selector.unregister(pipe)
                    pipe.close()
            if max_output is not None and size > max_output:
                raise OutputTooLarge
    try:
        process.wait(_remaining(deadline))
    except subprocess.TimeoutExpired:
        raise TimedOut from None
    return b"".join(output[process.stdout]), b"".join(output[process.stderr])


def _write(pipe: IO[bytes], piece: memoryview) -> int:
    try:
        return os.write(pipe.fileno(), piece)
    except BrokenPipeError:  # the program has closed its stdin: the rest is dropped
        return sys.maxsize


def _remaining(deadline: float | None) -> float | None:
    """Seconds until a deadline. Raises TimedOut behind it."""
    if deadline is None:
        return None
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimedOut
    return seconds


def _terminate(process: "subprocess.Popen[bytes]") -> None:
    """Terminate a program and all that it has process, by SIGKILL where SIGTERM is ignored."""
    tree = descendants({process.pid})
    terminate(tree)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_TERMINATION_GRACE)
    terminate(tree, signal.SIGKILL)
