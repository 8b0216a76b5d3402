"""Tree: files as plain data, which planners read and return."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tree(Mapping[str, bytes]):
    """Files by their POSIX path, relative to the tree's root. A path that leaves the root raises ValueError."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in self.files:
            if not path or path.startswith("/") or ".." in path.split("/"):
                raise ValueError(f"{path!r} leaves the tree")

    def __getitem__(self, path: str) -> bytes:
        return self.files[path]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self.files))

    def __len__(self) -> int:
        return len(self.files)

    def under(self, folder: str) -> "Tree":
        """The files below a folder, with paths relative to it."""
        prefix = folder.rstrip("/") + "/"
        return Tree({path.removeprefix(prefix): data for path, data in self.files.items() if path.startswith(prefix)})

    def at(self, folder: str) -> "Tree":
        """The same files, moved below a folder."""
        return Tree({f"{folder.rstrip('/')}/{path}": data for path, data in self.files.items()})

    @classmethod
    def union(cls, trees: Iterable["Tree"]) -> "Tree":
        """All files of all trees. Raises ValueError where two of them have the same path."""
        files: dict[str, bytes] = {}
        for tree in trees:
            if clash := files.keys() & tree.files.keys():
                raise ValueError(f"planned twice: {sorted(clash)}")
            files |= tree.files
        return cls(files)
