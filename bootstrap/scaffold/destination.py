"""Destinations of `init`: a new folder, which is renamed into place, or an existing repository, with a journal."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from bootstrap.core import paths
from bootstrap.core.errors import BadTarget
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import gitpython
from bootstrap.gitrepo.repository import check_identity, default_branch, enclosing, ignores
from bootstrap.system import files, signals
from bootstrap.system.locks import exclusive_folder
from bootstrap.system.nofollow import PRIVATE

_JOURNAL = "journal.json"


class Destination(Protocol):
    """Destination of a new environment repo: its files are staged in a folder, built there, then moved into place."""

    top: Path

    def recover(self) -> None:
        """Undo what a killed run left."""

    def branch(self) -> str:
        """The branch that the commit will be on."""

    def origin(self) -> str | None:
        """The URL of the remote `origin`."""

    def require_free(self, tree: Tree) -> None:
        """Raise BadTarget where a file is in the way or has uncommitted changes. Writes nothing."""

    def stage(self, tree: Tree) -> AbstractContextManager[Path]:
        """Write the files into a staging folder, in which overlays can be built; it is removed when the `with` ends."""

    def publish(self, staged: Path, message: str | None, origin: str) -> str | None:
        """Move the staged files into place and commit them. Returns the commit's id, None without a message."""


def at(directory: Path) -> Destination:
    """The destination at a path: a new or empty folder, or the top of a Git repository; else raises BadTarget."""
    top = directory.resolve()
    if top.exists() and not top.is_dir():
        raise BadTarget(f"{top} is a file", hint="choose a folder that is empty or does not exist yet")
    if (top / ".git").exists():
        return ExistingRepository(top)
    outer = enclosing(top.parent)
    if outer and not ignores(outer, top):
        raise BadTarget(
            f"{top} is inside the Git repository {outer}",
            hint="choose a folder outside of it: an environment repo is a repository of its own",
        )
    if top.exists() and any(top.iterdir()):
        raise BadTarget(
            f"{top} is neither empty nor the top of a Git repository",
            hint="choose an empty folder, or run git init there first",
        )
    return ExistingRepository(top) if top.exists() and not _replaceable(top) else NewFolder(top)


def _replaceable(top: Path) -> bool:
    """Whether an empty folder can be replaced by a rename: it is not the current one, no mount, its parent writable."""
    return top != Path.cwd() and not top.is_mount() and os.access(top.parent, os.W_OK)


class NewFolder:
    """A folder that does not exist or is empty: the repository is made beside it and renamed into place."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._staged = top.parent / f".{top.name}.taxiway"
        self._branch: str | None = None

    def recover(self) -> None:
        """See Destination. A killed run left nothing in the folder; `stage` removes what it left beside it."""

    def branch(self) -> str:
        """See Destination."""
        if self._branch is None:
            existing = next(parent for parent in self.top.parents if parent.exists())
            check_identity(existing)
            self._branch = default_branch(existing)
        return self._branch

    def origin(self) -> None:
        """See Destination. A new folder has no remote."""

    def require_free(self, tree: Tree) -> None:
        """See Destination. A new folder has no files."""

    @contextlib.contextmanager
    def stage(self, tree: Tree) -> Iterator[Path]:
        """See Destination."""
        missing = files.split_missing(self.top.parent)
        try:
            files.make_folder(*missing)
            with exclusive_folder(self.top.parent, self._staged.name) as staged:
                files.write_new(staged, tree)
                yield staged
        finally:
            files.prune_empty(*missing)  # removes empty folders only, so none that now holds the new one

    def publish(self, staged: Path, message: str | None, origin: str) -> str | None:
        """See Destination."""
        created = gitpython.ScaffoldRepository.create(staged, self.branch(), origin)
        commit = created.commit_all(message) if message else None
        with signals.undo_on_failure(staged.exists):
            files.rename_folder(staged, self.top)
        return commit


class ExistingRepository:
    """A Git repository, or an empty folder that cannot be replaced. A journal lists the files that were put there."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._repository = gitpython.ScaffoldRepository(top)
        self._is_new = not (top / ".git").exists()
        self._tree = Tree()

    def recover(self) -> None:
        """See Destination. The files of the journal are removed, unless they were committed."""
        if self._is_new or not self._folder().exists():
            return
        with self._alone(keep=True) as folder:
            if journal := files.read(folder, _JOURNAL):
                self._undo(_parse_journal(folder / _JOURNAL, journal))

    def branch(self) -> str:
        """See Destination. Raises BadTarget where HEAD is on no branch, or a merge or rebase is under way."""
        check_identity(self.top)
        if self._is_new:
            return default_branch(self.top)
        if self._repository.is_merging():
            raise BadTarget(f"{self.top}: a merge or rebase is under way", hint="finish it, or abort it, first")
        return self._repository.branch()

    def origin(self) -> str | None:
        """See Destination."""
        return None if self._is_new else self._repository.origin()

    def require_free(self, tree: Tree) -> None:
        """See Destination. A file that is there already must have the same bytes."""
        clashes = [path for path, data in tree.items() if _clashes(self.top, path, data)]
        if clashes:
            raise BadTarget(
                f"{self.top} already has {_listed(clashes)}, which would be overwritten",
                hint="move these files away, or choose another folder",
            )
        files.check_writable(self.top, tree)
        if self._is_new:
            return
        if changed := self._repository.changed(tree):
            raise BadTarget(
                f"{self.top} has uncommitted changes in {_listed(changed)}", hint="commit them, or git stash, first"
            )

    @contextlib.contextmanager
    def stage(self, tree: Tree) -> Iterator[Path]:
        """See Destination."""
        self._tree = tree
        if self._is_new:
            gitpython.ScaffoldRepository.create(self.top, self.branch(), None)
        try:
            with self._alone() as folder:
                files.write_new(folder, tree.at("tree"))
                yield folder / "tree"
        finally:
            with signals.shield():
                if self._is_new and not any(path.name != ".git" for path in self.top.iterdir()):
                    files.remove_folder(self.top / ".git")

    def publish(self, staged: Path, message: str | None, origin: str) -> str | None:
        """See Destination."""
        files.check_writable(self.top, self._tree)
        new = [path for path in self._tree if not os.path.lexists(self.top / path)]
        journal = {path: hashlib.sha256(self._tree[path]).hexdigest() for path in new}
        files.apply(self._folder(), {_JOURNAL: json.dumps(journal).encode()})
        with signals.undo_on_failure(lambda: self._undo(journal)):
            files.move_entries(staged, self.top)
            commit = self._repository.commit(new, message) if message else None
        if not self._repository.origin():
            self._repository.add_origin(origin)
        return commit

    def _folder(self) -> Path:
        return self._repository.folder() / "taxiway"

    def _alone(self, *, keep: bool = False) -> AbstractContextManager[Path]:
        folder = self._folder()
        return exclusive_folder(folder.parent, folder.name, keep=keep, mode=PRIVATE)

    def _undo(self, journal: dict[str, str]) -> bool:
        """Remove the files of a journal, unless they were committed. Returns whether they were removed."""
        files.check_writable(self.top, (), journal)
        committed = self._repository.in_head(journal) == journal.keys()
        if not committed:
            self._repository.forget(journal)
            files.apply(self.top, {}, [path for path, digest in journal.items() if self._digest(path) == digest])
        files.remove_folder(self._folder())
        return not committed

    def _digest(self, path: str) -> str | None:
        data = files.read(self.top, path)
        return None if data is None else hashlib.sha256(data).hexdigest()


def _parse_journal(path: Path, text: bytes) -> dict[str, str]:
    """A journal: paths in the repository, each with the SHA-256 of its content."""
    try:
        journal = json.loads(text)
    except ValueError:
        journal = None
    if not isinstance(journal, dict) or not all(isinstance(digest, str) for digest in journal.values()):
        raise BadTarget(f"{path} can't be read", hint="remove it, and what an init that was killed left in the repo")
    return journal


def _clashes(top: Path, path: str, data: bytes) -> bool:
    """Whether a path is taken by something else. Symbolic links are left to the writer, which refuses them."""
    target = top / path
    for parent in map(top.joinpath, paths.parents(path)):
        if parent.is_symlink() or not os.path.lexists(parent):
            return False
        if not parent.is_dir():
            return True
    return os.path.lexists(target) and not target.is_symlink() and files.read(top, path) != data


def _listed(paths: list[str]) -> str:
    return ", ".join(paths) if len(paths) <= 12 else f"{', '.join(paths[:12])} and {len(paths) - 12} more"
