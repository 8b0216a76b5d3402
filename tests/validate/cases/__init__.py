"""The corpus: environment repos that are broken by one edit each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from bootstrap.core.tree import Tree

Edit = Callable[[dict[str, bytes]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A fresh environment repo after one mistake, and what `validate` must say of it: this, and nothing else.

    `at` is the file and a piece of the line that must be reported, which stands once in it; none means line 1.
    The mistake is looked for in `environment` alone, unless that is empty. `links` are symbolic links, each with where
    it leads, `pipe` is a FIFO.
    """

    name: str
    rule: str
    at: tuple[str, str]
    edits: tuple[Edit, ...] = ()
    environment: str = "dev"
    links: Mapping[str, str] = field(default_factory=dict)
    pipe: str = ""


def replace(path: str, old: str, new: str) -> Edit:
    """Change text that stands once in a file."""

    def edit(files: dict[str, bytes]) -> None:
        assert files[path].count(old.encode()) == 1, f"{old!r} stands {files[path].count(old.encode())} times in {path}"
        files[path] = files[path].replace(old.encode(), new.encode())

    return edit


def write(path: str, text: str) -> Edit:
    """Write a new file."""

    def edit(files: dict[str, bytes]) -> None:
        assert path not in files
        files[path] = text.encode()

    return edit


def append(path: str, text: str) -> Edit:
    """Add text at the end of a file."""

    def edit(files: dict[str, bytes]) -> None:
        files[path] += text.encode()

    return edit


def remove(path: str) -> Edit:
    """Remove a file."""

    def edit(files: dict[str, bytes]) -> None:
        del files[path]

    return edit


def next_release() -> Edit:
    """The Jobs under a new name: they could not change under the old one."""
    return replace("overlays/dev/release/release.env", "RELEASE=3-3-2", "RELEASE=3-3-2-b")


def line_of(tree: Tree, path: str, piece: str) -> int:
    """The number of the one line of a file that holds a piece of text; 1 for no piece."""
    if not piece:
        return 1
    hits = [number for number, line in enumerate(tree[path].decode().splitlines(), 1) if piece in line]
    assert len(hits) == 1, f"{piece!r} stands on {len(hits)} lines of {PurePosixPath(path)}"
    return hits[0]
