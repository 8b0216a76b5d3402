"""Child processes: their output is complete, and a secret one is never written to disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.system import process

_LARGE = "import sys; sys.stdout.write(sys.stdin.read() * 1_000_000); sys.stderr.write('an error'); sys.exit(3)"


@pytest.mark.parametrize("large_output", [False, True])
def test_large_output_is_complete(large_output: bool) -> None:
    done = process.run([sys.executable, "-c", _LARGE], stdin=b"seven b", large_output=large_output)
    assert (done.code, done.out == b"seven b" * 1_000_000, done.err) == (3, True, "an error")


def test_output_goes_through_no_file_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", None)
    assert process.run(["printf", "secret"]).out == b"secret"


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000\n", 4), ("150000 100000\n", 2), ("1000 100000\n", 1), ("900000 100000\n", 4), ("?", 4)],
)
def test_cores_are_limited_by_the_control_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, cores: int
) -> None:
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr("bootstrap.system.process._CPU_MAX", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert process.cores() == cores
    (tmp_path / "cpu.max").unlink()
    assert process.cores() == 4


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system ties no process to a core")
def test_cores_are_limited_by_the_cpu_affinity() -> None:
    pin = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    script = f"{pin}; from bootstrap.system import process; print(process.cores())"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"1\n"
