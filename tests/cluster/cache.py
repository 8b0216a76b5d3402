"""Where the harness keeps what is dear to make: a folder of the user's, each thing under a key of its ingredients.

bin/<part>-<key>/        servers built from their Go modules
layers/<name>-<key>      digest and size of an image layer
images/                  the image store: blobs, and the names that point to them
unpacked-<key>/          what containerd unpacked of these images
clusters/<name>/         the state of a running cluster; removed when it ends
"""

import hashlib
import os
import shutil
from pathlib import Path


def folder() -> Path:
    """The cache folder; the XDG base directory specification says where."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "taxiway" / "cluster"


def key(*ingredients: str | bytes) -> str:
    """Sixteen hex digits that change when any ingredient, or the place where two of them meet, changes."""
    digest = hashlib.sha256()
    for part in ingredients:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


def forget_others(keep: Path) -> None:
    """Remove the siblings of `keep` (`<name>-<key>`) that carry the same name and another key."""
    name = keep.name.rsplit("-", 1)[0]
    for path in keep.parent.glob(f"{name}-*"):
        if path != keep and path.name.rsplit("-", 1)[0] == name:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
