"""Layers that are made inside a Debian: what to install, as data, so that their key follows from what they say."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cache

ROOTFS = Path(__file__).resolve().parent / "rootfs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A Python virtual environment inside the image."""

    path: str
    requirements: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One layer. `under` None is a Debian from debootstrap; the steps run in the order of the fields."""

    name: str
    under: "Recipe | None" = None
    before: tuple[tuple[str, ...], ...] = ()
    packages: tuple[str, ...] = ()
    environment: Environment | None = None
    # A folder under rootfs/, copied over the image's root.
    files: str = ""
    after: tuple[tuple[str, ...], ...] = ()
    # Glob patterns of what no container reads, beyond what every layer drops.
    dropped: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Changes with anything that this layer, or one under it, says."""
        said = [self.name, repr((self.before, self.packages, self.environment, self.after, self.dropped))]
        below = [self.under.key] if self.under else []
        return cache.key(*below, *said, *(f"{target}\n".encode() + path.read_bytes() for target, path in self.copied()))

    @property
    def stack(self) -> tuple["Recipe", ...]:
        """The layers of an image that ends with this one, lowest first."""
        return (*(self.under.stack if self.under else ()), self)

    def copied(self) -> Iterator[tuple[str, Path]]:
        """(path in the image, file here) of what `files` names."""
        root = ROOTFS / self.files
        for path in sorted(root.rglob("*")) if self.files else ():
            if path.is_file():
                yield str(path.relative_to(root)), path
