"""The one reader of files of an environment repo: regular files below its top folder, and nothing behind a link.

Every folder on the way is opened by itself, without following a link, so that what is read is surely in the repo. A
link that stays in the repo is followed by its text, step by step; what it leads to is opened in the same way.
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
from bootstrap.core import limits
from bootstrap.core.errors import BadTarget

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC  # to open a FIFO never waits
_OPEN = 32  # folders that are kept open
# A link stands where a folder or a file did, or nothing at all, or a socket.
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EISDIR)
_KINDS = {stat.S_IFIFO: "FIFO", stat.S_IFSOCK: "socket", stat.S_IFCHR: "device", stat.S_IFBLK: "device"}


@dataclass(frozen=True, slots=True)
class File:
    """A regular file: its bytes, and what the system says of it."""

    data: bytes
    facts: os.stat_result


@dataclass(slots=True)
class Found:
    """What is below a folder, by its path in the repo: files, symbolic links with their texts, and what is neither."""

    files: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class Room:
    """What may still be read. Raises BadTarget where that is used up."""

    def __init__(self, taken: int = 0) -> None:
        self.taken, self.files = taken, 0

    def take(self, size: int) -> None:
        """Count a file."""
        self.taken, self.files = self.taken + size, self.files + 1
        if self.taken > limits.READ_BYTES or self.files > limits.READ_FILES:
            raise BadTarget(
                f"the repository holds more than {limits.mebibytes(limits.READ_BYTES)}, or {limits.READ_FILES:,} "
                "files, that would have to be read",
                hint="keep what is no manifest in another repository",
            )


class Reader:
    """Reads files below a top folder, and keeps some of the folders open on the way."""

    def __init__(self, top: Path) -> None:
        self._handles = {"": os.open(top, _FOLDER & ~os.O_NOFOLLOW)}

    def close(self) -> None:
        """Let go of the folders."""
        for handle in self._handles.values():
            os.close(handle)
        self._handles.clear()

    def read(self, path: str, room: Room | None = None) -> File | Problem | None:
        """The file at a path without links; None where there is none any more."""
        folder, _, name = path.rpartition("/")
        if path.count("/") > limits.PATH_DEPTH:
            return None
        if len(self._handles) > _OPEN:
            top = self._handles.pop("")
            self.close()
            self._handles[""] = top
        try:
            handle = os.open(name, _FILE, dir_fd=self._folder(folder))
        except OSError as err:
            if err.errno in _NOT_THERE:
                return None
            err.filename = path
            raise
        try:
            return _read(handle, path, room)
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
    """A Reader, closed at the end."""
    found = Reader(top)
    try:
        yield found
    finally:
        found.close()


def _read(handle: int, path: str, room: Room | None) -> File | Problem | None:
    facts = os.fstat(handle)
    if stat.S_ISDIR(facts.st_mode):
        return None
    if not stat.S_ISREG(facts.st_mode):
        return file_problems.special(path, _kind(facts.st_mode))
    if facts.st_size > limits.FILE_BYTES:
        return file_problems.too_large(path)
    if room:
        room.take(facts.st_size)
    pieces = []
    left = limits.FILE_BYTES + 1  # it may grow meanwhile
    while left > 0 and (piece := os.read(handle, min(left, facts.st_size + 1))):
        pieces.append(piece)
        left -= len(piece)
    return File(b"".join(pieces), facts) if left > 0 else file_problems.too_large(path)


def read(top: Path, path: str) -> bytes | None:
    """A file below a folder, or behind links that stay in it; None where there is none.

    Raises BadTarget where something is there that is not read.
    """
    try:
        real = file_problems.follow(path, lambda each: target(top, each))
    except NotFollowed as err:
        raise refused(top, err.problem) from None
    if not top.is_dir():
        return None
    with reader(top) as files:
        found = files.read(real)
    if isinstance(found, Problem):
        raise refused(top, found)
    return found.data if found else None


def read_plain(top: Path, path: str) -> bytes | None:
    """The same of a file that must not be a link."""
    if target(top, path) is not None:
        raise BadTarget(f"{top / path} is a symbolic link", hint="put the file itself there")
    if (top / path).is_dir():
        raise BadTarget(f"{top / path} is a folder", hint="put the file there")
    return read(top, path)


def refused(top: Path, problem: Problem) -> BadTarget:
    """A problem, as what ends a command."""
    return BadTarget(f"{top / problem.path} is {problem.message}", hint="put a regular file of the repository there")


def target(top: Path, path: str) -> str | None:
    """Where the symbolic link at a path leads."""
    try:
        return os.readlink(f"{top}/{path}")  # noqa: PTH115  (a path would be cleaned)
    except OSError:
        return None


def walk(top: Path, part: str) -> Found:
    """All that is below a part of the repo, or the part itself; behind no link."""
    found = Found()
    if link := next((each for each in _above(part) if target(top, each) is not None), None):
        found.links[link] = target(top, link) or ""
        return found
    try:
        mode = os.lstat(f"{top}/{part}").st_mode
    except OSError:
        return found
    if stat.S_ISREG(mode):
        found.files.append(part)
    elif not stat.S_ISDIR(mode):
        found.problems.append(file_problems.special(part, _kind(mode)))
    folders = [part] if stat.S_ISDIR(mode) else []
    while folders:
        folder = folders.pop()
        with os.scandir(f"{top}/{folder}") as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if entry.name == ".git":
                    continue
                if entry.is_file(follow_symlinks=False):
                    found.files.append(path)
                elif entry.is_dir(follow_symlinks=False):
                    if path.count("/") < limits.PATH_DEPTH:
                        folders.append(path)
                elif entry.is_symlink():
                    found.links[path] = target(top, path) or ""
                else:
                    kind = _kind(entry.stat(follow_symlinks=False).st_mode)
                    found.problems.append(file_problems.special(path, kind))
        if len(found.files) > limits.READ_FILES:
            Room(limits.READ_BYTES).take(1)
    return found


@dataclass(slots=True)
class Behind:
    """What links of a part lead to: files by their paths through the links, each with the path where it is."""

    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def behind(top: Path, links: Iterable[str]) -> Behind:
    """Follow symbolic links, and those that are behind them. A folder that two links lead to is behind one of them."""
    found = Behind()
    seen: set[str] = set()
    left = [(each, each) for each in sorted(links, reverse=True)]  # as it is called here, and where it is
    while left:
        name, link = left.pop()
        found.links[link] = target(top, link) or ""
        try:
            real = file_problems.follow(link, lambda each: target(top, each))
        except NotFollowed as err:
            found.problems.append(replace(err.problem, path=link))
            continue
        inside = walk(top, real)
        if not os.path.lexists(f"{top}/{real}"):
            found.problems.append(file_problems.missing(link))
        found.problems += [replace(each, path=link) for each in inside.problems]
        if inside.files != [real] and real in seen:
            continue
        seen.add(real)
        found.files |= {name + path.removeprefix(real): path for path in inside.files}
        left += [(name + path.removeprefix(real), path) for path in inside.links]
    return found


def _above(path: str) -> list[str]:
    """The folders of a path, from the top, and itself."""
    steps = path.split("/")
    return ["/".join(steps[: number + 1]) for number in range(len(steps))]


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "special file")
