"""What programs say comes back whole, and touches no disk where it may be secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.system import process

_LARGE = "import sys; sys.stdout.write(sys.stdin.read() * 1_000_000); sys.stderr.write('told'); sys.exit(3)"


@pytest.mark.parametrize("long", [False, True])
def test_all_of_it_comes_back(long: bool) -> None:
    done = process.run([sys.executable, "-c", _LARGE], given=b"seven b", long=long)
    assert (done.code, done.out == b"seven b" * 1_000_000, done.err) == (3, True, "told")


def test_what_may_be_secret_touches_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", None)
    assert process.run(["printf", "secret"]).out == b"secret"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("max 100000\n", 4), ("150000 100000\n", 2), ("1000 100000\n", 1), ("900000 100000\n", 4), ("?", 4)],
)
def test_a_container_s_limit_counts_as_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, wanted: int
) -> None:
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr("bootstrap.system.process._CPU_MAX", tmp_path / "cpu.max")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    assert process.cores() == wanted
    (tmp_path / "cpu.max").unlink()
    assert process.cores() == 4


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system ties no process to a core")
def test_a_process_that_is_tied_to_a_core_has_one() -> None:
    tie = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
    script = f"{tie}; from bootstrap.system import process; print(process.cores())"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"1\n"
