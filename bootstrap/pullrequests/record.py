"""Change record: a commit trailer, and an HTML comment in the pull request, from which later runs read the change."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bootstrap.promotion.merge import Part

BRANCH_PREFIX = "taxiway/"  # of every branch of a change
# A record is a whole line, which `git merge --squash` indents. Quoted text of others never begins a line.
_RECORD = re.compile(r"^(?:<!-- taxiway (\{.*\}) -->|[^\S\n]*Taxiway: (\{.*\}))[^\S\n]*$", re.MULTILINE)
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_DIGEST = re.compile("[0-9a-f]{12}")


class ChangeKind(StrEnum):
    """Kind of a change."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    SET = "set"
    ADD = "add"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRef:
    """Reference to a change: its kind and target environment; for a promotion also its source."""

    kind: ChangeKind
    target: str
    source: str | None = None

    def __str__(self) -> str:
        return self.target if self.source is None else f"{self.source} → {self.target}"

    def branch(self, digest: str) -> str:
        """The branch for a content digest (ChangeSet.digest): the same content has the same branch.

        Newer content for the same ref stays on the branch of the open pull request, since no forge lets a pull request
        change its branch. Find that one with `prefix` and `owns`; the record in its body has its current digest.
        """
        return f"{self.prefix}{digest}"

    @property
    def prefix(self) -> str:
        """The prefix of all branches of this ref."""
        # Environment names have no underscore, so no two refs share a prefix.
        return f"{BRANCH_PREFIX}{self.kind}-{f'{self.source}_' if self.source else ''}{self.target}-"

    def owns(self, branch: str) -> bool:
        """Whether a branch belongs to this ref; the prefix alone is not enough (`a-` and `a-b-`)."""
        return bool(re.fullmatch(re.escape(self.prefix) + "[0-9a-f]{12}", branch))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """Record of one change: the commit that it is based on, the digest of its content, taxiway's version.

    `parts` are what a promotion carried, `pin` is the tag that it set.
    """

    ref: ChangeRef
    commit: str
    digest: str
    version: str
    parts: tuple[Part, ...] = tuple(Part)
    pin: str | None = None

    @property
    def html_comment(self) -> str:
        """The record as an HTML comment, which forges do not display."""
        return f"<!-- taxiway {self._json()} -->"

    @property
    def trailer(self) -> str:
        """The record as a commit trailer."""
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
        # Escaped, so that no value ends the comment, starts a tag, or mentions a user.
        return re.sub("[<>&@-]", lambda match: f"\\u{ord(match[0]):04x}", json.dumps(data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ancestor:
    """Ancestor of a part of a release in a three-way merge: that part in `environment` at `commit`."""

    commit: str
    environment: str


def find_record(text: str) -> ChangeRecord | None:
    """The record in a pull request's body or a commit message; None without one, or with several that differ.

    A forge may put both forms into one message, with text of its own.
    """
    records = set()
    for match in _RECORD.finditer(text):
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            records.add(_parse(json.loads(match[1] or match[2])))
    return records.pop() if len(records) == 1 else None


def release_paths(overlay: str) -> tuple[str, ...]:
    """The paths in an overlay that hold its release."""
    return tuple(f"{overlay}/{path}" for path in ("release", "base", "kustomization.yaml"))


def ancestors(target: str, history: Iterable[tuple[str, ChangeRecord]]) -> Mapping[Part, Ancestor]:
    """The ancestor of each part of an environment's release, for `promotion.plan`.

    `history` holds the commits that changed the environment and have a record, newest first.
    """
    result: dict[Part, Ancestor] = {}
    for commit, record in history:
        if record.ref.target != target or record.ref.kind not in (ChangeKind.PROMOTE, ChangeKind.ROLLBACK):
            continue
        for part in record.parts:
            if record.ref.source is None or (record.pin is not None and part is Part.IMAGES):
                result.setdefault(part, Ancestor(commit=commit, environment=target))
            else:
                result.setdefault(part, Ancestor(commit=record.commit, environment=record.ref.source))
    return result


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
        parts=tuple(map(Part, data["parts"])),
        pin=None if pin is None else str(pin),
    )
