"""Object ids of Git for files and folders that need not be in Git, and cache keys made of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootstrap.config.parts import MODEL as MODEL
from bootstrap.config.parts import OVERLAYS as OVERLAYS
from bootstrap.config.parts import part_of as part_of

FILE, EXECUTABLE, LINK = "100644", "100755", "120000"
_FOLDER = "40000"


@dataclass(frozen=True, slots=True)
class Blob:
    """A file as Git stores it: its mode and its bytes, which are the target of a symbolic link."""

    mode: str
    data: bytes


def object_id(part: str, blobs: Mapping[str, Blob], *, like: str = "") -> str:
    """The object id that Git gives a part of a repo; empty where it has no files. (Pro Git: Git Objects.)

    `blobs` are its files by their path in the repo. The hash is SHA-1, or that of the id `like`.
    """
    algorithm = "sha256" if len(like) == 64 else "sha1"
    if part in blobs:
        return _hash(algorithm, "blob", blobs[part].data).hex()
    return (
        _tree(algorithm, {path.removeprefix(f"{part}/"): blob for path, blob in blobs.items()}).hex() if blobs else ""
    )


def cache_key(*parts: str | Sequence[str]) -> str:
    """A hash of these texts, as the key of what they determine together."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _tree(algorithm: str, files: Mapping[str, Blob]) -> bytes:
    folders: dict[str, dict[str, Blob]] = {}
    entries: list[tuple[bytes, str, bytes]] = []
    for path, blob in files.items():
        folder, _, rest = path.partition("/")
        if rest:
            folders.setdefault(folder, {})[rest] = blob
        else:
            entries.append((_bytes(path), blob.mode, _hash(algorithm, "blob", blob.data)))
    entries.extend((_bytes(name) + b"/", _FOLDER, _tree(algorithm, inside)) for name, inside in folders.items())
    # Git sorts a folder as if its name ended with a slash, and writes it without.
    body = b"".join(b"%b %b\0%b" % (mode.encode(), name.rstrip(b"/"), digest) for name, mode, digest in sorted(entries))
    return _hash(algorithm, "tree", body)


def _hash(algorithm: str, kind: str, data: bytes) -> bytes:
    digest = hashlib.new(algorithm, b"%b %d\0" % (kind.encode(), len(data)), usedforsecurity=False)
    digest.update(data)
    return digest.digest()


def _bytes(name: str) -> bytes:
    return name.encode(errors="surrogateescape")
