"""File writer, the only one: all paths are checked before any is written, and no symbolic link is followed."""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path

from bootstrap.core import paths
from bootstrap.core.errors import BadTarget
from bootstrap.core.tree import Tree
from bootstrap.system.nofollow import PARTIAL_FILE, Folder, open_folder

_MARKER = ".taxiway-render"  # lists the files that taxiway wrote into a folder, in the format of sha256sum
_PUBLIC = 0o777  # less the umask


def check_writable(top: Path, writes: Iterable[str], deletes: Iterable[str] = ()) -> None:
    """Raise BadTarget where one of these paths can't be written or deleted. Nothing is changed.

    Refused are paths that leave `top` or go into `.git`, symbolic links to folders on the way, and anything but a
    regular file in the file's place. A file may replace a folder whose files are all deleted.
    """
    written, deleted = {*writes}, {*deletes}
    for path in sorted(written | deleted):
        _check_path(path, written if path in written else set())
    with open_folder(top) as root:
        for folder, names in _by_folder(written | deleted):
            if not deleted.isdisjoint([*paths.parents(folder), folder]):  # today a file, which is checked itself
                continue
            with contextlib.suppress(FileNotFoundError), root.below(folder) as opened:
                for name in names:
                    path = paths.join(folder, name)
                    if path in deleted or not _is_emptied_folder(opened, name, path, deleted):
                        opened.require_type(name)


def _check_path(path: str, written: Set[str]) -> None:
    reason = paths.problem(path)
    if not reason and (files := written & {*paths.parents(path)}):
        reason = f"would be in {paths.shown(min(files))}, which is a file"
    if reason:
        raise BadTarget(f"{paths.shown(path)} {reason}, and is not written", hint="give the file another name")


def _is_emptied_folder(parent: Folder, name: str, path: str, deleted: set[str]) -> bool:
    info = parent.lstat(name)
    if not info or not stat.S_ISDIR(info.st_mode):
        return False
    walk = os.fwalk(name, dir_fd=parent.handle)
    return all(f"{path}{folder[len(name) :]}/{file}" in deleted for folder, _, files, _ in walk for file in files)


def apply(top: Path, writes: Mapping[str, bytes], deletes: Iterable[str] = ()) -> None:
    """Write files below a folder, each atomically, and delete others with the folders that this leaves empty.

    Raises BadTarget where `check_writable` does, before anything is changed.
    """
    deleted = [*deletes]
    check_writable(top, writes, deleted)
    with open_folder(top) as root:
        for folder, names in _by_folder(deleted):
            with contextlib.suppress(FileNotFoundError), root.below(folder) as opened:
                for name in names:
                    opened.unlink(name)
            root.prune(folder)
        for folder, names in _by_folder(writes):
            with root.below(folder, _PUBLIC) as opened:
                for name in names:
                    opened.write_atomically(name, writes[paths.join(folder, name)])


def write_new(top: Path, tree: Tree) -> None:
    """Write every file of a tree below a folder. Raises FileExistsError where one is there already."""
    for path in tree.files:
        _check_path(path, tree.files.keys())
    with open_folder(top) as root:
        for folder, names in _by_folder(tree.files):
            with root.below(folder, _PUBLIC) as opened:
                for name in names:
                    opened.create(name, tree.files[paths.join(folder, name)])


def read(top: Path, path: str) -> bytes | None:
    """The content of a regular file below a folder; None where there is none, or only one behind a link."""
    folder, _, name = path.rpartition("/")
    try:
        with open_folder(top) as root, root.below(folder) as opened:
            return opened.read(name)
    except (BadTarget, OSError):
        return None


def partial_files(top: Path, beside: Iterable[str]) -> set[str]:
    """The partial files that a killed run left in the folders of the files in `beside`."""
    partial: set[str] = set()
    with open_folder(top) as root:
        for folder, _ in _by_folder(beside):
            with contextlib.suppress(FileNotFoundError), root.below(folder) as opened:
                partial.update(paths.join(folder, name) for name in opened.names() if PARTIAL_FILE.fullmatch(name))
    return partial


def remove_folder(folder: Path) -> None:
    """Remove a folder of taxiway's own with all that is in it, if it is there. A symbolic link in its place stays."""
    shutil.rmtree(folder, ignore_errors=True)


def _by_folder(files: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Paths grouped by folder, so that each folder is opened once."""
    names: dict[str, list[str]] = {}
    for path in sorted(files):
        folder, _, name = path.rpartition("/")
        names.setdefault(folder, []).append(name)
    return sorted(names.items())


def move_entries(source: Path, target: Path) -> None:
    """Move the entries of one folder into another. Files that the target has already stay: their bytes are the same."""
    with open_folder(source) as opened_source, open_folder(target) as opened_target:
        _move(opened_source, opened_target)


def _move(source: Folder, target: Folder) -> None:
    for name in source.names():
        if target.lstat(name) is None:
            os.rename(name, name, src_dir_fd=source.handle, dst_dir_fd=target.handle)
        elif stat.S_ISDIR(os.stat(name, dir_fd=source.handle, follow_symlinks=False).st_mode):
            with source.below(name) as inner_source, target.below(name) as inner_target:
                _move(inner_source, inner_target)
        else:
            target.require_type(name)


def rename_folder(folder: Path, target: Path) -> None:
    """Rename a folder. The target is empty or does not exist."""
    folder.rename(target)


def prune_empty(folder: Path, path: str) -> None:
    """Remove the folder `path` below `folder`, and those between them, as long as they are empty."""
    with open_folder(folder) as root:
        root.prune(path)


def split_missing(folder: Path) -> tuple[Path, str]:
    """Split a path into its innermost existing folder and the rest, which is empty where all of it exists."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    return existing, "/".join(folder.relative_to(existing).parts)


def make_folder(folder: Path, path: str, mode: int = _PUBLIC) -> None:
    """Create the folder `path` below `folder`, and those between them, where they are missing."""
    with open_folder(folder) as root, root.below(path, mode):
        pass


def replace_folder(repo: Path, folder: Path, tree: Tree) -> int:
    """Make a tree the whole content of a folder, which must be new, empty, or written by this function before.

    Returns the number of files. Raises BadTarget where the folder holds a file that taxiway did not write, or one that
    was changed since. A marker file lists the checksums of the written files, so a forged marker can only delete files
    whose bytes its author knows. Below `repo`, no symbolic link on the way to the folder is followed.
    """
    root, path = _split_in_repo(repo, folder)
    writes = {paths.join(path, name): data for name, data in tree.items()}
    marker = paths.join(path, _MARKER)
    check_writable(root, [*writes, marker])
    known = (read(root, marker) or b"").decode(errors="replace").split("\n")
    old = set()
    for name, data in _content(root, path):
        ours = name == _MARKER or PARTIAL_FILE.fullmatch(name)
        if not ours and (data is None or _checksum_line(name, data) not in known):
            raise BadTarget(
                f"{paths.shown(str(folder))} holds a file that taxiway did not write: {paths.shown(name)}",
                hint="choose a folder that is empty or does not exist yet",
            )
        old.add(paths.join(path, name))
    lines = [_checksum_line(name, data) for name, data in tree.items()]
    # A killed run leaves old and new files, and the next run must know both.
    apply(root, {marker: "\n".join([*known, *lines]).encode()})
    apply(root, writes, old - writes.keys() - {marker})
    apply(root, {marker: "\n".join(lines).encode()})
    return len(tree)


def _split_in_repo(repo: Path, folder: Path) -> tuple[Path, str]:
    """Split a path into an existing folder, in the repo the outermost one, and the rest below it."""
    absolute = Path(os.path.abspath(folder))  # noqa: PTH100
    for ancestor in reversed([absolute, *absolute.parents]):
        if ancestor.resolve().is_relative_to(repo):
            return ancestor, "" if ancestor == absolute else absolute.relative_to(ancestor).as_posix()
    make_folder(*split_missing(absolute.parent))
    return absolute.parent, absolute.name


def _content(top: Path, path: str) -> Iterator[tuple[str, bytes | None]]:
    """All that is below a folder but folders, by its path there; None stands for anything but a regular file."""
    with contextlib.suppress(FileNotFoundError), open_folder(top) as root, root.below(path) as folder:
        for place, folders, names, handle in os.fwalk(".", dir_fd=folder.handle):
            opened = Folder(handle, top, path)
            links = (name for name in folders if stat.S_ISLNK(os.lstat(name, dir_fd=handle).st_mode))
            for name in (*names, *links):
                yield paths.join(place, name).removeprefix("./"), opened.read(name)


def _checksum_line(path: str, data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()}  {path}"


@contextlib.contextmanager
def temporary_folder(tree: Tree) -> Iterator[Path]:
    """Write a tree into a temporary folder, which is removed when the `with` ends."""
    with tempfile.TemporaryDirectory(prefix="taxiway-") as folder:
        write_new(Path(folder), tree)
        yield Path(folder)
