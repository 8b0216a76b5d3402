"""What a remote says: which branches it has, and why it did not take or give something."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from bootstrap.core.errors import GitFailed, TaxiwayError
from bootstrap.gitrepo import repository


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


def heads(top: Path, remote: str, *patterns: str) -> Mapping[str, str]:
    """The remote's branches that match, each with its commit. Raises PushRefused where the remote does not answer."""
    with answered(f"{remote} can't be read"):
        listed = repository.run(top, "ls-remote", "--heads", remote, *(f"refs/heads/{each}" for each in patterns))
    pairs = (line.split("\t") for line in listed.splitlines() if "\t" in line)
    return {name.removeprefix("refs/heads/"): commit for commit, name in pairs}


@contextlib.contextmanager
def answered(what: str) -> Iterator[None]:
    """Raise PushRefused, which says what it was and why, where Git fails in the `with`."""
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
