"""The one door to other programs, and the home that they run in: empty, with a Git identity, the same for all."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from bootstrap.secrets import sealing

PYTHON = sys.executable
TAXIWAY = str(Path(sys.executable).with_name("taxiway"))

_MAXRSS = 1 if sys.platform == "darwin" else 1024  # getrusage counts in bytes there, in KiB elsewhere
_PEAK = """
import atexit, pathlib, resource, sys
report, program = pathlib.Path(sys.argv.pop(1)), sys.argv.pop(1)
whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
atexit.register(lambda: report.write_text(" ".join(str(resource.getrusage(each).ru_maxrss) for each in whose)))
exec(program)
"""


class Failed(Exception):
    """A program that is being measured did not do its work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a program took: wall time, and the CPU time of itself and of all that it started and waited for."""

    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Peak resident sets, in bytes: of a program itself, and of the largest of all that it started and waited for."""

    own: float
    children: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where programs run: a temporary folder, its environment variables, and a sealing certificate in it."""

    folder: Path
    environment: Mapping[str, str]
    certificate: Path

    @classmethod
    def create(cls, folder: Path) -> "Home":
        """Settle in an empty folder. The private key of the certificate is thrown away."""
        (folder / ".gitconfig").write_text("[user]\n  name = Bench\n  email = bench@example.com\n")
        pair = sealing.read_key(sealing.new_key(), source="the new key")
        certificate = folder / "sealing-cert.pem"
        certificate.write_bytes(sealing.certify(pair, now=datetime.now(UTC)))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON", "XDG_"))}
        return cls(
            folder=folder,
            certificate=certificate,
            environment=kept
            | {
                "HOME": str(folder),
                "GIT_CONFIG_NOSYSTEM": "1",
                "KUBECONFIG": str(folder / "no-kubeconfig"),
                # An installed package has its bytecode; a checkout may not. Both sides of a pair find it here.
                "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            },
        )

    def run(self, argv: Sequence[str]) -> Spent:
        """Run a program to its end, with nothing to read and its answer thrown away. Raises Failed."""
        return spend(argv, cwd=self.folder, environment=self.environment)

    def peak(self, program: str, arguments: Sequence[str]) -> Peak:
        """Run a Python program that finds the arguments in `sys.argv[1:]`, and tell how much memory it took."""
        report = self.folder / "peak"
        # A new process starts with the peak of the one that it was forked from: a small shell stands in between.
        self.run(["sh", "-c", '"$@"; exit $?', "sh", PYTHON, "-c", _PEAK, str(report), program, *arguments])
        own, children = (float(text) * _MAXRSS for text in report.read_text().split())
        return Peak(own=own, children=children)


def spend(argv: Sequence[str], *, cwd: Path, environment: Mapping[str, str] | None = None) -> Spent:
    """Run a program and tell what it took. Raises Failed, with its last words, where it fails or can't be started."""
    began = time.perf_counter()
    try:
        process = subprocess.Popen(
            argv, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
    except OSError as err:
        raise Failed(f"{argv[0]} can't be started: {err.strerror}") from err
    with process:
        said = _pipe(process.stderr).read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - began
    if process.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise Failed(f"{Path(argv[0]).name} failed: {last[0]}")
    return Spent(seconds=seconds, cpu=usage.ru_utime + usage.ru_stime)


@contextmanager
def conversation(argv: Sequence[str], *, environment: Mapping[str, str]) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """A program that goes on as long as the `with`: what it reads, and what it writes."""
    with subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield _pipe(process.stdin), _pipe(process.stdout)
        finally:
            _pipe(process.stdin).close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe
    return pipe
