"""What a run leaves for later ones, in a pull request's body and in its commit: from where, what, which content."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bootstrap.promotion.merge import Part

BRANCHES = "taxiway/"  # what the name of every branch of a change begins with
# Only ever a whole line, which `git merge --squash` indents: what we quote stands behind a mark of ours, within a line.
_MARK = re.compile(r"^(?:<!-- taxiway (\{.*\}) -->|[^\S\n]*Taxiway: (\{.*\}))[^\S\n]*$", re.MULTILINE)
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST = re.compile("[0-9a-f]{12}")


class Kind(StrEnum):
    """What a change is."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    SET = "set"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Into which environment a change goes, and from which; only a promotion has a source."""

    kind: Kind
    target: str
    source: str | None = None

    def branch(self, digest: str) -> str:
        """The branch of a change with this digest (ChangeSet.digest): the same content has the same branch.

        A newer content of the same route goes on in the pull request that is open, on the branch that this one began
        with, for no forge lets a pull request change its branch. So look for an open one by `prefix` and `owns`; the
        block in its body has the digest of what it holds now.
        """
        return f"{self.prefix}{digest}"

    @property
    def prefix(self) -> str:
        """What the names of all branches of this route begin with."""
        # No environment's name has an underscore, so no two routes share a branch.
        return f"{BRANCHES}{self.kind}-{f'{self.source}_' if self.source else ''}{self.target}-"

    def owns(self, branch: str) -> bool:
        """Whether a branch is one of this route; one of another may begin alike."""
        return bool(re.fullmatch(re.escape(self.prefix) + "[0-9a-f]{12}", branch))


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The record of one change: the commit that it was made from, the digest of its content, taxiway's version."""

    route: Route
    commit: str
    digest: str
    version: str
    parts: tuple[Part, ...] = tuple(Part)
    pin: str | None = None

    @property
    def hidden(self) -> str:
        """The record as a comment that Markdown does not show."""
        return f"<!-- taxiway {self._json()} -->"

    @property
    def trailer(self) -> str:
        """The record as the last line of a commit message."""
        return f"Taxiway: {self._json()}"

    def _json(self) -> str:
        data = {
            "kind": self.route.kind.value,
            "source": self.route.source,
            "target": self.route.target,
            "commit": self.commit,
            "digest": self.digest,
            "version": self.version,
            "parts": [part.value for part in self.parts],
            "pin": self.pin,
        }
        # No value ends the comment, begins a tag, or mentions anyone.
        return re.sub("[<>&@-]", lambda match: f"\\u{ord(match[0]):04x}", json.dumps(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a part of an environment's release came from: that environment's, in the tree of that commit."""

    commit: str
    environment: str


def read(text: str) -> Block | None:
    """The record in a pull request's body or a commit message; None where there is none, or several that differ.

    A forge may put both into one message, and words of its own around them.
    """
    found = set()
    for match in _MARK.finditer(text):
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            found.add(_parse(json.loads(match[1] or match[2])))
    return found.pop() if len(found) == 1 else None


def written(overlay: str) -> tuple[str, ...]:
    """What a commit that changes the release of an overlay writes."""
    return tuple(f"{overlay}/{path}" for path in ("release", "base", "kustomization.yaml"))


def lineage(target: str, history: Iterable[tuple[str, Block]]) -> Mapping[Part, Origin]:
    """Where each part of an environment's release came from last: what `promotion.plan` takes as the ancestor.

    `history` is the records of the commits that changed the environment, each with its own commit, newest first.
    """
    found: dict[Part, Origin] = {}
    for commit, block in history:
        if block.route.target != target or block.route.kind not in (Kind.PROMOTE, Kind.ROLLBACK):
            continue
        for part in block.parts:
            if block.route.source is None or (block.pin is not None and part is Part.IMAGES):
                found.setdefault(part, Origin(commit=commit, environment=target))
            else:
                found.setdefault(part, Origin(commit=block.commit, environment=block.route.source))
    return found


def _parse(data: Any) -> Block:
    source, pin = data["source"], data.get("pin")
    if not _COMMIT.fullmatch(data["commit"]) or not _DIGEST.fullmatch(data["digest"]):
        raise ValueError("no commit or digest")
    return Block(
        route=Route(
            kind=Kind(data["kind"]), target=str(data["target"]), source=None if source is None else str(source)
        ),
        commit=data["commit"],
        digest=data["digest"],
        version=str(data["version"]),
        parts=tuple(Part(each) for each in data["parts"]),
        pin=None if pin is None else str(pin),
    )
