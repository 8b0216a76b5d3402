"""Remotes: their branches, and the reasons why a `git push`, `git fetch` or `git ls-remote` failed."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from bootstrap.core.errors import GitFailed, TaxiwayError
from bootstrap.gitrepo.command import git


class Reason(StrEnum):
    """Reasons why a push failed."""

    MOVED = "moved"
    PROTECTED = "protected"
    DENIED = "denied"
    NETWORK = "network"
    HOOK = "hook"
    OTHER = "other"


class PushRefused(GitFailed):
    """A failed push or fetch, with its reason; the remote is unchanged."""

    def __init__(self, message: str, *, reason: Reason, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


# Messages of Git in the C locale, and of the forges; the first match wins.
_MESSAGES = (
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
    """The remote's branches that match, with their commits. Raises PushRefused where the remote does not answer."""
    with push_errors(f"{remote} can't be read"):
        listed = git(top, "ls-remote", "--heads", remote, *(f"refs/heads/{pattern}" for pattern in patterns))
    pairs = (line.split("\t") for line in listed.splitlines() if "\t" in line)
    return {name.removeprefix("refs/heads/"): commit for commit, name in pairs}


@contextlib.contextmanager
def push_errors(what: str) -> Iterator[None]:
    """Turn a GitFailed of the block into PushRefused, whose message begins with `what`."""
    try:
        yield
    except PushRefused:
        raise
    except GitFailed as err:
        raise push_refused(what, err) from None


def push_refused(what: str, error: TaxiwayError) -> PushRefused:
    """Classify a failed Git command by its stderr."""
    lines = [line.strip() for line in error.message.partition("failed: ")[2].splitlines()]
    matches = ((reason, line) for reason, pattern in _MESSAGES for line in lines if pattern.search(line))
    reason, message = next(matches, (Reason.OTHER, lines[0] if lines else "no reason is given"))
    # A hook's own message stands above Git's line that it declined.
    hook = [line for line in lines if line.startswith("remote: ") and line.removeprefix("remote: ").strip(" .:-=")]
    if reason is Reason.HOOK and hook:
        message = hook[0]
    message = re.sub(r"^(remote:\s*)?((error|fatal):\s*)?", "", message)
    return PushRefused(f"{what}: {without_login(message)}", reason=reason, hint=_HINTS[reason])


def without_login(text: str) -> str:
    """Remove the login from each URL in a text."""
    return re.sub(r"(\w+://)[^/\s]*@", r"\1", text)  # a password may have an unescaped @ in it
