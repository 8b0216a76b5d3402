"""File reader of an environment repo, the only one: it reads nothing outside of the repo, whatever links are in it.

Each folder of a path is opened without following a link (O_NOFOLLOW). A link that stays in the repo is resolved by its
text, and its target is opened in the same way.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bootstrap.config import file_problems
from bootstrap.config.file_problems import NotFollowed, Problem
from bootstrap.core import limits, paths
from bootstrap.core.errors import BadTarget

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # to open a FIFO never waits
_MAX_OPEN = 32  # folders that are kept open
# The file is gone, or a link, a folder or a socket has taken its place.
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EISDIR)
_TYPES = {stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its bytes and its status."""

    data: bytes
    stat: os.stat_result


@dataclass(slots=True)
class Listing:
    """The entries below a folder, by their paths in the repo: files, symbolic links with their targets, problems."""

    files: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class ReadBudget:
    """The bytes and files that one read may still take."""

    def __init__(self, spent: int = 0) -> None:
        self.spent, self.files = spent, 0

    def spend(self, size: int) -> None:
        """Count a file. Raises BadTarget above the limits."""
        self.spent, self.files = self.spent + size, self.files + 1
        if self.spent > limits.READ_BYTES or self.files > limits.READ_FILES:
            raise BadTarget(
                f"the repository holds more than {limits.mebibytes(limits.READ_BYTES)}, or {limits.READ_FILES:,} "
                "files, that would have to be read",
                hint="keep what is no manifest in another repository",
            )


class Reader:
    """Reads files below a top folder. It keeps folders open between reads."""

    def __init__(self, top: Path) -> None:
        self._handles = {"": os.open(top, _FOLDER & ~os.O_NOFOLLOW)}

    def close(self) -> None:
        """Close the folders."""
        for handle in self._handles.values():
            os.close(handle)
        self._handles.clear()

    def read(self, path: str, budget: ReadBudget | None = None) -> File | Problem | None:
        """The file at a path without links; None where it is gone."""
        folder, _, name = path.rpartition("/")
        if path.count("/") > limits.PATH_DEPTH:
            return None
        if len(self._handles) > _MAX_OPEN:
            top = self._handles.pop("")
            self.close()
            self._handles[""] = top
        try:
            handle = os.open(name, _FILE, dir_fd=self._folder(folder))
        except OSError as err:
            if err.errno in _GONE:
                return None
            err.filename = path
            raise
        try:
            return _read(handle, path, budget)
        finally:
            os.close(handle)

    def _folder(self, path: str) -> int:
        handle = self._handles.get(path)
        if handle is None:
            parent, _, name = path.rpartition("/")
            handle = self._handles[path] = os.open(name, _FOLDER, dir_fd=self._folder(parent))
        return handle


@contextmanager
def reader(top: Path) -> Iterator[Reader]:
    """A Reader that is closed when the `with` ends."""
    opened = Reader(top)
    try:
        yield opened
    finally:
        opened.close()


def _read(handle: int, path: str, budget: ReadBudget | None) -> File | Problem | None:
    info = os.fstat(handle)
    if stat.S_ISDIR(info.st_mode):
        return None
    if not stat.S_ISREG(info.st_mode):
        return file_problems.not_regular(path, _type(info.st_mode))
    if info.st_size > limits.FILE_BYTES:
        return file_problems.too_large(path)
    if budget:
        budget.spend(info.st_size)
    pieces = []
    remaining = limits.FILE_BYTES + 1  # the file may grow while it is read
    while remaining > 0 and (piece := os.read(handle, min(remaining, info.st_size + 1))):
        pieces.append(piece)
        remaining -= len(piece)
    return File(b"".join(pieces), info) if remaining > 0 else file_problems.too_large(path)


def read(top: Path, path: str) -> bytes | None:
    """The content of a file below a folder, through links that stay in it; None where there is none.

    Raises BadTarget where a problem keeps it from being read.
    """
    try:
        real = file_problems.follow(path, lambda link: readlink(top, link))
    except NotFollowed as err:
        raise as_error(top, err.problem) from None
    if not top.is_dir():
        return None
    with reader(top) as files:
        file = files.read(real)
    if isinstance(file, Problem):
        raise as_error(top, file)
    return file.data if file else None


def read_unlinked(top: Path, path: str) -> bytes | None:
    """The content of a file that must not be a link, as `read`."""
    if readlink(top, path) is not None:
        raise BadTarget(f"{top / path} is a symbolic link", hint="put the file itself there")
    if (top / path).is_dir():
        raise BadTarget(f"{top / path} is a folder", hint="put the file there")
    return read(top, path)


def as_error(top: Path, problem: Problem) -> BadTarget:
    """The error for a problem that ends the command."""
    return BadTarget(f"{top / problem.path} is {problem.message}", hint="put a regular file of the repository there")


def readlink(top: Path, path: str) -> str | None:
    """The target of the symbolic link at a path; None where there is no link."""
    try:
        return os.readlink(f"{top}/{path}")  # noqa: PTH115  (Path would normalise the target)
    except OSError:
        return None


def walk(top: Path, part: str) -> Listing:
    """List all entries below a part of the repo, or the part itself. Links are listed, not followed."""
    listing = Listing()
    if link := next((path for path in [*paths.parents(part), part] if readlink(top, path) is not None), None):
        listing.links[link] = readlink(top, link) or ""
        return listing
    try:
        mode = os.lstat(f"{top}/{part}").st_mode
    except OSError:
        return listing
    if stat.S_ISREG(mode):
        listing.files.append(part)
    elif not stat.S_ISDIR(mode):
        listing.problems.append(file_problems.not_regular(part, _type(mode)))
    folders = [part] if stat.S_ISDIR(mode) else []
    while folders:
        folder = folders.pop()
        with os.scandir(f"{top}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if entry.name == ".git":
                    continue
                if entry.is_file(follow_symlinks=False):
                    listing.files.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    if path.count("/") < limits.PATH_DEPTH:
                        folders.append(path)
                elif entry.is_symlink():
                    listing.links[path] = readlink(top, path) or ""
                else:
                    kind = _type(entry.stat(follow_symlinks=False).st_mode)
                    listing.problems.append(file_problems.not_regular(path, kind))
        if len(listing.files) > limits.READ_FILES:
            ReadBudget(limits.READ_BYTES).spend(1)  # raises
    return listing


@dataclass(slots=True)
class LinkedFiles:
    """The files to which links lead: by the path through the links, each with its real path."""

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def follow_links(top: Path, links: Iterable[str]) -> LinkedFiles:
    """Follow symbolic links, and links that are found behind them. A folder to which two links lead is listed once."""
    linked = LinkedFiles()
    seen: set[str] = set()
    pending = [(link, link) for link in sorted(links, reverse=True)]  # the path through links, the real path
    while pending:
        name, link = pending.pop()
        linked.links[link] = readlink(top, link) or ""
        try:
            real = file_problems.follow(link, lambda path: readlink(top, path))
        except NotFollowed as err:
            linked.problems.append(replace(err.problem, path=link))
            continue
        listing = walk(top, real)
        if not os.path.lexists(f"{top}/{real}"):
            linked.problems.append(file_problems.broken_link(link))
        linked.problems += [replace(problem, path=link) for problem in listing.problems]
        if listing.files != [real] and real in seen:
            continue
        seen.add(real)
        linked.files |= {name + path.removeprefix(real): path for path in listing.files}
        pending += [(name + path.removeprefix(real), path) for path in listing.links]
    return linked


def _type(mode: int) -> str:
    return _TYPES.get(stat.S_IFMT(mode), "special file")
