"""The rows of the printed table, and the targets that they are held against."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.bench.samples import Samples, difference, shown

_HEAD = ("", "taxiway", "instead", "what", "runs", "ratio", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound, what was found, and whether that is good enough."""

    bound: str
    found: str
    met: bool

    def __str__(self) -> str:
        return f"{'met' if self.met else 'MISSED'}: {self.found}, {self.bound}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure beside what a user would do instead."""

    figure: str
    ours: Samples
    instead: str
    theirs: Samples
    target: Target | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMeasured:
    """A figure that this machine can't give, and why."""

    figure: str
    instead: str
    bound: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Figures of one kind; the title says what is counted."""

    title: str
    rows: tuple[Row | NotMeasured, ...]


def faster(ours: Samples, theirs: Samples, *, least: float) -> Target:
    """The other way takes at least so many times as much."""
    found = ours.times(theirs)
    return Target(bound=f"at least {least:g}x", found=f"{found:.3g}x", met=found >= least)


def overhead(ours: Samples, theirs: Samples, *, most: float) -> Target:
    """We take at most so much of the other way's cost on top of it."""
    found = theirs.times(ours) - 1
    return Target(bound=f"at most {most:+.0%}", found=f"{found:+.1%}", met=found <= most)


def above(ours: Samples, theirs: Samples, *, most: float) -> Target:
    """We take at most so much more than the other way."""
    found = ours.beyond(theirs)
    best = difference(ours.best - theirs.best, ours.unit)
    return Target(
        bound=f"at most {difference(most, ours.unit)}",
        found=f"{difference(found, ours.unit)} (best runs {best})",
        met=found <= most,
    )


def below(ours: Samples, *, most: float) -> Target:
    """We never take more than this."""
    found = max(ours.values)
    return Target(bound=f"below {shown(most, ours.unit)}", found=shown(found, ours.unit), met=found < most)


def render(sections: Iterable[Section]) -> str:
    """The table as text, every section under its title."""
    found = list(sections)
    cells = [[_cells(row) for row in section.rows] for section in found]
    every = [_HEAD, *(row for rows in cells for row in rows)]
    widths = [max(len(row[column]) for row in every) for column in range(len(_HEAD) - 1)]
    lines = [_line(_HEAD, widths)]
    for section, rows in zip(found, cells, strict=True):
        lines += ["", section.title, *(_line(row, widths) for row in rows)]
    return "\n".join(lines)


def _cells(row: Row | NotMeasured) -> tuple[str, ...]:
    if isinstance(row, NotMeasured):
        return (row.figure, "", "", row.instead, "", "", f"not measured ({row.bound}): {row.reason}")
    return (
        row.figure,
        str(row.ours),
        str(row.theirs),
        row.instead,
        str(len(row.ours.values)),
        f"{row.ours.times(row.theirs):.3g}x",
        str(row.target or "-"),
    )


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return "  ".join(("", *padded, cells[-1])).rstrip()
