"""Field checks shared by several rules."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bootstrap.validate.violation import FieldViolation
from bootstrap.yamltools.positions import FieldPath


def strings(value: Any) -> Iterator[tuple[str, str]]:
    """Entries of a mapping whose values are strings."""
    for key, text in value.items() if isinstance(value, dict) else ():
        if isinstance(text, str):
            yield str(key), text


def integer(value: Any) -> int | None:
    """The value if it is an integer, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def present(value: Mapping[str, Any], *keys: str) -> list[str]:
    """Those of the keys that have a value other than null."""
    return [key for key in keys if value.get(key) is not None]


def dotted(path: FieldPath) -> str:
    """A path in the notation of `kubectl explain`, with the index of a list's item: `spec.ports[0].name`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def too_small(value: Any, path: FieldPath, minimum: Mapping[str, int]) -> Iterator[FieldViolation]:
    """Violations for integer fields below their minimum."""
    for key, bound in minimum.items():
        number = integer(value.get(key)) if isinstance(value, dict) else None
        if number is not None and number < bound:
            yield FieldViolation((*path, key), f"{key} is {number}, and has to be {bound} or more")


def malformed(value: Any, path: FieldPath, reason: Callable[[str], str], what: str) -> Iterator[FieldViolation]:
    """Violation for a malformed string; `reason` is a function of kubernetes.values."""
    if isinstance(value, str) and (why := reason(value)):
        shown = value if len(value) <= 70 else f"{value[:67]}..."
        yield FieldViolation(path, f"{shown!r} is no {what}: {why}")
