"""Content-addressed cache below $XDG_CACHE_HOME/taxiway: each key says all that its entry depends on.

Any number of runs may share it. An entry that is gone, cut short or altered is one that was never there; a folder that
can't be used is an empty one. Above a limit, looked at once a day, the least recently used entries are removed.
"""

import contextlib
import hashlib
import os
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from bootstrap.core.errors import BadTarget
from bootstrap.system import files
from bootstrap.system.nofollow import PRIVATE

LIMIT = 256 * 1024 * 1024  # bytes
_MAGIC = b"taxiway 1\n"
_DIGEST = 16
_BLOCK = 4096  # what a file takes on a disk beyond its bytes, at most
_STAMP = "pruned"  # the file whose time says when the size was last looked at
_DAY = 86400.0  # seconds
_RECENT = 3600.0  # seconds in which a use is not written down again, nor another run's unfinished file removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A folder of entries; None keeps nothing."""

    folder: Path | None
    limit: int = LIMIT

    @classmethod
    def find(cls, *, wanted: bool = True) -> "Cache":
        """The user's own, as the XDG base directory specification places it; where nobody else may look into it."""
        named = os.environ.get("XDG_CACHE_HOME", "")
        try:
            place = Path(named) if named.startswith("/") else Path.home() / ".cache"
        except RuntimeError:  # a user without a home folder
            return cls(folder=None)
        return cls(folder=place / "taxiway" / "builds" if wanted else None)

    def get(self, key: str) -> bytes | None:
        """What was kept under a key."""
        if self.folder is None:
            return None
        try:
            with os.fdopen(os.open(_path(self.folder, key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                held, facts = file.read(), os.fstat(file.fileno())
                if facts.st_mtime < time.time() - _RECENT and facts.st_uid == os.geteuid():
                    os.utime(file.fileno())  # the entries that are used stay the longest
        except OSError:
            return None
        head = len(_MAGIC) + _DIGEST
        if facts.st_uid != os.geteuid() or held[:head] != _MAGIC + _checksum(key, held[head:]):
            return None
        try:
            return zlib.decompress(held[head:])
        except zlib.error:
            return None

    def has(self, key: str) -> bool:
        """Whether something is kept under a key, sound or not."""
        return self.folder is not None and _path(self.folder, key).is_file()

    def put(self, key: str, data: bytes) -> None:
        """Keep something under a key, as a whole or not at all."""
        if self.folder is None:
            return
        packed = zlib.compress(data, 1)
        path = _path(self.folder, key)
        part = path.with_name(f".{key}.{os.getpid()}-{time.monotonic_ns()}")
        with contextlib.suppress(OSError, BadTarget):
            if not path.parent.is_dir():
                files.make(*files.missing(path.parent), PRIVATE)
            try:
                with os.fdopen(
                    os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb"
                ) as file:
                    file.write(_MAGIC + _checksum(key, packed) + packed)
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            if _is_due(self.folder / _STAMP):
                self.prune()

    def prune(self) -> None:
        """Remove the entries that were not used for the longest time, until a quarter of the limit is free."""
        found: list[tuple[float, int, Path]] = []
        for path in self.folder.glob("??/*") if self.folder else ():
            with contextlib.suppress(OSError):
                facts = path.stat()
                if path.name.startswith("."):
                    if facts.st_mtime < time.time() - _RECENT:  # of a run that was killed
                        path.unlink()
                else:
                    found.append((facts.st_mtime, facts.st_size + _BLOCK, path))
        total = sum(size for _, size, _ in found)
        if total <= self.limit:
            return
        for _, size, path in sorted(found):
            if total <= self.limit * 3 // 4:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size


def _is_due(stamp: Path) -> bool:
    """Whether nobody looked at the size for a day. Who asks is the one who looks."""
    file = os.open(stamp, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        due = abs(time.time() - os.fstat(file).st_mtime) > _DAY
        if due:
            os.utime(file)
    finally:
        os.close(file)
    return due


def _path(folder: Path, key: str) -> Path:
    return folder / key[:2] / key


def _checksum(key: str, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST, key=key.encode()[:64]).digest()
