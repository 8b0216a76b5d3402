"""Commits that never touch the user's checkout: made in a temporary worktree, pushed to a branch of their own."""

import contextlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path, PurePosixPath

from bootstrap import git, workspace
from bootstrap.changes import ChangeSet
from bootstrap.errors import GitFailed, TaxiwayError
from bootstrap.result import Progress

_ATTEMPTS = 3
_PAUSE = 2.0  # seconds before a push is tried again; doubled each time
# Only the named folders are checked out, and stand in the index, however many environments there are: what
# `git sparse-checkout set --cone --sparse-index` would write, by its files.
_SPARSE = {"core.sparseCheckout": "true", "core.sparseCheckoutCone": "true", "index.sparse": "true"}


class Reason(StrEnum):
    """Why a remote did not take a push."""

    MOVED = "moved"
    PROTECTED = "protected"
    DENIED = "denied"
    NETWORK = "network"
    HOOK = "hook"
    OTHER = "other"


class PushRefused(GitFailed):
    """A push that came to nothing; the remote is as it was."""

    def __init__(self, message: str, *, reason: Reason, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


# What git and the forges say, in the C locale; the first that matches wins.
_SAID = (
    (Reason.PROTECTED, re.compile(r"protected branch|GH006|GH013|not allowed to push code to protected", re.I)),
    (Reason.HOOK, re.compile(r"pre-receive hook declined|hook declined|update hook", re.I)),
    (
        Reason.MOVED,
        re.compile(r"stale info|fetch first|non-fast-forward|cannot lock ref|reference already exists", re.I),
    ),
    (
        Reason.DENIED,
        re.compile(
            r"permission denied|authentication failed|could not read (username|password)|error: 40[13]|"
            r"returned error: 40[134]|access denied|not permitted|unauthorized|repository .*not found|"
            r"does not appear to be a git repository|could not read from remote repository",
            re.I,
        ),
    ),
    (
        Reason.NETWORK,
        re.compile(
            r"could not resolve|connection (refused|timed out|reset)|timed out|unable to access|network is unreachable|"
            r"early eof|remote end hung up|ssl|certificate|proxy|returned error: 5\d\d",
            re.I,
        ),
    ),
)
_HINTS = {
    Reason.MOVED: "someone else pushed at the same moment: run the command again",
    Reason.PROTECTED: "allow the branches taxiway/* to be pushed, or ask someone who may",
    Reason.DENIED: "git push by hand shows whether this login may write to the repository",
    Reason.NETWORK: "run the command again once the remote answers; nothing was pushed",
    Reason.HOOK: "do what the hook asks for, and run the command again",
    Reason.OTHER: "git push by hand shows what the remote wants",
}


@contextlib.contextmanager
def worktree(top: Path, commit: str, folders: tuple[str, ...]) -> Iterator[Path]:
    """A temporary worktree at a commit, with these folders and every file at the top; gone when the `with` ends.

    What a killed run left of one is removed first. The user's checkout, index and stash are not touched.
    """
    home = git.Repository(top).folder() / "taxiway"
    home.mkdir(exist_ok=True)
    with workspace.alone(home, "worktree") as room:
        git.run(top, "worktree", "prune")
        folder = room / "tree"
        try:
            git.run(top, "worktree", "add", "--quiet", "--no-checkout", "--detach", str(folder), commit)
            own = Path(git.run(folder, "rev-parse", "--absolute-git-dir"))
            workspace.write_whole_over(own / "info" / "sparse-checkout", _cone(folders).encode())
            git.run(folder, "read-tree", "-mu", "HEAD", settings=_SPARSE)
            yield folder
        finally:
            workspace.remove(folder)
            git.run(top, "worktree", "prune")


def _cone(folders: Iterable[str]) -> str:
    """The patterns of a sparse checkout of these folders and the files beside and above them (git-sparse-checkout)."""
    parents = {str(parent) for each in folders for parent in PurePosixPath(each).parents} - {"."}
    lines = ["/*", "!/*/", *(line for each in sorted(parents) for line in (f"/{each}/", f"!/{each}/*/"))]
    return "\n".join([*lines, *(f"/{each}/" for each in sorted(folders)), ""])


def commit(folder: Path, changes: ChangeSet, message: str) -> str:
    """Write changes into a worktree and commit it, with the user's author, signing and hooks; the commit's id."""
    workspace.apply(folder, changes.writes, changes.deletes)
    git.run(folder, "add", "--all", "--force", "--", *changes.paths, settings=_SPARSE)
    git.run(folder, "commit", "--quiet", "--message", message, settings=_SPARSE)
    return git.run(folder, "rev-parse", "HEAD")


def remote_heads(top: Path, remote: str, *patterns: str) -> Mapping[str, str]:
    """The remote's branches that match, each with its commit. Raises PushRefused where the remote does not answer."""
    with _told(f"{remote} can't be read"):
        listed = git.run(top, "ls-remote", "--heads", remote, *(f"refs/heads/{each}" for each in patterns))
    pairs = (line.split("\t") for line in listed.splitlines() if "\t" in line)
    return {name.removeprefix("refs/heads/"): commit for commit, name in pairs}


def fetch(top: Path, remote: str, branch: str, known: str | None = None) -> str:
    """Get a branch of the remote, and return its commit. What is `known` to be its commit is not got again.

    Raises PushRefused where the remote does not answer.
    """
    if known and git.Repository(top).has(known):
        return known
    with _told(f"{remote} can't be fetched"):
        # Into a place of our own: FETCH_HEAD and the remote-tracking branches are the user's.
        ours = f"refs/taxiway/{branch}"
        git.run(top, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, f"+refs/heads/{branch}:{ours}")
    return git.run(top, "rev-parse", ours)


def push(top: Path, remote: str, commit: str, branch: str, expected: str | None, *, progress: Progress) -> None:
    """Make a remote branch point to a commit, unless someone else moved it: `expected` is where it stands now.

    A network that fails is tried again. Raises PushRefused, which says why; the remote is then as it was.
    """
    lease = f"--force-with-lease=refs/heads/{branch}:{expected or ''}"
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with progress(f"pushing {branch}"), _told(f"{branch} can't be pushed"):
                git.run(top, "push", "--quiet", "--no-follow-tags", lease, remote, f"{commit}:refs/heads/{branch}")
        except PushRefused as err:
            if err.reason is not Reason.NETWORK or attempt == _ATTEMPTS:
                raise
            with progress(f"the remote did not answer; trying again ({attempt + 1} of {_ATTEMPTS})"):
                time.sleep(_PAUSE * 2 ** (attempt - 1))
        else:
            return


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except PushRefused:
        raise
    except GitFailed as err:
        raise refused(what, err) from None


def refused(what: str, error: TaxiwayError) -> PushRefused:
    """A failure of Git at a remote, by its reason."""
    lines = [line.strip() for line in error.message.partition("failed: ")[2].splitlines()]
    hits = ((each, line) for each, pattern in _SAID for line in lines if pattern.search(line))
    reason, told = next(hits, (Reason.OTHER, lines[0] if lines else "no reason is given"))
    # A hook's own words stand above the line that says that it declined.
    words = [line for line in lines if line.startswith("remote: ") and line.removeprefix("remote: ").strip(" .:-=")]
    if reason is Reason.HOOK and words:
        told = words[0]
    told = re.sub(r"^(remote:\s*)?((error|fatal):\s*)?", "", told)
    return PushRefused(f"{what}: {without_login(told)}", reason=reason, hint=_HINTS[reason])


def without_login(text: str) -> str:
    """A text in which no URL carries a login."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)
