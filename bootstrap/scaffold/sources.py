"""Files of the taxiway installation: the scaffold, the requirements lock, and the content of its wheel."""

from importlib import metadata
from pathlib import Path

from bootstrap import __version__
from bootstrap.core.errors import DiskFailed
from bootstrap.core.tree import Tree

_FOLDERS = ("base", "overlays")
_SCAFFOLD = "_scaffold"
_METADATA = ("METADATA", "entry_points.txt", "licenses/LICENSE")


def folder() -> Path:
    """The folder that holds `base/` and `overlays/`: inside an installed wheel, or the top of a checkout."""
    here = Path(__file__).resolve().parents[1]
    packaged = here / _SCAFFOLD
    return packaged if packaged.is_dir() else here.parent


def load() -> Tree:
    """Every file of the scaffold. Raises DiskFailed where the installation lacks it."""
    top = folder()
    files = Tree.union(_files(top / name).at(name) for name in _FOLDERS)
    if not files:
        raise DiskFailed(f"the scaffold is missing from {top}", hint="install taxiway again")
    return files


def lock() -> bytes:
    """The pip requirements of taxiway, versions with hashes; `make lock` writes them."""
    return (Path(__file__).resolve().parents[1] / "data" / "requirements.txt").read_bytes()


def package() -> Tree:
    """The files of a wheel of this installation, without RECORD and WHEEL; the same from a checkout and from a wheel.

    Raises DiskFailed where taxiway is not installed, or installed in another version than the running one.
    """
    here = Path(__file__).resolve().parents[1]
    own = {path: data for path, data in _files(here).items() if not path.startswith(f"{_SCAFFOLD}/")}
    return Tree.union(
        (
            Tree(own).at(here.name),
            load().at(f"{here.name}/{_SCAFFOLD}"),
            _metadata().at(f"taxiway-{__version__}.dist-info"),
        )
    )


def _metadata() -> Tree:
    try:
        installed = metadata.distribution("taxiway")
    except metadata.PackageNotFoundError:
        raise DiskFailed("taxiway runs without being installed", hint="pip install . in its checkout") from None
    texts = {name: installed.read_text(name) for name in _METADATA}
    if installed.version != __version__ or None in texts.values():
        raise DiskFailed(
            f"taxiway {__version__} is installed as {installed.version}, or not as a whole",
            hint="install it again: pip install . in its checkout",
        )
    return Tree({name: text.encode() for name, text in texts.items() if text is not None})


def _files(top: Path) -> Tree:
    """The files below a folder, without Python's bytecode caches."""
    return Tree(
        {
            path.relative_to(top).as_posix(): path.read_bytes()
            for path in sorted(top.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
    )
