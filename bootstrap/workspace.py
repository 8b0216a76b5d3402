"""The only writer of files. A new folder appears in one step; what is put into an existing one can be taken back."""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from bootstrap import git
from bootstrap.errors import BadCertificate, BadSecret, BadTarget
from bootstrap.secrets import Secret
from bootstrap.tree import Tree


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

    def publish(self, staged: Path, tree: Tree, message: str | None, origin: str) -> str | None:
        """Move the files into place and commit them: the commit's id, or None where there is no message."""


def look(directory: Path) -> Site:
    """What a folder is: new, empty, or the top of a Git repository. Raises BadTarget for anything else."""
    top = directory.resolve()
    if top.exists() and not top.is_dir():
        raise BadTarget(f"{top} is a file", hint="choose a folder that is empty or does not exist yet")
    if (top / ".git").exists():
        return ExistingRepository(top)
    around = git.enclosing(top.parent)
    if around and not git.ignores(around, top):
        raise BadTarget(
            f"{top} is inside the Git repository {around}",
            hint="choose a folder outside of it: an environment repo is a repository of its own",
        )
    if top.exists() and any(top.iterdir()):
        raise BadTarget(
            f"{top} is neither empty nor the top of a Git repository",
            hint="choose an empty folder, or run git init there first",
        )
    # A folder that somebody stands in can't be replaced under their feet.
    return ExistingRepository(top) if top == Path.cwd() else NewFolder(top)


class NewFolder:
    """A folder that does not exist or is empty: the whole repository is made beside it and renamed into place."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._staged = top.parent / f".{top.name}.taxiway"

    def recover(self) -> None:
        """See Site: a killed run has left nothing in the folder itself; what stands beside it goes in `stage`."""

    def branch(self) -> str:
        """See Site."""
        existing = next(each for each in self.top.parents if each.exists())
        git.check_identity(existing)
        return git.default_branch(existing)

    def origin(self) -> None:
        """See Site: a new folder has no remote."""

    def check(self, tree: Tree) -> None:
        """See Site: an empty folder has room for everything."""

    @contextlib.contextmanager
    def stage(self, tree: Tree) -> Iterator[Path]:
        """See Site."""
        missing = [each for each in self.top.parents if not each.exists()]
        try:
            self.top.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.top.parent, self._staged.name) as staged:
                _write(staged, tree)
                yield staged
        finally:
            with contextlib.suppress(OSError):  # a parent that holds the new folder is not empty
                for each in missing:
                    each.rmdir()

    def publish(self, staged: Path, tree: Tree, message: str | None, origin: str) -> str | None:
        """See Site."""
        repository = git.Repository.create(staged, self.branch(), origin)
        commit = repository.commit(tree, message) if message else None
        staged.rename(self.top)
        return commit


class ExistingRepository:
    """A Git repository, or the empty folder that the user stands in: a journal tells what was put there."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self._repository = git.Repository(top)
        self._made = not (top / ".git").exists()

    def recover(self) -> None:
        """See Site: what the journal lists is taken back, unless its commit was made."""
        if self._made or not (journal := self._folder() / "journal.json").exists():
            return
        with _alone(self._folder().parent, self._folder().name, keep=True):
            self._take_back(json.loads(journal.read_text()))

    def branch(self) -> str:
        """See Site. Raises BadTarget where HEAD is on no branch, or a merge or rebase is under way."""
        git.check_identity(self.top)
        if self._made:
            return git.default_branch(self.top)
        if self._repository.busy():
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
        if self._made:
            return
        if changed := self._repository.changed(tree):
            raise BadTarget(
                f"{self.top} has uncommitted changes in {_listed(changed)}", hint="commit them, or git stash, first"
            )

    @contextlib.contextmanager
    def stage(self, tree: Tree) -> Iterator[Path]:
        """See Site."""
        if self._made:
            git.Repository.create(self.top, self.branch(), None)
        try:
            with _alone(self._folder().parent, self._folder().name) as folder:
                _write(folder / "tree", tree)
                yield folder / "tree"
        finally:
            if self._made and not any(each.name != ".git" for each in self.top.iterdir()):
                _remove(self.top / ".git")

    def publish(self, staged: Path, tree: Tree, message: str | None, origin: str) -> str | None:
        """See Site."""
        new = [path for path in tree if not (self.top / path).exists()]
        journal = {path: hashlib.sha256(tree[path]).hexdigest() for path in new}
        _write(self._folder(), Tree({"journal.json": json.dumps(journal).encode()}))
        try:
            _move(staged, self.top)
            commit = self._repository.commit(new, message) if message else None
        except BaseException:
            self._take_back(journal)
            raise
        if not self._repository.origin():
            self._repository.add_origin(origin)
        return commit

    def _folder(self) -> Path:
        return self._repository.folder() / "taxiway"

    def _take_back(self, journal: dict[str, str]) -> None:
        if self._repository.held(journal) != journal.keys():
            self._repository.forget(journal)
            for path, digest in journal.items():
                target = self.top / path
                if target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == digest:
                    target.unlink()
                    _prune(target.parent, self.top)
        _remove(self._folder())


def read_input(source: str) -> bytes:
    """What the user wants read: a file, or standard input for `-`. Raises BadSecret where it can't be."""
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).expanduser().read_bytes()
    except OSError as err:
        raise BadSecret(f"{source}: {err.strerror}", hint="give a readable file, or - for standard input") from None


def read_certificate(path: Path) -> bytes:
    """The bytes of a certificate file. Raises BadCertificate where it can't be read."""
    try:
        return path.expanduser().read_bytes()
    except OSError as err:
        raise BadCertificate(f"{path}: {err.strerror}", hint="give the file that kubeseal --fetch-cert wrote") from None


def existing_private_key(path: Path, target: Path) -> Secret | None:
    """The private key that is already at a path; None where there is none yet.

    Raises BadCertificate where a private key must not be: inside any Git work tree or inside `target`.
    """
    full = path.expanduser().resolve()
    place = target.resolve()
    around = place if full.is_relative_to(place) else git.enclosing(full.parent)
    if around:
        raise BadCertificate(
            f"{full} is inside the Git work tree {around}, where a private key could be committed",
            hint="choose a path outside of every repository",
        )
    if full.is_dir():
        raise BadCertificate(f"{full} is a folder", hint="name the file that the private key goes to")
    return Secret(full.read_bytes()) if full.exists() else None


@contextlib.contextmanager
def private_key(path: Path | None, key: Secret | None) -> Iterator[None]:
    """Write a private key, mode 0600, and take it back if the `with` fails; do nothing without a key."""
    if path is None or key is None:
        yield
        return
    full = path.expanduser().resolve()
    full.parent.mkdir(parents=True, exist_ok=True)
    part = full.with_name(f".{full.name}.part")
    part.unlink(missing_ok=True)
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(key.reveal())
        part.rename(full)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    try:
        yield
    except BaseException:
        full.unlink(missing_ok=True)
        raise


def read_file(top: Path, path: str) -> bytes | None:
    """A file below a folder, or None where there is none."""
    target = top / path
    return target.read_bytes() if target.is_file() else None


@contextlib.contextmanager
def scratch(tree: Tree) -> Iterator[Path]:
    """The files in a temporary folder, for a look at what kustomize makes of them."""
    with tempfile.TemporaryDirectory(prefix="taxiway-") as folder:
        _write(Path(folder), tree)
        yield Path(folder)


def _write(folder: Path, tree: Tree) -> None:
    for path, data in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(data)


def _move(source: Path, target: Path) -> None:
    """Move the entries of one folder into another; a file that is there already has the same bytes and stays."""
    for entry in sorted(source.iterdir()):
        place = target / entry.name
        if not os.path.lexists(place):
            entry.rename(place)
        elif entry.is_dir():
            _move(entry, place)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _prune(folder: Path, top: Path) -> None:
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _clashes(top: Path, path: str, data: bytes) -> bool:
    for parent in (Path(path), *Path(path).parents):
        place = top / parent
        if parent != Path(path) and place.is_dir() and not place.is_symlink():
            return False
        if os.path.lexists(place):
            return parent != Path(path) or not place.is_file() or place.is_symlink() or place.read_bytes() != data
    return False


def _listed(paths: list[str]) -> str:
    return ", ".join(paths) if len(paths) <= 12 else f"{', '.join(paths[:12])} and {len(paths) - 12} more"


@contextlib.contextmanager
def _alone(parent: Path, name: str, *, keep: bool = False) -> Iterator[Path]:
    """A folder that this run alone works in, empty unless `keep`, and gone at the end.

    Raises BadTarget where another run is at work in it; what a killed run left there is removed.
    """
    folder = parent / name
    gate = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        if folder.exists():
            os.close(_hold(folder))
            if not keep:
                shutil.rmtree(folder)
        folder.mkdir(exist_ok=True)
        handle = _hold(folder)
    finally:
        os.close(gate)
    try:
        yield folder
    finally:
        os.close(handle)
        _remove(folder)


def _hold(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise BadTarget(f"another taxiway is at work in {folder.parent}", hint="wait for it to end") from None
    return handle
