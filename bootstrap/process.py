"""The one door to other programs."""

import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from bootstrap.child_environment import Child
from bootstrap.errors import MissingTool

# The limit of this control group: microseconds of CPU time in so many (Linux, Control Group v2, cpu.max).
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


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
    machine = len(places()) or os.cpu_count() or 1
    try:
        quota, period = _CPU_MAX.read_text().split()
        return max(1, min(machine, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no such control group, or no limit: "max 100000"
        return machine


def places() -> list[int]:
    """The cores that this process may use, by their numbers; none where the system ties no process to a core."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def stay(place: int) -> None:
    """Keep this process, and what it starts from now on, on one core, if the system lets it."""
    with suppress(OSError):
        os.sched_setaffinity(0, {place})


def run(
    argv: Sequence[str],
    *,
    given: bytes = b"",
    env: Mapping[str, str] | None = None,
    long: bool = False,
    child: Child = Child.PLAIN,
) -> Finished:
    """Run a program to its end, without a shell, with `given` as its input.

    Of this process's environment it gets what a `child` of its kind needs, with `env` over it.

    What it says comes through a pipe; a `long` text, in which nothing is secret, through a file. A pipe holds little,
    and who reads it waits at each piece for Python's other threads. Raises MissingTool when it can't be started.
    """
    surroundings = {**child.environment(os.environ), **(env or {})}
    try:
        with tempfile.TemporaryFile() if long else nullcontext() as file:
            done = subprocess.run(
                argv, input=given, stdout=file or subprocess.PIPE, stderr=subprocess.PIPE, check=False, env=surroundings
            )
            if file:
                file.seek(0)
            out = file.read() if file else done.stdout
    except OSError as err:
        raise MissingTool(f"{argv[0]} can't be started: {err.strerror}") from err
    return Finished(code=done.returncode, out=out, err=done.stderr.decode(errors="replace").strip())
