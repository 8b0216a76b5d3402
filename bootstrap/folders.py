"""Whether anything came or went in the folders of a work tree, told by their times, without reading them again."""

import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_IGNORE = ".gitignore"
_MOST = 50_000  # to look at more takes longer than Git takes, which passes over those that it ignores
_SETTLED = 2 * 10**9  # nanoseconds after which another change has another time for sure
# File systems that give a folder another time as soon as something comes or goes in it, and tell everybody at once.
_PROMPT = {"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "tmpfs", "xfs", "zfs"}
_MOUNTS = Path("/proc/self/mountinfo")  # of Linux; other systems have none, and none of these file systems
_MOUNT = re.compile(r"(?m)^\S+ \S+ \S+ \S+ (\S+) .* - (\S+) ")


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of a work tree but Git's own, and the files that tell Git what to ignore, each with its time.

    Those `inside` are named from the top of the work tree, which is `.`, those `outside` by their whole path. The time
    is that of the last change of any kind, in nanoseconds since 1970; 0 for a file outside that is not there.
    """

    inside: Mapping[str, int]
    outside: Mapping[str, int]

    @classmethod
    def look(cls, top: Path, outside: Iterable[Path], before: "Folders | None" = None) -> "Folders | None":
        """As they are now; what is as `before` is not read again. None where their times would not tell."""
        if not _prompt(top):
            return None
        around = {str(each): _time(each) for each in outside}
        try:
            if before and _same(top, before.inside):
                return cls(before.inside, around)
            found = _walk(top, before.inside if before else {})
            return cls(found, around) if found else None
        except OSError:  # a folder that may not be read, or that goes at this moment
            return None

    def stirred(self, before: "Folders") -> set[str] | None:
        """The folders where something came or went since `before`; None where it may be in any of them."""
        if self.outside != before.outside:
            return None
        if self.inside is before.inside:
            return set()
        # A folder that came or went itself did so in another one.
        names = (name for name, time in self.inside.items() if before.inside.get(name, time) != time)
        return {name.removesuffix(f"/{_IGNORE}") for name in names}

    def settled(self, now: int) -> bool:
        """Whether all that changes from `now` on, in nanoseconds since 1970, gets another time than it has here."""
        return all(each < now - _SETTLED for each in (*self.inside.values(), *self.outside.values()))


def _same(top: Path, times: Mapping[str, int]) -> bool:
    # Where a link or another folder takes a folder's place, the one that holds it gets another time.
    return all(os.stat(f"{top}/{name}").st_ctime_ns == time for name, time in times.items())  # noqa: PTH116  (thousands)


def _walk(top: Path, before: Mapping[str, int]) -> dict[str, int]:
    """The time of each. Nothing, where there are too many, or where another file system is mounted among them."""
    held: dict[str, list[str]] = {}
    for name in before:
        held.setdefault(name.rpartition("/")[0], []).append(name)
    device, times, left = top.stat().st_dev, dict[str, int](), ["."]
    while left:
        name = left.pop()
        facts = os.stat(f"{top}/{name}")  # noqa: PTH116  (thousands)
        times[name] = facts.st_ctime_ns
        if stat.S_ISDIR(facts.st_mode):
            if facts.st_dev != device or len(times) > _MOST:
                return {}
            left += held.get(name, ()) if before.get(name) == facts.st_ctime_ns else _read(top, name)
    return times


def _read(top: Path, folder: str) -> list[str]:
    """What of it is in a folder."""
    with os.scandir(f"{top}/{folder}") as entries:
        return [
            f"{folder}/{each.name}"
            for each in entries
            if each.name == _IGNORE or (each.name != ".git" and each.is_dir(follow_symlinks=False))
        ]


def _time(path: Path) -> int:
    try:
        return path.stat().st_ctime_ns
    except OSError:
        return 0


def _prompt(top: Path) -> bool:
    """Whether the file system of a folder can be relied on."""
    try:
        mounts = _MOUNT.findall(_MOUNTS.read_text(errors="surrogateescape"))
    except OSError:
        return False
    kinds = {re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), place): kind for place, kind in mounts}
    near = next((kinds[str(each)] for each in (top, *top.parents) if str(each) in kinds), "")
    return near in _PROMPT
