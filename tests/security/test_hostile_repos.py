"""Each hostile repo, under every command that reads one: nothing leaves, nothing runs, nothing hangs, all is told."""

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.commands.test_init import git
from tests.conftest import Ran, Taxiway
from tests.security.cases import CASES
from tests.security.hostile import CANARY, Case, Place

_SECONDS = 60  # for one command, on a slow machine; none takes more than two on an idle one
COMMANDS: Mapping[str, tuple[str, ...]] = {
    "env list": ("env", "list"),
    "render": ("render", "--output", "names"),
    "diff": ("diff", "--from", "HEAD~1"),
    "diff to Markdown": ("diff", "--from", "HEAD~1", "--output", "markdown"),
    "validate": ("validate",),
    "validate for GitHub": ("validate", "--since", "HEAD~1", "--output", "github"),
    "set": ("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=7"),
    "promote": ("promote", "dev", "prod", "--dry-run"),
    "hold": ("hold", "prod", "--reason", "wait"),
    "env add": ("env", "add", "qa", "--dry-run"),
    "env remove": ("env", "remove", "prod"),
}
# 0: done. 1: findings. 2 to 11: a mistake of the input, said in a sentence.
_CODES = range(12)
# Sent to a terminal or a log, these would be obeyed: control characters, marks that reorder or hide, bytes of no text.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_COMMAND = re.compile(r"^\s*(::[a-z-]+|##\[|##vso)", re.MULTILINE)
_OURS = re.compile(r"^::(error|warning|notice) (file=[^:]*|title=[^:]*)")


@contextmanager
def _in_time() -> Iterator[None]:
    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done after {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _state(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and ".cache" not in path.parts
    }


def _connected(place: Place) -> bool:
    try:
        place.listener.accept()
    except BlockingIOError:
        return False
    return True


def _check(case: Case, command: str, ran: Ran) -> None:
    said = f"{case.name}: taxiway {command}: exit {ran.code}\n{ran.out}\n{ran.err}"
    assert ran.code in _CODES, said
    assert ran.code < 2 or ran.err.startswith("error: "), said
    told = ran.out + ran.err
    assert not (found := _OBEYED.search(told)), f"{found!r} in {said}"
    lines = [line for line in told.splitlines() if _COMMAND.match(line)]
    ours = _OURS if command == "validate for GitHub" else re.compile("(?!)")
    assert all(ours.match(line) for line in lines), said
    assert CANARY not in told, said
    assert re.search(case.says.get(command, ""), told), f"{case.says[command]} is not in {said}"


def _few(number: int, case: Case) -> list[str]:
    """Commands for the gate: one in turn, and one of those whose words are known; all cases together have them all."""
    names = [*COMMANDS]
    spoken = [*case.says][number % len(case.says) :][:1] if case.says else []
    return [name for name in names if name in (names[number % len(names)], *spoken)]


@pytest.mark.parametrize(
    ("case", "commands"),
    [
        *(pytest.param(case, _few(number, case), id=case.name) for number, case in enumerate(CASES)),
        *(pytest.param(case, [*COMMANDS], id=f"{case.name}: all", marks=pytest.mark.deep) for case in CASES),
    ],
)
def test_nothing_leaves_nothing_runs_and_all_is_told(
    case: Case, commands: list[str], place: Place, taxiway: Taxiway
) -> None:
    case.plant(place)
    if case.committed:
        git(place.repo, "add", "--all", "--force")
        git(place.repo, "commit", "--quiet", "--allow-empty", "--message", "Hostile")
        git(place.repo, "push", "--quiet")
    elif os.path.lexists(place.repo / "taxiway.yaml"):
        git(place.repo, "commit", "--quiet", "--allow-empty", "--message", "Nothing")
    planted = git(place.repo, "rev-parse", "HEAD")
    outside, home = _state(place.outside), _state(Path.home())
    for command in commands:
        with _in_time():
            ran = taxiway(*COMMANDS[command])
        _check(case, command, ran)
    assert _state(place.outside) == outside, "a file outside of the repo was changed"
    assert _state(Path.home()) == home, "the home folder was changed"
    assert not _connected(place), "something was fetched"
    assert not [path for path in place.repo.rglob("owned") if path.exists()], "something of the repo was run"
    committed = git(place.repo, "log", "--all", "-p", "--format=%B", f"^{planted}")
    assert CANARY not in committed, "a file from outside was committed"
