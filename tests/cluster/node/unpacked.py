"""What containerd made of the images, kept for later starts: to unpack them takes a minute of one core each time."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import cache
from tests.cluster.images.store import Store, reference
from tests.cluster.node.layout import Layout
from tests.cluster.process import run


def restore(layout: Layout) -> bool:
    """Give a new cluster's containerd what is kept; False where nothing is, of these very images."""
    kept = _kept()
    if kept.exists():
        _link(kept, layout.unpacked)
    return kept.exists()


def pull(layout: Layout, images: Sequence[str]) -> None:
    """Let containerd pull and unpack images."""
    ctr = ("ctr", "--address", layout.containerd, "--namespace", "k8s.io")
    for image in images:
        hosts = ("--hosts-dir", layout.settings / "registries")
        run([*ctr, "images", "pull", *hosts, reference(image)])


def keep(layout: Layout) -> None:
    """Keep what a containerd has that was just ended; nothing older is kept beside it."""
    kept = _kept()
    part = kept.with_name(".unpacked.part")  # one name for all keys: what a killed run left is removed by the next
    shutil.rmtree(part, ignore_errors=True)
    _link(layout.unpacked, part)
    store = Store(cache.folder() / "images")
    for blob in (part / "io.containerd.content.v1.content" / "blobs" / "sha256").iterdir():
        if (same := store.blob(blob.name)).exists():  # one file for both
            blob.unlink()
            os.link(same, blob)
    part.rename(kept)
    cache.forget_others(kept)


def _kept() -> Path:
    names = (cache.folder() / "images" / "names.json").read_bytes()
    return cache.folder() / f"unpacked-{cache.key(names, run(['containerd', '--version']))}"


def _link(old: Path, new: Path) -> None:
    """A copy whose files are the old ones under another name; but the databases, which alone are written in place."""
    run(["cp", "--archive", "--link", old, new])
    for database in new.glob("*/*.db"):
        copy = database.with_suffix(".copy")
        shutil.copy2(database, copy)
        copy.replace(database)
