"""Samples of several ways to do one thing, taken in turns, and how they stand to each other."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import TypeVar

_Taken = TypeVar("_Taken")


class Unit(Enum):
    """What a sample counts, with the steps in which people read it, the largest first."""

    SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
    BYTES = ((1e6, "MB"),)

    def scale(self, value: float) -> tuple[float, str]:
        """The largest step that leaves the value at one or more, and its name."""
        steps: tuple[tuple[float, str], ...] = self.value
        return next((step for step in steps if abs(value) >= step[0]), steps[-1])


@dataclass(frozen=True, slots=True)
class Samples:
    """The values of one way, in the order in which they were taken."""

    values: tuple[float, ...]
    unit: Unit = Unit.SECONDS

    @property
    def median(self) -> float:
        """The middle value."""
        return median(self.values)

    @property
    def best(self) -> float:
        """The smallest value, the one that the machine's other work disturbed least."""
        return min(self.values)

    def times(self, other: "Samples") -> float:
        """How many times as much the other way takes: the median over the pairs, which ran one after the other."""
        return median(theirs / ours for ours, theirs in zip(self.values, other.values, strict=True))

    def beyond(self, other: "Samples") -> float:
        """How much more than the other way this one takes: the median over the pairs."""
        return median(ours - theirs for ours, theirs in zip(self.values, other.values, strict=True))

    def __str__(self) -> str:
        size, name = self.unit.scale(self.median)
        middle, least, most = (_digits(value / size) for value in (self.median, self.best, max(self.values)))
        return f"{middle} {name} ({least}-{most})"


def in_turns(rounds: int, *ways: Callable[[], _Taken]) -> list[tuple[_Taken, ...]]:
    """Run every way once a round, A B A B …, so that whatever else the machine does meets all of them alike."""
    taken = [tuple(way() for way in ways) for _ in range(rounds)]
    return list(zip(*taken, strict=True))


def shown(value: float, unit: Unit) -> str:
    """One value with its unit."""
    size, name = unit.scale(value)
    return f"{_digits(value / size)} {name}"


def difference(value: float, unit: Unit) -> str:
    """One value with its unit, and its sign even where it is a plus."""
    return f"{'+' if value >= 0 else ''}{shown(value, unit)}"


def _digits(value: float) -> str:
    """Three digits that count."""
    return f"{value:.{2 if abs(value) < 10 else 1 if abs(value) < 100 else 0}f}"
