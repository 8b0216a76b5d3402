"""What Git does not track in a work tree, remembered for as long as nothing came or went in any of its folders.

Git reads every folder to find it, which takes longer than all else that it looks at. It can keep in its index what it
found (core.untrackedCache); but the index is the user's, and so is the choice.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bootstrap import fingerprint, plumbing
from bootstrap.cache import Cache
from bootstrap.folders import Folders

_LAYOUT = "1"  # of what is kept in the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The index and the folders as they are, `since` a time before (nanoseconds since 1970)."""

    since: int
    index: str
    folders: Folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What Git does not track, as entries of its list, and the files that it tracks and was told not to look at."""

    untracked: str
    hidden: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered of a work tree, by its top folder. To `begin` takes a look into each folder, once."""

    top: Path
    cache: Cache
    begin: bool = False

    def serves(self) -> bool:
        """Whether anything is remembered, or is to be from now on."""
        return self.begin or self.cache.has(self._key())

    def recall(self) -> tuple[Seen | None, Known | None]:
        """What is there now, and what is known of it; nothing where it can't be told whether anything came or went."""
        since, git = time.time_ns(), plumbing.Repository(self.top).tracking()
        if git is None:
            return None, None
        seen, known = self._kept()
        index, outside = git
        folders = Folders.look(self.top, outside, seen.folders if seen else None)
        if folders is None:
            return None, None
        same = seen is not None and (seen.index, seen.folders) == (index, folders)
        return Seen(since=since, index=index, folders=folders), known if same else None

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
        return fingerprint.key("untracked", _LAYOUT, str(self.top))
