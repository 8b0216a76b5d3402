"""The only writer of files: what is to be written is checked as a whole, and then done below an open folder."""

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
from bootstrap.system.nofollow import UNFINISHED, Folder, opened

_MARKER = ".taxiway-render"  # in a folder that taxiway fills: the checksum and the path of each file, as of sha256sum
_PUBLIC = 0o777  # less the umask


def check(top: Path, writes: Iterable[str], deletes: Iterable[str] = ()) -> None:
    """Raise BadTarget where one of these paths can't be written or deleted; nothing is changed.

    That is where a path leaves the folder or goes into `.git`, where a folder on the way is a link, and where something
    else than a regular file is in its place. A file may take the place of a folder whose files are all deleted.
    """
    wanted, gone = {*writes}, {*deletes}
    for path in sorted(wanted | gone):
        _check_text(path, wanted if path in wanted else set())
    with opened(top) as start:
        for folder, names in _by_folder(wanted | gone):
            if not gone.isdisjoint([*paths.above(folder), folder]):  # a file now, which is looked at itself
                continue
            with contextlib.suppress(FileNotFoundError), start.below(folder) as inner:
                for name in names:
                    path = paths.join(folder, name)
                    if path in gone or not _emptied(inner, name, path, gone):
                        inner.refuse(name)


def _check_text(path: str, wanted: Set[str]) -> None:
    reason = paths.problem(path)
    if not reason and (above := wanted & {*paths.above(path)}):
        reason = f"would be in {paths.shown(min(above))}, which is a file"
    if reason:
        raise BadTarget(f"{paths.shown(path)} {reason}, and is not written", hint="give the file another name")


def _emptied(folder: Folder, name: str, path: str, gone: set[str]) -> bool:
    facts = folder.facts(name)
    if not facts or not stat.S_ISDIR(facts.st_mode):
        return False
    found = os.fwalk(name, dir_fd=folder.handle)
    return all(f"{path}{place[len(name) :]}/{each}" in gone for place, _, files, _ in found for each in files)


def apply(top: Path, writes: Mapping[str, bytes], deletes: Iterable[str] = ()) -> None:
    """Write files below a folder, each as a whole, and remove others with the folders that they leave empty.

    Raises BadTarget, before anything is changed, where `check` would.
    """
    gone = [*deletes]
    check(top, writes, gone)
    with opened(top) as start:
        for folder, names in _by_folder(gone):
            with contextlib.suppress(FileNotFoundError), start.below(folder) as inner:
                for name in names:
                    inner.unlink(name)
            start.prune(folder)
        for folder, names in _by_folder(writes):
            with start.below(folder, _PUBLIC) as inner:
                for name in names:
                    inner.put(name, writes[paths.join(folder, name)])


def write(folder: Path, tree: Tree) -> None:
    """Write every file of a tree below a folder; none of them may be there yet."""
    for path in tree.files:
        _check_text(path, tree.files.keys())
    with opened(folder) as start:
        for place, names in _by_folder(tree.files):
            with start.below(place, _PUBLIC) as inner:
                for name in names:
                    inner.create(name, tree.files[paths.join(place, name)])


def read(top: Path, path: str) -> bytes | None:
    """What a regular file below a folder holds; None where there is none, or only one behind a link."""
    folder, _, name = path.rpartition("/")
    try:
        with opened(top) as start, start.below(folder) as inner:
            return inner.read(name)
    except (BadTarget, OSError):
        return None


def unfinished(top: Path, found: Iterable[str]) -> set[str]:
    """The files, in the folders of these ones, that a run which was killed has not written to their end."""
    left: set[str] = set()
    with opened(top) as start:
        for folder, _ in _by_folder(found):
            with contextlib.suppress(FileNotFoundError), start.below(folder) as inner:
                left.update(paths.join(folder, name) for name in inner.names() if UNFINISHED.fullmatch(name))
    return left


def remove(folder: Path) -> None:
    """Remove a folder of our own, as far as it is there; a link in its place stays, and what it leads to."""
    shutil.rmtree(folder, ignore_errors=True)


def _by_folder(found: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Paths as folders and the names in each, so that every folder is opened once."""
    names: dict[str, list[str]] = {}
    for path in sorted(found):
        folder, _, name = path.rpartition("/")
        names.setdefault(folder, []).append(name)
    return sorted(names.items())


def move(source: Path, target: Path) -> None:
    """Move the entries of one folder into another; a file that is there already has the same bytes and stays."""
    with opened(source) as start, opened(target) as end:
        _move(start, end)


def _move(source: Folder, target: Folder) -> None:
    for name in source.names():
        if target.facts(name) is None:
            os.rename(name, name, src_dir_fd=source.handle, dst_dir_fd=target.handle)
        elif stat.S_ISDIR(os.stat(name, dir_fd=source.handle, follow_symlinks=False).st_mode):
            with source.below(name) as start, target.below(name) as end:
                _move(start, end)
        else:
            target.refuse(name)


def rename(folder: Path, target: Path) -> None:
    """Give a folder the place of another one, which is empty or does not exist."""
    folder.rename(target)


def prune(folder: Path, path: str) -> None:
    """Remove a folder below another one, and those between them, as long as they are empty."""
    with opened(folder) as start:
        start.prune(path)


def missing(folder: Path) -> tuple[Path, str]:
    """The innermost folder that there is already on the way to one, and the path from there, empty if it is that."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    return there, "/".join(folder.relative_to(there).parts)


def make(folder: Path, path: str, mode: int = _PUBLIC) -> None:
    """Make a folder below another one, as far as it is missing."""
    with opened(folder) as start, start.below(path, mode):
        pass


def replace_folder(repo: Path, folder: Path, tree: Tree) -> int:
    """Write a tree as the whole content of a folder, which must be new, empty, or written by this function before.

    Returns how many files it holds. Raises BadTarget where the folder holds anything else, or one of its files was
    changed: a marker in it tells the files and their checksums, so that a marker made by someone else deletes nothing
    that they don't know the bytes of. Below `repo`, no link is followed on the way to the folder.
    """
    start, path = _anchored(repo, folder)
    writes = {paths.join(path, each): data for each, data in tree.items()}
    marker = paths.join(path, _MARKER)
    check(start, [*writes, marker])
    known = (read(start, marker) or b"").decode(errors="replace").split("\n")
    old = set()
    for name, data in _content(start, path):
        if name != _MARKER and not UNFINISHED.fullmatch(name) and (data is None or _line(name, data) not in known):
            raise BadTarget(
                f"{paths.shown(str(folder))} holds a file that taxiway did not write: {paths.shown(name)}",
                hint="choose a folder that is empty or does not exist yet",
            )
        old.add(paths.join(path, name))
    lines = [_line(name, data) for name, data in tree.items()]
    # A run that is killed leaves old files and new ones, and the next one must know both.
    apply(start, {marker: "\n".join([*known, *lines]).encode()})
    apply(start, writes, old - writes.keys() - {marker})
    apply(start, {marker: "\n".join(lines).encode()})
    return len(tree)


def _anchored(repo: Path, folder: Path) -> tuple[Path, str]:
    """A folder that is there, and the path of another one below it; the outermost one in the repo, where one is."""
    place = Path(os.path.abspath(folder))  # noqa: PTH100
    for each in reversed([place, *place.parents]):
        if each.resolve().is_relative_to(repo):
            return each, "" if each == place else place.relative_to(each).as_posix()
    make(*missing(place.parent))
    return place.parent, place.name


def _content(start: Path, path: str) -> Iterator[tuple[str, bytes | None]]:
    """Everything below a folder but for folders, by its path there, with its bytes where it is a regular file."""
    with contextlib.suppress(FileNotFoundError), opened(start) as top, top.below(path) as folder:
        for place, folders, names, handle in os.fwalk(".", dir_fd=folder.handle):
            inner = Folder(handle, start, path)
            links = (name for name in folders if stat.S_ISLNK(os.lstat(name, dir_fd=handle).st_mode))
            for name in (*names, *links):
                yield paths.join(place, name).removeprefix("./"), inner.read(name)


def _line(path: str, data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()}  {path}"


@contextlib.contextmanager
def temporary(tree: Tree) -> Iterator[Path]:
    """Write a tree into a temporary folder, which is removed when the `with` ends."""
    with tempfile.TemporaryDirectory(prefix="taxiway-") as folder:
        write(Path(folder), tree)
        yield Path(folder)
