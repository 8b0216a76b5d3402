"""What is wrong with one object by itself, before it is known where the object comes from."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.validate.violation import Rule, Severity

Path = tuple[str | int, ...]

REFUSED_VALUE = Rule(
    name="kubernetes/refused-value",
    severity=Severity.ERROR,
    title="The API server's validation accepts every value, by itself and together with its neighbours.",
    why="The API server refuses the object, though its type is right, and the whole sync fails.",
    fix="Write a value that the field allows.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One broken rule at a field of an object. `what` says what is wrong there, without naming the object."""

    rule: Rule
    path: Path
    what: str
    hint: str = ""


def texts(value: Any) -> Iterator[tuple[str, str]]:
    """The entries of a mapping whose values are strings."""
    for key, text in value.items() if isinstance(value, dict) else ():
        if isinstance(text, str):
            yield str(key), text


def whole(value: Any) -> int | None:
    """The value if it is an integer."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def given(value: Mapping[str, Any], *keys: str) -> list[str]:
    """Those of the keys that a mapping gives a value."""
    return [key for key in keys if value.get(key) is not None]


def below(value: Any, path: Path, least: Mapping[str, int]) -> Iterator[Flaw]:
    """Each of some fields of a mapping that holds less than it may."""
    for key, bound in least.items():
        number = whole(value.get(key)) if isinstance(value, dict) else None
        if number is not None and number < bound:
            what = f"{key} is {number}, and has to be {bound} or more"
            yield Flaw(rule=REFUSED_VALUE, path=(*path, key), what=what)


def spelt(rule: Rule, why: Callable[[str], str], value: Any, path: Path, what: str) -> Iterator[Flaw]:
    """A text that has not the form that a function asks for."""
    if isinstance(value, str) and (reason := why(value)):
        shown = value if len(value) <= 70 else f"{value[:67]}..."
        yield Flaw(rule=rule, path=path, what=f"{shown!r} is no {what}: {reason}")
