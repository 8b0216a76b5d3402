"""What Git knows about the files of a repo without reading them."""

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.core.errors import GitFailed
from bootstrap.gitrepo import repository
from bootstrap.gitrepo.object_ids import FILE

# Entries as `git ls-files -v --stage --others -z` shows them: a file that Git tracks; one that it was told not to look
# at; one that it does not track, or a nested repository with a slash at its end.
_TRACKED = r"[A-Za-z] (?P<mode>[0-7]{6}) [0-9a-f]{40,64} [0-3]\t"
_UNSEEN = re.compile(r"\0[a-zS] [0-7]{6} [0-9a-f]{40,64} [0-3]\t([^\0]+)")
_UNTRACKED = re.compile(r"\0\? ([^\0]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Which of the files that were looked at differ from HEAD's, untracked ones included, or are hidden from Git."""

    altered: frozenset[str]
    listed: Callable[[], str] = field(repr=False)

    def known(self, parts: Iterable[str]) -> dict[str, str]:
        """The files below these parts that Git tracks or would take, each with its mode."""
        names = "|".join(map(re.escape, parts))
        entry = re.compile(rf"\0(?:\? |{_TRACKED})(?P<path>(?:{names})(?:/[^\0]*)?)(?=\0)")
        return {each["path"]: each["mode"] or FILE for each in entry.finditer(self.listed())} if names else {}


def entries(top: Path, commit: str, *folders: str) -> dict[str, str]:
    """What the top folder and these ones hold at a commit: the id of each entry. Nothing, where there is no commit."""
    found: dict[str, str] = {}
    try:
        for names in ((), *((f"{folder}/",) for folder in folders)):
            for entry in _items(repository.run(top, "ls-tree", "-z", commit, "--", *names)):
                facts, _, path = entry.partition("\t")
                found[path] = facts.split()[2]
    except GitFailed:
        return {}
    return found


@dataclass(frozen=True, slots=True)
class Entry:
    """A file at a commit: its mode, its id, its size in bytes (0 for a submodule)."""

    mode: str
    id: str
    size: int


def blobs(top: Path, commit: str, *parts: str) -> dict[str, Entry]:
    """Every file of these parts of the repo at a commit."""
    found: dict[str, Entry] = {}
    for entry in _items(repository.run(top, "ls-tree", "-r", "-l", "-z", commit, "--", *parts)):
        facts, _, path = entry.partition("\t")
        mode, _, name, size = facts.split()
        found[path] = Entry(mode, name, int(size) if size.isdigit() else 0)
    return found


def look(top: Path, *paths: str) -> Look:
    """Look at the files below these paths, or at all. Nothing is written, not even Git's index."""
    with ThreadPoolExecutor() as pool:  # a look at many files takes Git a while
        # Of untracked files, only a status knows where to look again, if the user has Git keep that (untracked cache).
        status = pool.submit(_status, top, paths)
        listed = pool.submit(_listed, top, paths, "--stage")
        prefix = pool.submit(repository.run, top, "rev-parse", "--show-prefix")
    items, tracked = status.result(), listed.result()
    untracked = _untracked(top, prefix.result(), [item[3:] for item in items if item.startswith("??")], paths)
    # The status tells paths from the top of the repository; a nested repository has a slash at its end.
    found = {item[3:].removeprefix(prefix.result()) for item in items if not item.startswith("??")}
    found |= {path.rstrip("/") for path in _UNTRACKED.findall(untracked)} | {*_UNSEEN.findall(tracked)}
    return Look(altered=frozenset(found), listed=lambda: tracked + untracked)


def altered(top: Path, *paths: str) -> frozenset[str]:
    """The files below these paths that differ from HEAD's, untracked ones included, or that Git does not look at."""
    return look(top, *paths).altered


def known(top: Path, part: str) -> dict[str, str]:
    """The files of a part that Git tracks or would take, each with its mode."""
    return Look(altered=frozenset(), listed=lambda: _listed(top, [part], "--stage", "--others")).known([part])


def fork(top: Path, reference: str) -> str:
    """The commit where HEAD's history left that of another one; the other one itself, where that is not known.

    Raises BadOption where there is none of this name.
    """
    commit = repository.Repository(top).commit_of(reference)
    try:
        return repository.run(top, "merge-base", commit, "HEAD")
    except GitFailed:  # a shallow clone, or histories that have nothing in common
        return commit


def _status(top: Path, paths: Sequence[str]) -> list[str]:
    shape = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal")
    return _items(repository.run(top, "--no-optional-locks", "status", *shape, "--", *paths))


def _untracked(top: Path, prefix: str, told: list[str], paths: Sequence[str]) -> str:
    """Entries of what a status calls untracked: each file, where that names their folder alone."""
    if any(prefix.startswith(each) for each in told):  # a folder that holds all of `top`
        return _listed(top, paths, "--others")
    own = [each.removeprefix(prefix) for each in told if each.startswith(prefix)]
    files = "".join(f"? {each}\0" for each in own if not each.endswith("/"))
    folders = [each for each in own if each.endswith("/")]
    return f"\0{files}" + (_listed(top, folders, "--others") if folders else "")


def _listed(top: Path, paths: Sequence[str], *kinds: str) -> str:
    """Entries of these kinds below these paths, or of all, each with a NUL before and behind it."""
    shape = ("-v", "-z", "--exclude-standard", *kinds)
    return "\0" + repository.run(top, "ls-files", *shape, "--", *paths, large_output=True)


def _items(text: str) -> list[str]:
    return [item for item in text.split("\0") if item]
