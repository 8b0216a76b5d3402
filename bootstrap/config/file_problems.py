"""What a repo may hold that is not read: links that lead elsewhere, what is no file, and what is too large."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bootstrap.config.parts import OVERLAYS, part_of
from bootstrap.core import limits

Target = Callable[[str], str | None]  # where the symbolic link at a path leads, None where there is no link
_SHOWN = 80


class Kind(StrEnum):
    """What is wrong with a path; the name of its rule in the family `files`."""

    LEAVES = "link-leaves"
    ENVIRONMENT = "link-into-environment"
    BROKEN = "link-broken"
    SPECIAL = "not-regular"
    LARGE = "too-large"
    YAML = "yaml-limits"


# With one of these in a folder that its build reads, no overlay is handed to kustomize, which follows links.
DANGEROUS = frozenset({Kind.LEAVES, Kind.ENVIRONMENT, Kind.SPECIAL})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """Something at a path that is not read. The message is a sentence without the path, and quotes no content."""

    path: str
    kind: Kind
    message: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class NotFollowed(Exception):
    """A symbolic link that is not followed."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def follow(path: str, target: Target) -> str:
    """The path without a symbolic link in it that this one leads to, whether anything is there or not.

    Raises NotFollowed where a link leaves the repo, is absolute (elsewhere, it leads elsewhere), leads into Git's own
    folder or into the folder of an environment that it is not in, around the link itself, or nowhere in 40 steps.
    """
    left, done, links = path.split("/")[::-1], list[str](), 0
    while left:
        step = left.pop()
        if step in ("", "."):
            continue
        if step == "..":
            if not done:
                raise _not_followed(path, Kind.LEAVES, "a symbolic link that leads out of the repository")
            done.pop()
            continue
        done.append(step)
        text = target("/".join(done))
        if text is None:
            continue
        links += 1
        if links > limits.LINKS or "\0" in text:
            raise _not_followed(path, Kind.BROKEN, "a symbolic link that leads around in a circle")
        if text.startswith("/"):
            where = text if len(text) < _SHOWN else f"{text[:_SHOWN]}..."
            raise _not_followed(path, Kind.LEAVES, f"a symbolic link that leads out of the repository, to {where}")
        done.pop()
        left += text.split("/")[::-1]
    real = "/".join(done)
    if links:
        _judge(path, real)
    return real


def _judge(path: str, real: str) -> None:
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


def missing(path: str) -> Problem:
    """A link that leads to nothing."""
    return Problem(path=path, kind=Kind.BROKEN, message="a symbolic link that leads to nothing")


def special(path: str, what: str) -> Problem:
    """Neither a file nor a folder nor a link."""
    return Problem(path=path, kind=Kind.SPECIAL, message=f"a {what}, and no regular file")


def too_large(path: str) -> Problem:
    """A file that is not read as a whole."""
    message = f"larger than {limits.mebibytes(limits.FILE_BYTES)}, so it is not read"
    return Problem(path=path, kind=Kind.LARGE, message=message)


def escapes(path: str) -> bool:
    """Whether a path, as a commit may hold it, is none that Git would check out."""
    return any(step in ("", ".", "..") or step.lower() == ".git" for step in path.split("/"))
