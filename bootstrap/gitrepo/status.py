"""File status: what Git knows about the files of a repo without taxiway reading them."""

import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bootstrap.core.errors import GitFailed
from bootstrap.gitrepo import repository
from bootstrap.gitrepo.command import git
from bootstrap.gitrepo.object_ids import FILE

# Entries of `git ls-files -v --stage --others -z`: a tracked file; one with the assume-unchanged or skip-worktree bit,
# whose changes Git does not see; an untracked file, or a nested repository with a slash at its end.
_TRACKED = r"[A-Za-z] (?P<mode>[0-7]{6}) [0-9a-f]{40,64} [0-3]\t"
_HIDDEN = re.compile(r"\0[a-zS] [0-7]{6} [0-9a-f]{40,64} [0-3]\t([^\0]+)")
_UNTRACKED = re.compile(r"\0\? ([^\0]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """The status of some files. `altered` ones differ from HEAD, are untracked, or have changes that Git does not see.

    `listed` are entries of `git ls-files`, each with a NUL before and behind it.
    """

    altered: frozenset[str]
    listed: str = field(repr=False)

    def files(self, parts: Iterable[str]) -> dict[str, str]:
        """The files below these parts that Git tracks or does not ignore, each with its mode."""
        names = "|".join(map(re.escape, parts))
        entry = re.compile(rf"\0(?:\? |{_TRACKED})(?P<path>(?:{names})(?:/[^\0]*)?)(?=\0)")
        return {match["path"]: match["mode"] or FILE for match in entry.finditer(self.listed)} if names else {}


def tree_entries(top: Path, commit: str, *folders: str) -> dict[str, str]:
    """The entries of the top folder and of `folders` at a commit, each with its object id; none without a commit."""
    ids: dict[str, str] = {}
    try:
        for names in ((), *((f"{folder}/",) for folder in folders)):
            for entry in _items(git(top, "ls-tree", "-z", commit, "--", *names)):
                facts, _, path = entry.partition("\t")
                ids[path] = facts.split()[2]
    except GitFailed:
        return {}
    return ids


@dataclass(frozen=True, slots=True)
class Entry:
    """A file at a commit: its mode, its object id, and its size in bytes (0 for a submodule)."""

    mode: str
    id: str
    size: int


def tree_files(top: Path, commit: str, *parts: str) -> dict[str, Entry]:
    """The files of these parts of the repo at a commit."""
    files: dict[str, Entry] = {}
    for entry in _items(git(top, "ls-tree", "-r", "-l", "-z", commit, "--", *parts)):
        facts, _, path = entry.partition("\t")
        mode, _, object_id, size = facts.split()
        files[path] = Entry(mode, object_id, int(size) if size.isdigit() else 0)
    return files


def file_status(top: Path, *paths: str) -> FileStatus:
    """The status of the files below these paths, or of all. Nothing is written, not even Git's index."""
    with ThreadPoolExecutor() as pool:  # with many files each of these takes Git a while
        # Untracked files come from `git status`, which alone uses Git's untracked cache where the user has one.
        status = pool.submit(_status, top, paths)
        listed = pool.submit(_listed, top, paths, "--stage")
        prefix = pool.submit(git, top, "rev-parse", "--show-prefix")
    items, tracked = status.result(), listed.result()
    untracked = _untracked(top, prefix.result(), [item[3:] for item in items if item.startswith("??")], paths)
    # `git status` gives paths from the top of the repository; a nested repository has a slash at its end.
    changed = {item[3:].removeprefix(prefix.result()) for item in items if not item.startswith("??")}
    changed |= {path.rstrip("/") for path in _UNTRACKED.findall(untracked)} | {*_HIDDEN.findall(tracked)}
    return FileStatus(altered=frozenset(changed), listed=tracked + untracked)


def altered(top: Path, *paths: str) -> frozenset[str]:
    """The files below these paths that differ from HEAD, are untracked, or have changes that Git does not see."""
    return file_status(top, *paths).altered


def listed_files(top: Path, part: str) -> dict[str, str]:
    """The files of a part that Git tracks or does not ignore, each with its mode."""
    return FileStatus(altered=frozenset(), listed=_listed(top, [part], "--stage", "--others")).files([part])


def merge_base(top: Path, reference: str) -> str:
    """The merge base of HEAD and a reference; the reference's own commit where there is none.

    Raises BadOption where there is no commit of this name.
    """
    commit = repository.Repository(top).commit_of(reference)
    try:
        return git(top, "merge-base", commit, "HEAD")
    except GitFailed:  # a shallow clone, or unrelated histories
        return commit


def _status(top: Path, paths: Sequence[str]) -> list[str]:
    shape = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=normal")
    return _items(git(top, "--no-optional-locks", "status", *shape, "--", *paths))


def _untracked(top: Path, prefix: str, untracked: list[str], paths: Sequence[str]) -> str:
    """Entries of untracked files. Of an untracked folder, `git status` gives the folder alone: its files are listed."""
    if any(prefix.startswith(path) for path in untracked):  # a folder around `top`
        return _listed(top, paths, "--others")
    below = [path.removeprefix(prefix) for path in untracked if path.startswith(prefix)]
    files = "".join(f"? {path}\0" for path in below if not path.endswith("/"))
    folders = [path for path in below if path.endswith("/")]
    return f"\0{files}" + (_listed(top, folders, "--others") if folders else "")


def _listed(top: Path, paths: Sequence[str], *kinds: str) -> str:
    """Entries of these kinds below these paths, or all, each with a NUL before and behind it."""
    shape = ("-v", "-z", "--exclude-standard", *kinds)
    return "\0" + git(top, "ls-files", *shape, "--", *paths, large_output=True)


def _items(text: str) -> list[str]:
    return [item for item in text.split("\0") if item]
