"""A state of an environment repo that is not there yet: a commit with a change made to it."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap import workspace
from bootstrap.changes import ChangeSet
from bootstrap.fingerprint import FILE, OVERLAYS, Blob, identity, part_of
from bootstrap.snapshot import Commit, Reading
from bootstrap.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """A Snapshot of what a commit of the change would hold, so that what it renders to is known once it is made."""

    before: Commit
    changes: ChangeSet

    def parts(self) -> list[str]:
        """See Snapshot."""
        names = {*self.before.parts(), *(path.partition("/")[0] for path in self.changes.writes)} - {OVERLAYS}
        return sorted(name for name in names if self.identity(name) != "")

    def identity(self, part: str) -> str | None:
        """See Snapshot."""
        return self.read([part])[part].identity if self._changes(part) else self.before.identity(part)

    def read(self, parts: Iterable[str]) -> dict[str, Reading]:
        """See Snapshot."""
        held = self.before.read(parts)
        return {part: self._changed(part, each) if self._changes(part) else each for part, each in held.items()}

    @contextlib.contextmanager
    def folder(self, parts: Iterable[str]) -> Iterator[Path]:
        """See Snapshot."""
        with workspace.scratch(Tree.union(each.tree for each in self.read(parts).values())) as folder:
            yield folder

    def is_as(self, readings: Iterable[Reading]) -> bool:  # noqa: ARG002
        """See Snapshot: nothing of it is on disk."""
        return True

    def _changes(self, part: str) -> bool:
        return any(part_of(path) == part for path in self.changes.paths)

    def _changed(self, part: str, before: Reading) -> Reading:
        own = ChangeSet(
            writes={path: data for path, data in self.changes.writes.items() if part_of(path) == part},
            deletes=self.changes.deletes,
        )
        tree = own.apply(before.tree)
        # The id of a part with an executable file would be another one: then nothing is remembered.
        blobs = {path: Blob(FILE, data) for path, data in tree.files.items()}
        return Reading(tree=tree, identity=identity(part, blobs, like=before.identity or ""))
