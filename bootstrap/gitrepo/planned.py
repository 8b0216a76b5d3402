"""Planned commit: the tree of a commit with a change set applied, which is not in Git yet."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bootstrap.config.parts import part_of
from bootstrap.core.changeset import ChangeSet
from bootstrap.gitrepo.object_ids import FILE, Blob, object_id
from bootstrap.gitrepo.snapshot import Commit, PartFiles, written_out


@dataclass(frozen=True, kw_only=True)
class PlannedCommit:
    """The Snapshot of the commit that a change would make. (No slots: it caches.)

    Its parts have the object ids that Git will give them, so what is built now is in the cache later.
    """

    before: Commit
    changes: ChangeSet

    @property
    def name(self) -> str:
        """See Snapshot."""
        return f"{self.before.name} {self.changes.digest}"

    def object_id(self, part: str) -> str | None:
        """See Snapshot."""
        return self._changed[part].object_id if part in self._changed else self.before.object_id(part)

    def read(self, parts: Iterable[str]) -> dict[str, PartFiles]:
        """See Snapshot."""
        return {part: self._changed.get(part, before) for part, before in self.before.read(parts).items()}

    def folder(self, parts: Iterable[str]) -> AbstractContextManager[Path]:
        """See Snapshot."""
        return written_out(self, parts)

    def is_unchanged(self, readings: Iterable[PartFiles]) -> bool:  # noqa: ARG002
        """See Snapshot: nothing of it is on disk."""
        return True

    @cached_property
    def _changed(self) -> Mapping[str, PartFiles]:
        parts = {part for path in self.changes.paths if (part := part_of(path))}
        return {part: self._apply(part, before) for part, before in self.before.read(sorted(parts)).items()}

    def _apply(self, part: str, before: PartFiles) -> PartFiles:
        own = ChangeSet(
            writes={path: data for path, data in self.changes.writes.items() if part_of(path) == part},
            deletes=self.changes.deletes,
        )
        tree = own.apply(before.tree)
        # Where a file is executable, the commit will have another id, and the cached entry is never used.
        blobs = {path: Blob(FILE, data) for path, data in tree.files.items()}
        known = None if before.problems else object_id(part, blobs, like=before.object_id or "")
        return PartFiles(tree=tree, object_id=known, problems=before.problems)
