"""Three-way merging of an environment's release: what is carried, what stays, and what nobody may guess."""

from dataclasses import dataclass, field
from enum import Enum, StrEnum


class Part(StrEnum):
    """One part of a release, which `--only` can name."""

    IMAGES = "images"
    DAGS = "dags"
    SETTINGS = "settings"
    BASE = "base"


class Unknown(Enum):
    """In place of an ancestor's value where there is no ancestor."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
Value = str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One field of the target that gets another value: None where it is absent. `path` is the target's file.

    A file that is carried as a whole has its digest as value, and its own path inside the base as field.
    """

    part: Part
    path: str
    field: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One field in which the target differs by its own choice: the source has not moved since."""

    part: Part
    path: str
    field: str
    source: Value
    target: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One field that both sides changed, each to another value, since the target was promoted last."""

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
class Ledger:
    """What a merge has decided so far."""

    moved: list[Move] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)

    def carries(
        self, part: Part, path: str, name: str, *, source: Value, target: Value, ancestor: Value | Unknown
    ) -> bool:
        """Whether this field of the target takes the source's value; the decision is written down.

        Without an ancestor it does. With one, what only the source changed is carried, what only the target changed
        stays, and what both changed is a conflict.
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
