"""What a plan does to the files of a repository."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from bootstrap.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """Files to write, with their new bytes, and files to delete. It is false where there is nothing to do."""

    writes: Mapping[str, bytes] = field(default_factory=dict)
    deletes: frozenset[str] = frozenset()

    @classmethod
    def between(cls, before: Tree, after: Tree) -> "ChangeSet":
        """What makes the one tree the other."""
        return cls(
            writes={path: data for path, data in after.items() if before.files.get(path) != data},
            deletes=frozenset(before.keys() - after.keys()),
        )

    def __bool__(self) -> bool:
        return bool(self.writes or self.deletes)

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file that changes."""
        return tuple(sorted({*self.writes, *self.deletes}))

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits that follow from the content alone: the same changes have the same ones."""
        whole = hashlib.sha256()
        for path in self.paths:
            data = self.writes.get(path)
            content = "deleted" if data is None else hashlib.sha256(data).hexdigest()
            whole.update(f"{path}\0{content}\0".encode())
        return whole.hexdigest()[:12]

    def apply(self, tree: Tree) -> Tree:
        """The tree with the changes made."""
        kept = {path: data for path, data in tree.files.items() if path not in self.deletes}
        return Tree({**kept, **self.writes})
