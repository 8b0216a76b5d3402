"""Content-addressed cache below $XDG_CACHE_HOME/taxiway: a key is a hash of all that its entry depends on.

Any number of processes may share it. A missing, truncated or altered entry is a miss; an unusable folder is an empty
cache. Once a day, the least recently used entries are evicted above 256 MiB.
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
_DIGEST_SIZE = 16  # bytes
_BLOCK = 4096  # bytes: the most that a file takes on a disk beyond its size
_STAMP = "pruned"  # the file whose modification time is that of the last check of the size
_DAY = 86400.0  # seconds
_RECENT = 3600.0  # seconds before a use is recorded again, or another run's partial file is removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """A cache in a folder; without a folder it stores nothing."""

    folder: Path | None
    limit: int = LIMIT

    @classmethod
    def default(cls, *, enabled: bool = True) -> "Cache":
        """The user's own cache, where the XDG base directory specification places it."""
        configured = os.environ.get("XDG_CACHE_HOME", "")
        try:
            parent = Path(configured) if configured.startswith("/") else Path.home() / ".cache"
        except RuntimeError:  # a user without a home folder
            return cls(folder=None)
        return cls(folder=parent / "taxiway" / "builds" if enabled else None)

    def get(self, key: str) -> bytes | None:
        """The entry of a key; None where there is no sound one."""
        if self.folder is None:
            return None
        try:
            with os.fdopen(os.open(_path(self.folder, key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                content, stat = file.read(), os.fstat(file.fileno())
                if stat.st_mtime < time.time() - _RECENT and stat.st_uid == os.geteuid():
                    os.utime(file.fileno())  # the time of the last use
        except OSError:
            return None
        head = len(_MAGIC) + _DIGEST_SIZE
        if stat.st_uid != os.geteuid() or content[:head] != _MAGIC + _checksum(key, content[head:]):
            return None
        try:
            return zlib.decompress(content[head:])
        except zlib.error:
            return None

    def has(self, key: str) -> bool:
        """Whether there is an entry of a key, sound or not."""
        return self.folder is not None and _path(self.folder, key).is_file()

    def put(self, key: str, data: bytes) -> None:
        """Store an entry atomically. An error of the disk is no error here: then nothing is stored."""
        if self.folder is None:
            return
        packed = zlib.compress(data, 1)
        path = _path(self.folder, key)
        partial = path.with_name(f".{key}.{os.getpid()}-{time.monotonic_ns()}")
        with contextlib.suppress(OSError, BadTarget):
            if not path.parent.is_dir():
                files.make_folder(*files.split_missing(path.parent), PRIVATE)
            try:
                with os.fdopen(
                    os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb"
                ) as file:
                    file.write(_MAGIC + _checksum(key, packed) + packed)
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
            if _claim_pruning(self.folder / _STAMP):
                self.prune()

    def prune(self) -> None:
        """Above the limit, remove the least recently used entries until a quarter of it is free."""
        entries: list[tuple[float, int, Path]] = []
        for path in self.folder.glob("??/*") if self.folder else ():
            with contextlib.suppress(OSError):
                stat = path.stat()
                if path.name.startswith("."):
                    if stat.st_mtime < time.time() - _RECENT:  # of a run that was killed
                        path.unlink()
                else:
                    entries.append((stat.st_mtime, stat.st_size + _BLOCK, path))
        total = sum(size for _, size, _ in entries)
        if total <= self.limit:
            return
        for _, size, path in sorted(entries):
            if total <= self.limit * 3 // 4:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size


def _claim_pruning(stamp: Path) -> bool:
    """Whether the last check of the size is a day ago. If so, the caller has to make it: the stamp is renewed."""
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
    return hashlib.blake2b(data, digest_size=_DIGEST_SIZE, key=key.encode()[:64]).digest()
