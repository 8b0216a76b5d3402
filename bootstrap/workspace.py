"""The only writer of files, and the reader of what the user names."""

import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import plumbing, reading
from bootstrap.errors import BadCertificate, BadSecret, BadTarget
from bootstrap.fingerprint import MODEL
from bootstrap.tree import Tree

if TYPE_CHECKING:
    from bootstrap.secrets import Secret


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


def existing_private_key(path: Path, target: Path) -> "Secret | None":
    """The private key that is already at a path; None where there is none yet.

    Raises BadCertificate where a private key must not be: inside any Git work tree or inside `target`.
    """
    full = path.expanduser().resolve()
    place = target.resolve()
    around = place if full.is_relative_to(place) else plumbing.enclosing(full.parent)
    if around:
        raise BadCertificate(
            f"{full} is inside the Git work tree {around}, where a private key could be committed",
            hint="choose a path outside of every repository",
        )
    if full.is_dir():
        raise BadCertificate(f"{full} is a folder", hint="name the file that the private key goes to")
    from bootstrap.secrets import Secret  # YAML with it, which most commands do not need yet where they begin

    return Secret(full.read_bytes()) if full.exists() else None


@contextlib.contextmanager
def private_key(path: Path | None, key: "Secret | None") -> Iterator[None]:
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


def top_of(start: Path) -> Path:
    """The top of the environment repo that a folder is in. Raises BadTarget outside of any."""
    folder = start.resolve()
    for each in (folder, *folder.parents):
        if os.path.lexists(each / MODEL):
            return each
    raise BadTarget(
        f"{folder} is in no environment repo: there is no {MODEL}", hint="go into one, or name it with --directory"
    )


def read_file(top: Path, path: str) -> bytes | None:
    """A file below a folder, or None where there is none. Raises BadTarget where it is none that is read."""
    return reading.read(top, path)


@contextlib.contextmanager
def scratch(tree: Tree) -> Iterator[Path]:
    """The files in a temporary folder, for a look at what kustomize makes of them."""
    with tempfile.TemporaryDirectory(prefix="taxiway-") as folder:
        write(Path(folder), tree)
        yield Path(folder)


def write(folder: Path, tree: Tree) -> None:
    """Write every file of a tree below a folder; none of them may be there yet."""
    for parent in sorted({(folder / path).parent for path in tree}):
        parent.mkdir(parents=True, exist_ok=True)
    for path, data in tree.items():
        with (folder / path).open("xb") as file:
            file.write(data)


def write_whole(path: Path, data: bytes) -> None:
    """Write one file so that it is there as a whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    with part.open("xb") as file:
        file.write(data)
    part.rename(path)


def write_whole_over(path: Path, data: bytes) -> None:
    """The same over a file that may be there already; its mode stays."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    if path.exists():
        part.chmod(path.stat().st_mode)
    part.replace(path)


def apply(top: Path, writes: Mapping[str, bytes], deletes: Iterable[str]) -> None:
    """Write files below a folder, each as a whole, and remove others with the folders that they leave empty."""
    for path in sorted(deletes):
        (top / path).unlink(missing_ok=True)
        prune((top / path).parent, top)
    for path, data in writes.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        write_whole_over(top / path, data)


def move(source: Path, target: Path) -> None:
    """Move the entries of one folder into another; a file that is there already has the same bytes and stays."""
    for entry in sorted(source.iterdir()):
        place = target / entry.name
        if not os.path.lexists(place):
            entry.rename(place)
        elif entry.is_dir():
            move(entry, place)


def remove(folder: Path) -> None:
    """Remove a folder of our own, as far as it is there."""
    shutil.rmtree(folder, ignore_errors=True)


def prune(folder: Path, top: Path) -> None:
    """Remove a folder and its parents, below `top`, as long as they are empty."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


@contextlib.contextmanager
def alone(parent: Path, name: str, *, keep: bool = False) -> Iterator[Path]:
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
        if folder.exists() and os.path.samestat(os.fstat(handle), folder.stat()):  # it may have been moved into place
            remove(folder)
        os.close(handle)


def _hold(folder: Path) -> int:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise BadTarget(f"another taxiway is at work in {folder.parent}", hint="wait for it to end") from None
    return handle


def replace_folder(folder: Path, tree: Tree) -> int:
    """Write a tree as the whole content of a folder, which must be new, empty, or written by this function before.

    Returns how many files it holds. Raises BadTarget where the folder holds anything else.
    """
    marker = folder / ".taxiway-render"
    if folder.exists() and any(folder.iterdir()) and not marker.is_file():
        raise BadTarget(f"{folder} holds other files", hint="choose a folder that is empty or does not exist yet")
    remove(folder)
    write(folder, tree)
    marker.touch()
    return len(tree)
