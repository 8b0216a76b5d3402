"""What Git does not track in a work tree, remembered for as long as nothing came or went in any of its folders.

Git reads every folder to find it, which takes longer than all else that it looks at. It can keep in its index what it
found (core.untrackedCache); but the index is the user's, and so is the choice.
"""

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bootstrap.folders import Folders
from bootstrap.gitrepo import object_ids, repository
from bootstrap.system.cache import Cache

_LAYOUT = "1"  # of what is kept in the cache
_FEW = 100  # folders at which Git looks one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The index and the folders as they are, `since` a time before (nanoseconds since 1970)."""

    since: int
    index: str
    folders: Folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What Git does not track, a nested repository with a slash at its end, and what it was told not to look at."""

    untracked: Sequence[str]
    hidden: Sequence[str]

    def renewed(self, folders: Iterable[str], untracked: Iterable[str]) -> "Known":
        """The same, but for what Git does not track in these folders now."""
        inside = tuple(f"{folder}/" for folder in folders)
        return replace(self, untracked=[*(path for path in self.untracked if not path.startswith(inside)), *untracked])


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What there is now, and what is known of it, if anything: but for these folders, where Git has to look again."""

    seen: Seen
    known: Known | None = None
    stale: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered of a work tree, by its top folder. To `begin` takes a look into each folder, once."""

    top: Path
    cache: Cache
    begin: bool = False

    def serves(self) -> bool:
        """Whether anything is remembered, or is to be from now on."""
        return self.begin or self.cache.has(self._key())

    def recall(self) -> Recalled | None:
        """What is remembered that still holds; None where it can't be told whether anything came or went."""
        since, git = time.time_ns(), repository.Repository(self.top).tracking()
        if git is None:
            return None
        before, known = self._kept()
        index, outside = git
        folders = Folders.look(self.top, outside, before.folders if before else None)
        if folders is None:
            return None
        seen = Seen(since=since, index=index, folders=folders)
        stale = folders.stirred(before.folders) if before and before.index == index else None
        if stale is None or len(stale) > _FEW or "." in stale:
            return Recalled(seen=seen)
        return Recalled(seen=seen, known=known, stale=tuple(each.removeprefix("./") for each in sorted(stale)))

    def keep(self, seen: Seen, known: Known) -> None:
        """Remember what was known after this was seen, if any change since then would show."""
        if seen.folders.settled(seen.since):
            self.cache.put(self._key(), json.dumps([asdict(seen), asdict(known)]).encode())

    def _kept(self) -> tuple[Seen | None, Known | None]:
        held = self.cache.get(self._key())
        try:
            seen, known = json.loads(held or b"")
            return Seen(**{**seen, "folders": Folders(**seen["folders"])}), Known(**known)
        except (ValueError, KeyError, TypeError):  # nothing, or of a program that was made differently
            return None, None

    def _key(self) -> str:
        return object_ids.key("untracked", _LAYOUT, str(self.top))
