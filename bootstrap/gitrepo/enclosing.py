"""Git repositories around a folder: bare ones, and those whose work tree is elsewhere, too."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from bootstrap.core.errors import GitFailed
from bootstrap.gitrepo.command import git

_MAX_ENTRIES = 1000  # of one folder, when looking for bare repositories
_MOUNTS = Path("/proc/self/mountinfo")  # proc_pid_mountinfo(5)


def search(target: Path) -> Callable[[Path], Path | None]:
    """A search for the repository that holds a folder, for which `target` is one too; None where there is none."""
    return partial(_repository_around, target)


def _repository_around(target: Path, folder: Path) -> Path | None:
    """The repository, work tree or `target` that holds a folder, also by another mount point."""
    trees = [target.resolve(), *_work_trees(target), *_work_trees(Path.cwd())]
    if variable := os.environ.get("GIT_WORK_TREE"):
        trees.append(Path(variable))
    if variable := os.environ.get("GIT_DIR"):
        trees.extend(_work_tree_of(Path(variable)))
    for path in _mounted_at(folder):
        for parent in (path, *path.parents):
            # A Git directory beside the folder may have it as work tree (core.worktree).
            named = (tree for entry in _entries(parent) if _is_git_dir(entry) for tree in _work_tree_of(entry))
            is_tree = any(_same(parent, tree) for tree in (*trees, *named))
            if os.path.lexists(parent / ".git") or _is_git_dir(parent) or is_tree:
                return parent
    return None


def _mounted_at(folder: Path) -> Iterator[Path]:
    """A folder, and every other path of it: its file system may be mounted more than once (bind mounts)."""
    yield folder
    mounts: list[tuple[str, Path, Path]] = []
    with contextlib.suppress(OSError, ValueError):
        for line in _MOUNTS.read_text(errors="surrogateescape").splitlines():
            _, _, device, *paths = line.split(" ")[:5]
            root, point = (Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)) for text in paths)
            mounts.append((device, root, point))
    above = [mount for mount in mounts if folder.is_relative_to(mount[2])]
    if above:
        device, root, point = max(
            reversed(above), key=lambda mount: len(mount[2].parts)
        )  # the last mount hides earlier ones
        real = root / folder.relative_to(point)
        yield from (p / real.relative_to(r) for d, r, p in mounts if d == device and real.is_relative_to(r))


def _is_git_dir(folder: Path) -> bool:
    """Whether a folder is a Git directory: of a bare repository or of a work tree elsewhere (gitrepository-layout)."""
    return os.path.lexists(folder / "HEAD") and all((folder / name).is_dir() for name in ("objects", "refs"))


def _work_trees(folder: Path) -> list[Path]:
    """The work tree of the repository that a folder is in; it may be elsewhere. Empty where there is none."""
    existing = next(parent for parent in (folder, *folder.resolve().parents) if parent.is_dir())
    with contextlib.suppress(GitFailed):
        return [Path(git(existing, "rev-parse", "--show-toplevel"))]
    return []


def _work_tree_of(git_dir: Path) -> list[Path]:
    """The work tree that a Git directory's `core.worktree` names."""
    with contextlib.suppress(GitFailed):
        worktree = git(Path("/"), "config", "--file", str(git_dir / "config"), "--get", "core.worktree")
        return [git_dir / worktree]
    return []


def _entries(folder: Path) -> list[Path]:
    try:
        return [*islice(folder.iterdir(), _MAX_ENTRIES)]
    except OSError:
        return []


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
