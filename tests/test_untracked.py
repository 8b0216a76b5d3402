"""What is remembered of the files that Git does not track is what Git would find, whatever happened since."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bootstrap import folders, untracked
from bootstrap.gitrepo import repository, status
from bootstrap.gitrepo.snapshot import WorkTree
from bootstrap.system.cache import Cache
from bootstrap.untracked import Memory
from tests.commands.test_init import git

OVERLAYS = ("dev", "complete", "new", "empty")
FILES = ("README.md", "base/a", "overlays/dev/a", "overlays/dev/deep/a", "overlays/complete/a")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo with files of all kinds, where nothing has changed for long enough."""
    monkeypatch.setattr(folders, "_SETTLED", 5 * 10**7)
    top = tmp_path / "repo"
    for name in (*FILES, "new", "overlays/new/a", "base/a.log", "logs/a.log", "nested/a"):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    (top / "overlays/empty").mkdir()
    (top / ".gitignore").write_text("*.log\n")
    (top / "base/.gitignore").write_text("ignored\n")
    (top / "base/.gitignore").chmod(0o600)
    git(top, "init", "--quiet")
    git(top / "nested", "init", "--quiet")
    git(top, "add", ".gitignore", "base/.gitignore", *FILES)
    git(top, "commit", "--quiet", "-m", "all")
    time.sleep(0.1)
    return top


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(folder=tmp_path / "cache")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Git is asked, as its command lines."""
    lines: list[str] = []
    run = repository.run

    def noted(top: Path, *words: str, long: bool = False) -> str:
        lines.append(" ".join(words))
        return run(top, *words, long=long)

    monkeypatch.setattr(repository, "run", noted)
    return lines


def read(repo: Path, cache: Cache, asked: list[str]) -> list[str]:
    """In which folders a look has Git search for new files, "" for all; what it finds is as without a memory."""
    asked.clear()
    looked = WorkTree(repo, memory=Memory(top=repo, cache=cache))
    lines = [line for line in asked if "--others" in line or "--untracked-files=normal" in line]
    plain, parts = WorkTree(repo), ("new", "base", "logs", "nested", *(f"overlays/{each}" for each in OVERLAYS))
    assert looked.parts() == plain.parts()
    assert {part: looked.identity(part) for part in parts} == {part: plain.identity(part) for part in parts}
    assert {part: looked.read([part])[part].tree.files for part in parts} == {
        part: plain.read([part])[part].tree.files for part in parts
    }
    return [name.removeprefix(":(literal)") for line in lines for name in line.rpartition(" --")[2].split() or [""]]


def test_what_is_remembered_is_what_git_finds(repo: Path, cache: Cache, asked: list[str]) -> None:
    assert read(repo, cache, asked)
    assert not cache.folder or not cache.folder.exists()  # who does not begin writes nothing
    status.look_again(repo, Memory(top=repo, cache=cache, begin=True))
    assert not read(repo, cache, asked)
    assert status.look_again(repo, Memory(top=repo, cache=cache)).altered == {"new", "overlays/new/a", "nested"}
    (repo / "new").write_text("in place")
    (repo / "base/a").write_text("in place")
    assert not read(repo, cache, asked)


def _ignored(repo: Path) -> None:
    with (repo / "base/.gitignore").open("a") as file:
        file.write("!*.log\n")


def _ignored_elsewhere(repo: Path) -> None:
    (repo / ".git/info/exclude").write_text("new\n")


def _ignored_by_the_user(repo: Path) -> None:
    (repo.parent / "mine").write_text("new\n")
    git(repo, "config", "core.excludesFile", str(repo.parent / "mine"))


def _moved(repo: Path) -> None:
    (repo / "overlays/dev/deep").rename(repo / "overlays/new/deep")


def _linked(repo: Path) -> None:
    (repo / "overlays/empty").rmdir()
    (repo / "overlays/empty").symlink_to("dev")


def _replaced(repo: Path) -> None:
    (repo / "overlays/empty").rename(repo.parent / "empty")
    (repo.parent / "filled").mkdir()
    (repo.parent / "filled/a").write_text("new")
    (repo.parent / "filled").rename(repo / "overlays/empty")


def _committed(repo: Path) -> None:
    git(repo, "add", "new")
    git(repo, "commit", "--quiet", "-m", "new")


# What happens, and where Git has to search for new files then: everywhere, where it says nothing.
CHANGES: dict[str, tuple[Callable[[Path], object], Sequence[str]]] = {
    "a file comes": (lambda repo: (repo / "overlays/dev/b").write_text("new"), ["overlays/dev"]),
    "one comes into an empty folder": (lambda repo: (repo / "overlays/empty/b").write_text(""), ["overlays/empty"]),
    "one comes to ignored ones": (lambda repo: (repo / "logs/b").write_text("new"), ["logs"]),
    "one comes to untracked ones": (lambda repo: (repo / "overlays/new/b").write_text("new"), ["overlays/new"]),
    "one comes into another repository": (lambda repo: (repo / "nested/b").write_text("new"), ["nested"]),
    "one comes to the top": (lambda repo: (repo / "newer").write_text("new"), []),
    "a folder comes": (lambda repo: (repo / "overlays/dev/other").mkdir(), ["overlays/dev"]),
    "an untracked file goes": (lambda repo: (repo / "overlays/new/a").unlink(), ["overlays/new"]),
    "a tracked file goes": (lambda repo: (repo / "overlays/dev/deep/a").unlink(), ["overlays/dev/deep"]),
    "a folder moves": (_moved, ["overlays/dev", "overlays/new"]),
    "a link takes a folder's place": (_linked, ["overlays"]),
    "a folder takes another's place": (_replaced, ["overlays", "overlays/empty"]),
    "a rule in the repo changes": (_ignored, ["base"]),
    "a rule at the top changes": (lambda repo: (repo / ".gitignore").write_text("a.log\n"), []),
    "a rule comes": (lambda repo: (repo / "overlays/new/.gitignore").write_text("a\n"), ["overlays/new"]),
    "a rule of the clone changes": (_ignored_elsewhere, []),
    "a rule of the user's comes": (_ignored_by_the_user, []),
    "a file is not tracked any more": (lambda repo: git(repo, "rm", "--quiet", "--cached", "overlays/dev/a"), []),
    "a file is tracked": (lambda repo: git(repo, "add", "new"), []),
    "a file is hidden": (lambda repo: git(repo, "update-index", "--assume-unchanged", "base/a"), []),
    "there is another commit": (_committed, []),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen(repo: Path, cache: Cache, asked: list[str], change: str) -> None:
    status.look_again(repo, Memory(top=repo, cache=cache, begin=True))
    happens, where = CHANGES[change]
    happens(repo)
    found = read(repo, cache, asked)  # and it is as without a memory
    assert found == [*where] if where else found == [""]
    time.sleep(0.1)
    read(repo, cache, asked)
    assert not read(repo, cache, asked)  # once all has settled, it is remembered anew


def test_where_much_happened_git_looks_everywhere(
    repo: Path, cache: Cache, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status.look_again(repo, Memory(top=repo, cache=cache, begin=True))
    _moved(repo)
    monkeypatch.setattr(untracked, "_FEW", 1)
    assert read(repo, cache, asked) == [""]


def test_a_rule_of_the_user_s_that_changes_is_seen(repo: Path, cache: Cache, asked: list[str]) -> None:
    _ignored_by_the_user(repo)
    time.sleep(0.1)
    status.look_again(repo, Memory(top=repo, cache=cache, begin=True))
    assert not read(repo, cache, asked)
    (repo.parent / "mine").write_text("nothing\n")
    assert read(repo, cache, asked)


def test_what_has_not_settled_is_not_remembered(repo: Path, cache: Cache, asked: list[str]) -> None:
    (repo / "base/b").write_text("new")
    status.look_again(repo, Memory(top=repo, cache=cache, begin=True))
    assert read(repo, cache, asked)


def _submodule(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repo / "nested", "commit", "--quiet", "--allow-empty", "-m", "one")
    git(repo, "-c", "advice.addEmbeddedRepo=false", "add", "nested")


def _unknown_file_system(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = repo.parent / "mounts"
    mounts.write_text(
        "21 1 0:1 / / rw - ext4 /dev/vda rw\n"
        f"22 21 0:2 / {str(repo).replace('e', chr(92) + '145')} rw,relatime shared:1 - nfs4 server:/ rw\n"
    )
    monkeypatch.setattr(folders, "_MOUNTS", mounts)


def _no_mounts(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_MOUNTS", repo / "none")


def _no_checksum(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = repo / ".git/index"
    index.write_bytes(index.read_bytes()[:-20] + bytes(20))  # as with index.skipHash


def _too_many(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "_MOST", 5)


def _part_of_another(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repo / ".git").rename(repo.parent / ".git")
    git(repo.parent, "add", "repo/README.md")


@pytest.mark.parametrize(
    "where", [_submodule, _unknown_file_system, _no_mounts, _no_checksum, _too_many, _part_of_another]
)
def test_where_it_could_not_be_told_nothing_is_remembered(
    repo: Path,
    cache: Cache,
    asked: list[str],
    where: Callable[[Path, pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where(repo, monkeypatch)
    time.sleep(0.1)
    for _ in range(2):  # to begin, and to go on
        looked = status.look_again(repo, Memory(top=repo, cache=cache, begin=True))
        assert looked.altered == status.look(repo).altered
    assert read(repo, cache, asked)


@pytest.mark.parametrize("held", [b"", b"[]", b"[1, 2]", b'[{"folders": {}}, {}]', b"\xff"])
def test_what_another_program_kept_is_not_there(
    repo: Path, cache: Cache, asked: list[str], held: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    status.look_again(repo, Memory(top=repo, cache=cache, begin=True))
    monkeypatch.setattr(Cache, "get", lambda *_: held)
    assert read(repo, cache, asked)
