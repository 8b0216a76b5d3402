"""Snapshot of a work tree: its parts have Git's object ids, whether all of it or some overlays are looked at."""

import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bootstrap.config.parts import OVERLAYS
from bootstrap.gitrepo.snapshot import WorkTree
from bootstrap.gitrepo.status import altered, tree_entries
from tests.commands.test_init import git

FILES = (
    "README.md",
    "base/kustomization.yaml",
    "overlays/dev/kustomization.yaml",
    "overlays/dev/run.sh",
    "overlays/x/a",
    "--odd",
)
PARTS = ("--odd", "README.md", "base", "overlays/dev", "overlays/x", "overlays/new", "overlays-old", "logs")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    for name in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    (tmp_path / "overlays/dev/run.sh").chmod(0o755)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "all")
    return tmp_path


def _unchanged(repo: Path) -> None:
    """Leave the repo as it is at HEAD."""


def _changed(repo: Path) -> None:
    (repo / "overlays/dev/kustomization.yaml").write_text("changed")
    (repo / "base/new.yaml").write_text("new")
    (repo / "--odd").write_text("changed")


def _gone(repo: Path) -> None:
    (repo / "README.md").unlink()
    (repo / "overlays/dev/run.sh").unlink()


def _mode(repo: Path) -> None:
    (repo / "base/kustomization.yaml").chmod(0o755)
    (repo / "overlays/dev/run.sh").chmod(0o644)
    git(repo, "add", ".")  # until then, modes are as Git's index has them: on some disks every file is executable


def _hidden(repo: Path) -> None:
    git(repo, "update-index", "--assume-unchanged", "base/kustomization.yaml")
    (repo / "base/kustomization.yaml").write_text("changed")


def _beside(repo: Path) -> None:
    (repo / "overlays-old").mkdir()
    (repo / "overlays-old/a").write_text("beside the overlays")


def _new(repo: Path) -> None:
    (repo / ".git/info/exclude").write_text("*.log\n")
    for name in ("overlays/dev/[a]*/deep/b", "overlays/dev/[a]*/c.log", "overlays/new/a", "base/é/x", "logs/a.log"):
        path = repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("in a folder of which Git knows nothing")


def work_trees(repo: Path) -> Iterator[WorkTree]:
    yield WorkTree(repo)
    yield WorkTree(repo, [f"{OVERLAYS}/dev"])


@pytest.mark.parametrize("change", [_unchanged, _changed, _gone, _mode, _hidden, _beside, _new])
def test_object_ids_are_those_of_git(repo: Path, change: Callable[[Path], None]) -> None:
    change(repo)
    ids = [{part: tree.object_id(part) for part in PARTS} for tree in work_trees(repo)]
    git(repo, "update-index", "--no-assume-unchanged", "base/kustomization.yaml")
    git(repo, "add", "--all")
    known = tree_entries(repo, git(repo, "write-tree"), OVERLAYS)
    expected = {part: known.get(part, "") for part in ids[0]}
    assert ids == [expected, expected]


def test_a_file_changed_after_the_read_is_noticed(repo: Path) -> None:
    for tree in work_trees(repo):
        read = tree.read([f"{OVERLAYS}/dev"]).values()
        assert tree.is_unchanged(read)
        (repo / "overlays/dev/kustomization.yaml").write_text("changed meanwhile")
        assert not tree.is_unchanged(read)
        git(repo, "checkout", "--quiet", ".")


def test_an_environment_repo_may_be_a_folder_of_another_repository(
    repo: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outer = tmp_path_factory.mktemp("outer")
    shutil.rmtree(repo / ".git")
    shutil.copytree(repo, outer / "envs")
    (outer / "beside").write_text("not of the environments")
    git(outer, "init", "--quiet")
    assert altered(outer / "envs") == set(FILES)
    assert altered(outer / "envs", "base", "overlays/x") == {"base/kustomization.yaml", "overlays/x/a"}
    git(outer, "add", "envs")
    git(outer, "commit", "--quiet", "-m", "all")
    (outer / "envs/overlays/new").mkdir()
    (outer / "envs/overlays/new/a").write_text("new")
    (outer / "envs/README.md").write_text("changed")
    assert altered(outer / "envs") == {"overlays/new/a", "README.md"}
    assert altered(outer / "envs", "overlays") == {"overlays/new/a"}


def test_new_files_are_found_with_git_s_untracked_cache(repo: Path) -> None:
    """With core.untrackedCache, `git status` keeps in the index which folders have not changed since."""
    git(repo, "config", "core.untrackedCache", "true")
    for _ in range(2):
        git(repo, "status")
    assert altered(repo) == set()
    (repo / "overlays/new").mkdir()
    (repo / "overlays/new/a").write_text("new")
    (repo / "base/b").write_text("new")
    assert altered(repo) == {"overlays/new/a", "base/b"}


def test_threads_may_share_a_work_tree(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    names = [f"part-{number}" for number in range(300)]
    for name in names:
        (tmp_path / name).write_text(name)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "all")
    alone, shared = WorkTree(tmp_path), WorkTree(tmp_path)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            orders = [[*names[number * 37 :], *names[: number * 37]] for number in range(8)]
            found = list(pool.map(lambda order: [shared.read([name]) for name in order], orders))
    finally:
        sys.setswitchinterval(before)
    whole = alone.read(names)
    assert found == [[{name: whole[name]} for name in order] for order in orders]
