"""What programs say comes back whole, and touches no disk where it may be secret."""

import sys

import pytest

from bootstrap import process

_LARGE = "import sys; sys.stdout.write(sys.stdin.read() * 1_000_000); sys.stderr.write('told'); sys.exit(3)"


@pytest.mark.parametrize("long", [False, True])
def test_all_of_it_comes_back(long: bool) -> None:
    done = process.run([sys.executable, "-c", _LARGE], given=b"seven b", long=long)
    assert (done.code, done.out == b"seven b" * 1_000_000, done.err) == (3, True, "told")


def test_what_may_be_secret_touches_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", None)
    assert process.run(["printf", "secret"]).out == b"secret"
