"""Where an environment repo goes: a new folder appears in one step, files in an existing one can be taken back."""

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


class Site(Protocol):
    """Where an environment repo is written: first into a folder of its own, then into its place."""

    top: Path

    def recover(self) -> None:
        """Take back what a killed run left."""

    def branch(self) -> str:
        """The branch that the commit will be on."""

    def origin(self) -> str | None:
        """The URL of the remote `origin`."""

    def check(self, tree: Tree) -> None:
        """Raise BadTarget where the files can't be put here, naming every reason; write nothing."""

    def stage(self, tree: Tree) -> AbstractContextManager[Path]:
        """Write the files into a folder where overlays can be built; it is gone when the `with` ends."""

    def publish(self, staged: Path, message: str | None, origin: str) -> str | None:
        """Move the files into place and commit them: the commit's id, or None where there is no message."""


def look(directory: Path) -> Site:
    """What a folder is: new, empty, or the top of a Git repository. Raises BadTarget for anything else."""
    top = directory.resolve()
    if top.exists() and not top.is_dir():
        raise BadTarget(f"{top} is a file", hint="choose a folder that is empty or does not exist yet")
    if (top / ".git").exists():
        return ExistingRepository(top)
    around = enclosing(top.parent)
    if around and not ignores(around, top):
        raise BadTarget(
            f"{top} is inside the Git repository {around}",
            hint="choose a folder outside of it: an environment repo is a repository of its own",
        )
    if top.exists() and any(top.iterdir()):
        raise BadTarget(
            f"{top} is neither empty nor the top of a Git repository",
            hint="choose an empty folder, or run git init there first",
        )
    return ExistingRepository(top) if top.exists() and not _replaceable(top) else NewFolder(top)


def _replaceable(top: Path) -> bool:
    """Whether an empty folder may give way to another of its name: nobody stands in it, and its parent allows it."""
    return top != Path.cwd() and not top.is_mount() and os.access(top.parent, os.W_OK)


class NewFolder:
    """A folder that does not exist or is empty: the whole repository is made beside it and renamed into place."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._staged = top.parent / f".{top.name}.taxiway"
        self._branch: str | None = None

    def recover(self) -> None:
        """See Site: a killed run has left nothing in the folder itself; what stands beside it goes in `stage`."""

    def branch(self) -> str:
        """See Site."""
        if self._branch is None:
            existing = next(each for each in self.top.parents if each.exists())
            check_identity(existing)
            self._branch = default_branch(existing)
        return self._branch

    def origin(self) -> None:
        """See Site: a new folder has no remote."""

    def check(self, tree: Tree) -> None:
        """See Site: an empty folder has room for everything."""

    @contextlib.contextmanager
    def stage(self, tree: Tree) -> Iterator[Path]:
        """See Site."""
        missing = files.split_missing(self.top.parent)
        try:
            files.make_folder(*missing)
            with exclusive_folder(self.top.parent, self._staged.name) as staged:
                files.write_new(staged, tree)
                yield staged
        finally:
            files.prune_empty(*missing)  # a parent that holds the new folder is not empty

    def publish(self, staged: Path, message: str | None, origin: str) -> str | None:
        """See Site."""
        repository = gitpython.ScaffoldRepository.create(staged, self.branch(), origin)
        commit = repository.commit_all(message) if message else None
        with signals.undo_on_failure(staged.exists):
            files.rename_folder(staged, self.top)
        return commit


class ExistingRepository:
    """A Git repository, or an empty folder that has to stay: a journal tells what was put there."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._repository = gitpython.ScaffoldRepository(top)
        self._made = not (top / ".git").exists()
        self._tree = Tree()

    def recover(self) -> None:
        """See Site: what the journal lists is taken back, unless its commit was made."""
        if self._made or not self._folder().exists():
            return
        with self._alone(keep=True) as folder:
            if journal := files.read(folder, _JOURNAL):
                self._take_back(_journal(folder / _JOURNAL, journal))

    def branch(self) -> str:
        """See Site. Raises BadTarget where HEAD is on no branch, or a merge or rebase is under way."""
        check_identity(self.top)
        if self._made:
            return default_branch(self.top)
        if self._repository.is_merging():
            raise BadTarget(f"{self.top}: a merge or rebase is under way", hint="finish it, or abort it, first")
        return self._repository.branch()

    def origin(self) -> str | None:
        """See Site."""
        return None if self._made else self._repository.origin()

    def check(self, tree: Tree) -> None:
        """See Site: no file may be there with other bytes, none may be uncommitted."""
        clashes = [path for path, data in tree.items() if _clashes(self.top, path, data)]
        if clashes:
            raise BadTarget(
                f"{self.top} already has {_listed(clashes)}, which would be overwritten",
                hint="move these files away, or choose another folder",
            )
        files.check_writable(self.top, tree)
        if self._made:
            return
        if changed := self._repository.changed(tree):
            raise BadTarget(
                f"{self.top} has uncommitted changes in {_listed(changed)}", hint="commit them, or git stash, first"
            )

    @contextlib.contextmanager
    def stage(self, tree: Tree) -> Iterator[Path]:
        """See Site."""
        self._tree = tree
        if self._made:
            gitpython.ScaffoldRepository.create(self.top, self.branch(), None)
        try:
            with self._alone() as folder:
                files.write_new(folder, tree.at("tree"))
                yield folder / "tree"
        finally:
            with signals.shield():
                if self._made and not any(each.name != ".git" for each in self.top.iterdir()):
                    files.remove_folder(self.top / ".git")

    def publish(self, staged: Path, message: str | None, origin: str) -> str | None:
        """See Site."""
        files.check_writable(self.top, self._tree)
        new = [path for path in self._tree if not os.path.lexists(self.top / path)]
        journal = {path: hashlib.sha256(self._tree[path]).hexdigest() for path in new}
        files.apply(self._folder(), {_JOURNAL: json.dumps(journal).encode()})
        with signals.undo_on_failure(lambda: self._take_back(journal)):
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

    def _take_back(self, journal: dict[str, str]) -> bool:
        """Whether the files could still be taken back: they stay where their commit was made."""
        files.check_writable(self.top, (), journal)
        made = self._repository.in_head(journal) == journal.keys()
        if not made:
            self._repository.forget(journal)
            files.apply(self.top, {}, [path for path, digest in journal.items() if self._digest(path) == digest])
        files.remove_folder(self._folder())
        return not made

    def _digest(self, path: str) -> str | None:
        data = files.read(self.top, path)
        return None if data is None else hashlib.sha256(data).hexdigest()


def _journal(path: Path, text: bytes) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise BadTarget(f"{path} can't be read", hint="remove it, and what an init that was killed left in the repo")
    return found


def _clashes(top: Path, path: str, data: bytes) -> bool:
    """Whether something else is in a file's place. What is behind a link is not looked at: the writer refuses that."""
    place = top / path
    for parent in map(top.joinpath, paths.parents(path)):
        if parent.is_symlink() or not os.path.lexists(parent):
            return False
        if not parent.is_dir():
            return True
    return os.path.lexists(place) and not place.is_symlink() and files.read(top, path) != data


def _listed(paths: list[str]) -> str:
    return ", ".join(paths) if len(paths) <= 12 else f"{', '.join(paths[:12])} and {len(paths) - 12} more"
