"""What Git knows about the files of a repo without reading them."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bootstrap import git
from bootstrap.errors import GitFailed

# An entry as `git ls-files --stage` shows it, and one that Git was told not to look at, as `-v` shows it.
_STAGED = re.compile(r"(?P<mode>[0-7]{6}) [0-9a-f]{40,64} [0-3]\t(?P<path>.*)", re.DOTALL)
_UNSEEN = re.compile(r"\0[a-zS] ([^\0]+)")


def entries(top: Path, commit: str, *folders: str) -> dict[str, str]:
    """What the top folder and these ones hold at a commit: the id of each entry. Nothing, where there is no commit."""
    found: dict[str, str] = {}
    try:
        for names in ((), *((f"{folder}/",) for folder in folders)):
            for entry in _items(git.run(top, "ls-tree", "-z", commit, "--", *names)):
                facts, _, path = entry.partition("\t")
                found[path] = facts.split()[2]
    except GitFailed:
        return {}
    return found


def blobs(top: Path, commit: str, *parts: str) -> dict[str, tuple[str, str]]:
    """Every file of these parts of the repo at a commit, with its mode and its id."""
    lines = (entry.partition("\t") for entry in _items(git.run(top, "ls-tree", "-r", "-z", commit, "--", *parts)))
    return {path: (facts.split()[0], facts.split()[2]) for facts, _, path in lines}


def altered(top: Path, *paths: str) -> set[str]:
    """The files below these paths that differ from HEAD's, untracked ones included, or that Git does not look at.

    Nothing is written, not even Git's index.
    """
    shape = ("--porcelain=v1", "-z", "--no-renames", "--untracked-files=no")
    with ThreadPoolExecutor() as pool:  # a look at many files takes Git a while: half of it at a time
        status = pool.submit(git.run, top, "--no-optional-locks", "status", *shape, "--", *paths)
        untracked = pool.submit(git.run, top, "ls-files", "-z", "--others", "--exclude-standard", "--", *paths)
        flagged = pool.submit(git.run, top, "ls-files", "-v", "-z", "--", *paths)
        prefix = pool.submit(git.run, top, "rev-parse", "--show-prefix")
    # The status tells paths from the top of the repository; a nested repository has a slash at its end.
    found = {entry[3:].removeprefix(prefix.result()).rstrip("/") for entry in _items(status.result())}
    found |= {entry.rstrip("/") for entry in _items(untracked.result())}
    # After `git update-index --assume-unchanged` or `--skip-worktree`, Git says "unchanged" without a look.
    return found | set(_UNSEEN.findall("\0" + flagged.result()))


def known(top: Path, *paths: str) -> dict[str, str]:
    """The files below these paths that Git tracks or would take, each with its mode."""
    shape = ("-z", "--cached", "--stage", "--others", "--exclude-standard")
    found: dict[str, str] = {}
    for entry in _items(git.run(top, "ls-files", *shape, "--", *paths)):
        match = _STAGED.fullmatch(entry)
        found[match["path"] if match else entry] = match["mode"] if match else "100644"
    return found


def fork(top: Path, commit: str) -> str:
    """The commit where HEAD's history left that of another one; the other one itself, where that is not known."""
    try:
        return git.run(top, "merge-base", commit, "HEAD")
    except GitFailed:  # a shallow clone, or histories that have nothing in common
        return commit


def _items(text: str) -> list[str]:
    return [item for item in text.split("\0") if item]
