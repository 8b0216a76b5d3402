"""The scaffold: the Kustomize sources that this project ships."""

from pathlib import Path

from bootstrap.errors import DiskFailed
from bootstrap.tree import Tree

_FOLDERS = ("base", "overlays")


def folder() -> Path:
    """Where `base/` and `overlays/` are: inside an installed wheel, or at the top of a checkout."""
    here = Path(__file__).resolve().parent
    packaged = here / "_scaffold"
    return packaged if packaged.is_dir() else here.parent


def load() -> Tree:
    """Every file of the scaffold. Raises DiskFailed where the installation lacks it."""
    top = folder()
    files = {
        path.relative_to(top).as_posix(): path.read_bytes()
        for name in _FOLDERS
        for path in sorted((top / name).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    if not files:
        raise DiskFailed(f"the scaffold is missing from {top}", hint="install taxiway again")
    return Tree(files)
