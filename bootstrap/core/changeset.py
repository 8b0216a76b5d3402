"""Change sets: the files that a plan writes and deletes in a repository."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from bootstrap.core.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """Files to write, with their new bytes, and files to delete. Falsy when empty."""

    writes: Mapping[str, bytes] = field(default_factory=dict)
    deletes: frozenset[str] = frozenset()

    @classmethod
    def between(cls, before: Tree, after: Tree) -> "ChangeSet":
        """The changes that turn one tree into another."""
        return cls(
            writes={path: data for path, data in after.items() if before.files.get(path) != data},
            deletes=frozenset(before.keys() - after.keys()),
        )

    def __bool__(self) -> bool:
        return bool(self.writes or self.deletes)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is written or deleted, sorted."""
        return tuple(sorted({*self.writes, *self.deletes}))

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of a hash of all paths and contents: equal for equal changes."""
        total = hashlib.sha256()
        for path in self.paths:
            data = self.writes.get(path)
            content = "deleted" if data is None else hashlib.sha256(data).hexdigest()
            total.update(f"{path}\0{content}\0".encode())
        return total.hexdigest()[:12]

    def apply(self, tree: Tree) -> Tree:
        """The tree after the changes."""
        kept = {path: data for path, data in tree.files.items() if path not in self.deletes}
        return Tree({**kept, **self.writes})
