"""Container images as files: blobs under their digests, and the names that point to manifests."""

import fcntl
import gzip
import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
# One time for everything, so that the same files give the same digest.
CREATED = "2026-01-01T00:00:00Z"


class Readable(Protocol):
    """What a blob's bytes are read from."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """One stored file: `digest` is `sha256:<hex>`, `size` is in bytes."""

    digest: str
    size: int

    def descriptor(self, kind: str) -> dict[str, Any]:
        """This blob as an OCI content descriptor."""
        return {"mediaType": kind, "digest": self.digest, "size": self.size}


def full_name(name: str) -> str:
    """The path and tag that containerd asks a mirror for: `busybox` is `library/busybox:latest`, without the host."""
    return reference(name).partition("/")[2]


def reference(name: str) -> str:
    """An image with its host and tag: `busybox` is `docker.io/library/busybox:latest`."""
    host, _, rest = name.partition("/")
    if not rest:
        host, rest = "docker.io", f"library/{name}"
    elif not ("." in host or ":" in host or host == "localhost"):
        host, rest = "docker.io", name
    return f"{host}/{rest}" if ":" in rest else f"{host}/{rest}:latest"


class Store:
    """A folder of blobs and one file of names; a reader never sees a half-written file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = root / "blobs" / "sha256"
        self.blobs.mkdir(parents=True, exist_ok=True)

    def blob(self, digest: str) -> Path:
        """Where a blob is, stored or not."""
        return self.blobs / digest.removeprefix("sha256:")

    def names(self) -> dict[str, str]:
        """Full image name -> digest of its manifest."""
        try:
            names: dict[str, str] = json.loads((self.root / "names.json").read_text())
        except FileNotFoundError:
            return {}
        return names

    @contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        """A file to write a new blob to; give it to `adopt`, or it is removed."""
        path = self.blobs / f".writing-{os.getpid()}"
        try:
            with path.open("wb") as file:
                yield file
        finally:
            path.unlink(missing_ok=True)

    def adopt(self, path: Path) -> Blob:
        """Move a finished file into the store."""
        with path.open("rb") as file:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        blob = Blob(digest=digest, size=path.stat().st_size)
        path.rename(self.blob(digest))
        return blob

    def put(self, source: Readable) -> Blob:
        """Store everything that `source` still holds."""
        with self.writing() as file:
            while chunk := source.read(1 << 20):
                file.write(chunk)
            file.flush()
            return self.adopt(Path(file.name))

    def put_json(self, document: Mapping[str, Any]) -> Blob:
        """Store a document in one spelling, so that equal documents have equal digests."""
        with self.writing() as file:
            file.write(json.dumps(document, sort_keys=True).encode())
            file.flush()
            return self.adopt(Path(file.name))

    def write(self, name: str, layers: Sequence[Blob], config: Mapping[str, Any]) -> str:
        """Make an image of stored, uncompressed layers and give it a name; return its digest."""
        document = {
            "architecture": "amd64",
            "os": "linux",
            "created": CREATED,
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": [{"created": CREATED, "created_by": "taxiway tests: a stand-in"} for _ in layers],
        }
        return self._manifest([name], self.put_json(document), layers)

    def load(self, archive: Path) -> list[str]:
        """Store the images of a `docker save` archive; return their full names."""
        loaded: list[str] = []
        with tarfile.open(archive) as tar:
            for entry in json.load(_member(tar, "manifest.json")):
                layers = [self.put(_unpacked(_member(tar, layer))) for layer in entry["Layers"]]
                names = entry["RepoTags"] or []
                self._manifest(names, self.put(_member(tar, entry["Config"])), layers)
                loaded += [full_name(n) for n in names]
        return loaded

    def prune(self) -> None:
        """Remove every blob that no named image reaches."""
        kept: set[str] = set()
        for digest in self.names().values():
            manifest = json.loads(self.blob(digest).read_text())
            kept |= {digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])}
        for path in self.blobs.iterdir():
            if f"sha256:{path.name}" not in kept:
                path.unlink()

    def _manifest(self, names: Sequence[str], config: Blob, layers: Sequence[Blob]) -> str:
        digest = self.put_json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": config.descriptor(CONFIG),
                "layers": [layer.descriptor(LAYER) for layer in layers],
            }
        ).digest
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self.names() | {full_name(n): digest for n in names}
            temporary = self.root / "names.json.new"
            temporary.write_text(json.dumps(known, indent=1, sort_keys=True))
            temporary.rename(self.root / "names.json")
        return digest


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    file = tar.extractfile(name)
    assert file is not None, f"{name} is not a file in {tar.name!r}"
    return file


def _unpacked(file: IO[bytes]) -> Readable:
    """Layers are stored plain: their digest is then also the diff id that the config names."""
    magic = file.read(2)
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if magic == b"\x1f\x8b" else file
