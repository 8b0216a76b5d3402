"""What is remembered of a whole repo is told only while it holds."""

from pathlib import Path

import pytest

from bootstrap.builds import Builder
from bootstrap.cache import Cache
from bootstrap.kustomize import Kustomize
from bootstrap.memory import Memory
from bootstrap.snapshot import Commit, WorkTree
from bootstrap.validate.violation import Finding, Place, Rule, Severity
from tests.commands.test_init import git

RULE = Rule(name="family/mistake", severity=Severity.WARNING, title="t", why="w", fix="f")
FOUND = [
    Finding(rule=RULE, place=Place("a.yaml", 3), message="m", hint="h", environments=("dev", "complete")),
    Finding(rule=RULE, place=Place("overlays/dev/é.yaml"), message="n"),
]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "overlays/dev").mkdir(parents=True)
    (tmp_path / "overlays/dev/a.yaml").write_text("a: b\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "all")
    return tmp_path


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    return Cache(folder=tmp_path_factory.mktemp("cache"))


def memory(repo: Path, cache: Cache, *, committed: bool = True) -> Memory:
    builder = Builder(kustomize=Kustomize(()), cache=cache, renderer="none", code="this")
    return Memory(work=WorkTree(repo), before=Commit.of(repo, "HEAD") if committed else None, builder=builder)


def test_it_holds_for_its_time(repo: Path, cache: Cache) -> None:
    known = memory(repo, cache)
    assert known.recall(10) is None
    known.keep(FOUND, 10, 20)
    assert [known.recall(now) for now in (9.9, 10, 19.9, 20)] == [None, FOUND, FOUND, None]


def test_it_holds_for_these_files(repo: Path, cache: Cache) -> None:
    memory(repo, cache).keep(FOUND, 10, 20)
    (repo / "new.yaml").write_text("new")
    assert memory(repo, cache).recall(10) is None
    (repo / "new.yaml").unlink()
    assert memory(repo, cache).recall(10) == FOUND
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "the same files")
    assert memory(repo, cache).recall(10) == FOUND
    (repo / "overlays/dev/a.yaml").write_text("a: c\n")
    git(repo, "commit", "--quiet", "--all", "-m", "others")
    assert memory(repo, cache).recall(10) is None


def test_what_changed_meanwhile_is_not_kept(repo: Path, cache: Cache) -> None:
    known = memory(repo, cache)
    (repo / "overlays/dev/a.yaml").write_text("a: c\n")
    known.keep(FOUND, 10, 20)
    git(repo, "checkout", "--quiet", ".")
    assert memory(repo, cache).recall(10) is None


def test_a_repo_without_a_commit_is_remembered_too(repo: Path, cache: Cache) -> None:
    git(repo, "update-ref", "-d", "HEAD")
    memory(repo, cache, committed=False).keep(FOUND, 10, 20)
    assert memory(repo, cache, committed=False).recall(10) == FOUND


@pytest.mark.parametrize("held", [b"", b"[]", b"{}", b'{"since": 0, "until": 99, "findings": [{"rule": 1}]}'])
def test_what_another_program_kept_is_not_there(
    repo: Path, cache: Cache, held: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cache, "get", lambda *_: held)
    assert memory(repo, cache).recall(10) is None
