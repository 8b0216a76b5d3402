"""Problems of files in a repo, because of which they are not read: escaping links, special files, too large files."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bootstrap.config.parts import OVERLAYS, part_of
from bootstrap.core import limits

ReadLink = Callable[[str], str | None]  # the target of the symbolic link at a path; None where there is no link
_MAX_SHOWN = 80  # characters


class Kind(StrEnum):
    """Kinds of problems; the value is the name of the rule in the family `files`."""

    LEAVES = "link-leaves"
    ENVIRONMENT = "link-into-environment"
    BROKEN = "link-broken"
    SPECIAL = "not-regular"
    LARGE = "too-large"
    YAML = "yaml-limits"


# kustomize follows links, so no overlay is built whose folders have one of these.
DANGEROUS = frozenset({Kind.LEAVES, Kind.ENVIRONMENT, Kind.SPECIAL})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """A path that is not read, and why. The message does not name the path, and quotes no content."""

    path: str
    kind: Kind
    message: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class NotFollowed(Exception):
    """A symbolic link that must not be followed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def follow(path: str, readlink: ReadLink) -> str:
    """Resolve the symbolic links in a path of the repo. The result need not exist.

    Raises NotFollowed for a link that leaves the repo, is absolute (another clone is elsewhere), leads into `.git`,
    into the overlay of another environment or to a folder that it is in itself, and after 40 links.
    """
    pending, done, links = path.split("/")[::-1], list[str](), 0
    while pending:
        step = pending.pop()
        if step in ("", "."):
            continue
        if step == "..":
            if not done:
                raise _not_followed(path, Kind.LEAVES, "a symbolic link that leads out of the repository")
            done.pop()
            continue
        done.append(step)
        target = readlink("/".join(done))
        if target is None:
            continue
        links += 1
        if links > limits.LINKS or "\0" in target:
            raise _not_followed(path, Kind.BROKEN, "a symbolic link that leads around in a circle")
        if target.startswith("/"):
            shown = target if len(target) < _MAX_SHOWN else f"{target[:_MAX_SHOWN]}..."
            raise _not_followed(path, Kind.LEAVES, f"a symbolic link that leads out of the repository, to {shown}")
        done.pop()
        pending += target.split("/")[::-1]
    real = "/".join(done)
    if links:
        _check_resolved(path, real)
    return real


def _check_resolved(path: str, real: str) -> None:
    if any(step.lower() == ".git" for step in real.split("/")):
        raise _not_followed(path, Kind.LEAVES, "a symbolic link that leads into Git's own folder")
    own, other = part_of(path), part_of(real)
    if path == OVERLAYS:
        raise _not_followed(path, Kind.ENVIRONMENT, "a symbolic link in place of the folder of all environments")
    if f"{path}/".startswith(f"{real}/") or not real:
        raise _not_followed(path, Kind.BROKEN, "a symbolic link to a folder that it is in itself")
    if real == OVERLAYS or (other != own and str(other).startswith(f"{OVERLAYS}/")):
        raise _not_followed(path, Kind.ENVIRONMENT, f"a symbolic link that leads into another environment, to {real}")


def _not_followed(path: str, kind: Kind, message: str) -> NotFollowed:
    return NotFollowed(Problem(path=path, kind=kind, message=message))


def broken_link(path: str) -> Problem:
    """The problem of a link whose target does not exist."""
    return Problem(path=path, kind=Kind.BROKEN, message="a symbolic link that leads to nothing")


def not_regular(path: str, what: str) -> Problem:
    """The problem of a FIFO, a socket or a device."""
    return Problem(path=path, kind=Kind.SPECIAL, message=f"a {what}, and no regular file")


def too_large(path: str) -> Problem:
    """The problem of a file above `limits.FILE_BYTES`."""
    message = f"larger than {limits.mebibytes(limits.FILE_BYTES)}, so it is not read"
    return Problem(path=path, kind=Kind.LARGE, message=message)


def git_refuses(path: str) -> bool:
    """Whether Git would refuse to check out this path of a commit."""
    return any(step in ("", ".", "..") or step.lower() == ".git" for step in path.split("/"))
