"""Layers that are put together from finished files: written straight into a tar, the same bytes for the same files."""

import hashlib
import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.cluster import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file at `path`, its bytes given or read from a file of this machine."""

    path: str
    source: bytes | Path
    mode: int = 0o755

    def data(self) -> bytes:
        """The file's bytes."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A symbolic link."""

    path: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder of its own owner and mode."""

    path: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Everything under `source`, whose content `identity` names; `source` is read-only to everyone."""

    path: str
    source: Path
    identity: str


Entry = File | Link | Folder | Copy


def key(entries: Sequence[Entry]) -> str:
    """Changes with any entry, and with the bytes of any file that an entry reads."""
    return cache.key(*(_fingerprint(e) for e in entries))


def write(entries: Sequence[Entry], out: IO[bytes]) -> None:
    """Write the entries, in their order, as an uncompressed tar."""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            for info, data in _members(entry):
                tar.addfile(info, io.BytesIO(data))


def _fingerprint(entry: Entry) -> str:
    match entry:
        case File():
            return f"file {entry.path} {entry.mode} {hashlib.sha256(entry.data()).hexdigest()}"
        case Copy():
            return f"copy {entry.path} {entry.identity}"
        case _:
            return repr(entry)


def _members(entry: Entry) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    match entry:
        case File():
            yield _info(entry.path, mode=entry.mode, size=len(data := entry.data())), data
        case Link():
            yield _info(entry.path, kind=tarfile.SYMTYPE, target=entry.target), b""
        case Folder():
            yield _info(entry.path, kind=tarfile.DIRTYPE, mode=entry.mode, uid=entry.uid, gid=entry.gid), b""
        case Copy():
            yield _info(entry.path, kind=tarfile.DIRTYPE), b""
            for path in sorted(entry.source.rglob("*")):
                name = f"{entry.path}/{path.relative_to(entry.source)}"
                if path.is_dir():
                    yield _info(name, kind=tarfile.DIRTYPE), b""
                else:
                    yield _info(name, mode=0o644, size=len(data := path.read_bytes())), data


def _info(
    path: str,
    *,
    kind: bytes = tarfile.REGTYPE,
    mode: int = 0o755,
    uid: int = 0,
    gid: int = 0,
    size: int = 0,
    target: str = "",
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path.strip("/"))
    info.type, info.mode, info.uid, info.gid, info.size, info.linkname = kind, mode, uid, gid, size, target
    return info
