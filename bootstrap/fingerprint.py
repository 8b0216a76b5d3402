"""What identifies the input of a build: Git's own ids of folders, and keys made of them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootstrap.layout_of_repo import MODEL as MODEL
from bootstrap.layout_of_repo import OVERLAYS as OVERLAYS
from bootstrap.layout_of_repo import part_of as part_of

FILE, EXECUTABLE, LINK = "100644", "100755", "120000"
_FOLDER = "40000"


@dataclass(frozen=True, slots=True)
class Blob:
    """A file as Git keeps it: its mode, and its bytes; for a symbolic link, where it leads."""

    mode: str
    data: bytes


def identity(part: str, blobs: Mapping[str, Blob], *, like: str = "") -> str:
    """The id that Git gives a part, whose files stand in `blobs` by their path in the repo; empty where it has none.

    Of SHA-1, unless an id that it is to be compared with is a SHA-256 one. (Git's documentation: Git Objects.)
    """
    algorithm = "sha256" if len(like) == 64 else "sha1"
    if part in blobs:
        return _hash(algorithm, "blob", blobs[part].data).hex()
    return (
        _tree(algorithm, {path.removeprefix(f"{part}/"): blob for path, blob in blobs.items()}).hex() if blobs else ""
    )


def key(*parts: str | Sequence[str]) -> str:
    """A name for what these texts determine together."""
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
    body = b"".join(b"%b %b\0%b" % (mode.encode(), name.rstrip(b"/"), held) for name, mode, held in sorted(entries))
    return _hash(algorithm, "tree", body)


def _hash(algorithm: str, kind: str, data: bytes) -> bytes:
    digest = hashlib.new(algorithm, b"%b %d\0" % (kind.encode(), len(data)), usedforsecurity=False)
    digest.update(data)
    return digest.digest()


def _bytes(name: str) -> bytes:
    return name.encode(errors="surrogateescape")
