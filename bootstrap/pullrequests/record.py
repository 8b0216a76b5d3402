"""The record of a change in its commit's trailer and its pull request's body, which later runs read."""

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


class ChangeKind(StrEnum):
    """What a change is."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    SET = "set"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRef:
    """The target environment of a change, and its kind; only a promotion has a source."""

    kind: ChangeKind
    target: str
    source: str | None = None

    def __str__(self) -> str:
        return self.target if self.source is None else f"{self.source} → {self.target}"

    def branch(self, digest: str) -> str:
        """The branch of a change with this digest (ChangeSet.digest): the same content has the same branch.

        A newer content of the same ref goes on in the pull request that is open, on the branch that this one began
        with, for no forge lets a pull request change its branch. So look for an open one by `prefix` and `owns`; the
        record in its body has the digest of what it holds now.
        """
        return f"{self.prefix}{digest}"

    @property
    def prefix(self) -> str:
        """What the names of all branches of this ref begin with."""
        # No environment's name has an underscore, so no two refs share a branch.
        return f"{BRANCHES}{self.kind}-{f'{self.source}_' if self.source else ''}{self.target}-"

    def owns(self, branch: str) -> bool:
        """Whether a branch is one of this ref; that of another may begin alike."""
        return bool(re.fullmatch(re.escape(self.prefix) + "[0-9a-f]{12}", branch))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """The record of one change: the commit that it was made from, the digest of its content, taxiway's version."""

    ref: ChangeRef
    commit: str
    digest: str
    version: str
    parts: tuple[Part, ...] = tuple(Part)
    pin: str | None = None

    @property
    def html_comment(self) -> str:
        """The record as an HTML comment, which Markdown does not show."""
        return f"<!-- taxiway {self._json()} -->"

    @property
    def trailer(self) -> str:
        """The record as the last line of a commit message."""
        return f"Taxiway: {self._json()}"

    def _json(self) -> str:
        data = {
            "kind": self.ref.kind.value,
            "source": self.ref.source,
            "target": self.ref.target,
            "commit": self.commit,
            "digest": self.digest,
            "version": self.version,
            "parts": [part.value for part in self.parts],
            "pin": self.pin,
        }
        # No value ends the comment, begins a tag, or mentions anyone.
        return re.sub("[<>&@-]", lambda match: f"\\u{ord(match[0]):04x}", json.dumps(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """The merge base of a part of a release: that part of that environment, in the tree of that commit."""

    commit: str
    environment: str


def read(text: str) -> ChangeRecord | None:
    """The record in a pull request's body or a commit message; None where there is none, or several that differ.

    A forge may put both into one message, and words of its own around them.
    """
    found = set()
    for match in _MARK.finditer(text):
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            found.add(_parse(json.loads(match[1] or match[2])))
    return found.pop() if len(found) == 1 else None


def release_paths(overlay: str) -> tuple[str, ...]:
    """The paths that hold the release of an overlay."""
    return tuple(f"{overlay}/{path}" for path in ("release", "base", "kustomization.yaml"))


def ancestors(target: str, history: Iterable[tuple[str, ChangeRecord]]) -> Mapping[Part, Ancestor]:
    """The ancestor of each part of an environment's release, as `promotion.plan` takes it.

    `history` is the records of the commits that changed the environment, each with its own commit, newest first.
    """
    found: dict[Part, Ancestor] = {}
    for commit, record in history:
        if record.ref.target != target or record.ref.kind not in (ChangeKind.PROMOTE, ChangeKind.ROLLBACK):
            continue
        for part in record.parts:
            if record.ref.source is None or (record.pin is not None and part is Part.IMAGES):
                found.setdefault(part, Ancestor(commit=commit, environment=target))
            else:
                found.setdefault(part, Ancestor(commit=record.commit, environment=record.ref.source))
    return found


def _parse(data: Any) -> ChangeRecord:
    source, pin = data["source"], data.get("pin")
    if not _COMMIT.fullmatch(data["commit"]) or not _DIGEST.fullmatch(data["digest"]):
        raise ValueError("no commit or digest")
    return ChangeRecord(
        ref=ChangeRef(
            kind=ChangeKind(data["kind"]), target=str(data["target"]), source=None if source is None else str(source)
        ),
        commit=data["commit"],
        digest=data["digest"],
        version=str(data["version"]),
        parts=tuple(Part(each) for each in data["parts"]),
        pin=None if pin is None else str(pin),
    )
