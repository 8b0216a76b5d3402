"""A planned commit: the tree of a commit with a change set applied, which is not in Git yet."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bootstrap.config.parts import part_of
from bootstrap.core.changeset import ChangeSet
from bootstrap.gitrepo.object_ids import FILE, Blob, identity
from bootstrap.gitrepo.snapshot import Commit, Reading, written


@dataclass(frozen=True, kw_only=True)
class PlannedCommit:
    """A Snapshot of the commit that the change would make. (No slots: it caches.)

    Its parts have the object ids that Git will give them, so that the cache knows later what is built now.
    """

    before: Commit
    changes: ChangeSet

    @property
    def name(self) -> str:
        """See Snapshot."""
        return f"{self.before.name} {self.changes.digest}"

    def identity(self, part: str) -> str | None:
        """See Snapshot."""
        return self._changed[part].identity if part in self._changed else self.before.identity(part)

    def read(self, parts: Iterable[str]) -> dict[str, Reading]:
        """See Snapshot."""
        return {part: self._changed.get(part, each) for part, each in self.before.read(parts).items()}

    def folder(self, parts: Iterable[str]) -> AbstractContextManager[Path]:
        """See Snapshot."""
        return written(self, parts)

    def is_as(self, readings: Iterable[Reading]) -> bool:  # noqa: ARG002
        """See Snapshot: nothing of it is on disk."""
        return True

    @cached_property
    def _changed(self) -> Mapping[str, Reading]:
        parts = {part for path in self.changes.paths if (part := part_of(path))}
        return {part: self._apply(part, each) for part, each in self.before.read(sorted(parts)).items()}

    def _apply(self, part: str, before: Reading) -> Reading:
        own = ChangeSet(
            writes={path: data for path, data in self.changes.writes.items() if part_of(path) == part},
            deletes=self.changes.deletes,
        )
        tree = own.apply(before.tree)
        # Where a file is executable, no commit will have this id: what is kept under it is only never found.
        blobs = {path: Blob(FILE, data) for path, data in tree.files.items()}
        known = None if before.problems else identity(part, blobs, like=before.identity or "")
        return Reading(tree=tree, identity=known, problems=before.problems)
