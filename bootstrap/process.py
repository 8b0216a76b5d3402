"""The one door to other programs."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.errors import MissingTool


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


def run(argv: Sequence[str], *, given: bytes = b"", env: Mapping[str, str] | None = None) -> Finished:
    """Run a program to its end, without a shell, with `given` as its input and `env` over this process's own.

    Raises MissingTool when it can't be started.
    """
    stdin: dict[str, Any] = {"input": given} if given else {"stdin": subprocess.DEVNULL}
    surroundings = {**os.environ, **(env or {})}
    try:
        # A file takes all of it. A pipe holds little, and who reads it waits at each piece for Python's other threads.
        with tempfile.TemporaryFile() as out:
            done = subprocess.run(argv, **stdin, stdout=out, stderr=subprocess.PIPE, check=False, env=surroundings)
            out.seek(0)
            return Finished(code=done.returncode, out=out.read(), err=done.stderr.decode(errors="replace").strip())
    except OSError as err:
        raise MissingTool(f"{argv[0]} can't be started: {err.strerror}") from err
