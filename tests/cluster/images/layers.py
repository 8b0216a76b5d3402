"""Makes the layers that the image store lacks, and names the images."""

import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tests.cluster import cache
from tests.cluster.console import Console
from tests.cluster.errors import ClusterError
from tests.cluster.images import entries
from tests.cluster.images.catalogue import Image
from tests.cluster.images.recipe import Recipe
from tests.cluster.images.store import Blob, Store
from tests.cluster.process import run
from tests.cluster.python import module_command, module_environment

UV = "uv==0.13.9"
# Every mount and process of a layer's build ends with `unshare`, and that with us, however we end.
OWN_NAMESPACES = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)


def store() -> Store:
    """The image store of this user."""
    return Store(cache.folder() / "images")


def build(images: Iterable[Image], console: Console) -> None:
    """Make every image that is not stored yet; say what is made."""
    kept = store()
    for image in images:
        layers = [_recipe(kept, recipe, console) for recipe in (image.recipe.stack if image.recipe else ())]
        if image.entries:
            layers.append(_entries(kept, image))
        kept.write(image.name, layers, image.config)
    kept.prune()


def _recipe(kept: Store, recipe: Recipe, console: Console) -> Blob:
    note = _note(recipe.name, recipe.key)
    if blob := _known(kept, note):
        return blob
    console.step(f"making the image layer {recipe.name} (a stand-in, from Debian and Python packages)")
    lower = [kept.blob(_recipe(kept, r, console).digest) for r in (recipe.under.stack if recipe.under else ())]
    works = cache.folder() / "work"
    if works.exists():  # what a build that was cut off left
        shutil.rmtree(works)
    works.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=works) as work:
        out = Path(work) / "layer.tar"
        run(
            [*OWN_NAMESPACES, *module_command("tests.cluster.images.chroot"), recipe.name, work, out, *lower],
            env={**module_environment(), **({"UV": str(_uv())} if recipe.environment else {})},
        )
        blob = kept.adopt(out)
    return _noted(note, blob)


def _entries(kept: Store, image: Image) -> Blob:
    name = image.name.rpartition("/")[2].replace(":", "_")
    note = _note(name, entries.key(image.entries))
    if blob := _known(kept, note):
        return blob
    with kept.writing() as file:
        entries.write(image.entries, file)
        file.flush()
        return _noted(note, kept.adopt(Path(file.name)))


def _note(name: str, key: str) -> Path:
    return cache.folder() / "layers" / f"{name}-{key}"


def _known(kept: Store, note: Path) -> Blob | None:
    try:
        blob = Blob(**json.loads(note.read_text()))
    except FileNotFoundError:
        return None
    return blob if kept.blob(blob.digest).exists() else None


def _noted(note: Path, blob: Blob) -> Blob:
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(asdict(blob)))
    cache.forget_others(note)
    return blob


def _uv() -> Path:
    """The installer that fills the images' Python environments: the user's own, or one in the cache."""
    if found := shutil.which("uv"):
        return Path(found)
    home = cache.folder() / "bin" / f"uv-{cache.key(UV)}"
    if not home.exists():
        run([*module_command("pip"), "install", "-q", "--no-deps", "--target", home, UV])
    if not (home / "bin/uv").exists():
        raise ClusterError("uv is missing, and pip did not bring it", hint="pip install uv")
    return home / "bin/uv"
