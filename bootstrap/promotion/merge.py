"""Three-way merge of the fields of a release: moved, kept by the target, or in conflict."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum


class Part(StrEnum):
    """Part of a release, as in `--only`."""

    IMAGES = "images"
    DAGS = "dags"
    SETTINGS = "settings"
    BASE = "base"


class Unknown(Enum):
    """Marker for an ancestor's value where there is no ancestor; None is the value of an absent field."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Value = str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One field of the target that changes. `path` is the target's file; a value is None where the field is absent.

    For a file that is copied as a whole, the field is its path in the base, and the values are digests.
    """

    part: Part
    path: str
    field: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One field that only the target changed since the last promotion; it stays."""

    part: Part
    path: str
    field: str
    source: Value
    target: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One field that both sides changed since the last promotion, to different values."""

    part: Part
    path: str
    field: str
    ancestor: Value
    source: Value
    target: Value

    def __str__(self) -> str:
        sides = " ".join(
            f"{name} {'nothing' if value is None else repr(value)}{end}"
            for name, value, end in (
                ("was", self.ancestor, ","),
                ("source", self.source, ","),
                ("target", self.target, ""),
            )
        )
        return f"{self.path}: {self.field}: {sides}"


@dataclass(slots=True)
class Decisions:
    """Decisions of a merge, in order."""

    moved: list[Move] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def take_source(
        self, part: Part, path: str, name: str, *, source: Value, target: Value, ancestor: Value | Unknown
    ) -> bool:
        """Decide about one field and record the decision; True where the target takes the source's value.

        Without an ancestor it does. With one, a field that only the source changed moves, one that only the target
        changed is kept, and one that both changed is a conflict.
        """
        if source == target:
            return False
        if ancestor is UNKNOWN or ancestor == target:
            self.moved.append(Move(part=part, path=path, field=name, before=target, after=source))
            return True
        if ancestor == source:
            self.kept.append(Kept(part=part, path=path, field=name, source=source, target=target))
        else:
            self.conflicts.append(
                Conflict(part=part, path=path, field=name, ancestor=ancestor, source=source, target=target)
            )
        return False
