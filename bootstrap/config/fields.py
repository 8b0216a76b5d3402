"""Fields of a YAML mapping, checked as they are read: a wrong one is told with its file and its line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

import yaml

from bootstrap.core import control_characters
from bootstrap.core.errors import BadOption, BadTarget
from bootstrap.yamltools import loader
from bootstrap.yamltools.positions import FieldPath

_Value = TypeVar("_Value")
_Choice = TypeVar("_Choice", bound=StrEnum)
_LONGEST = 2000  # characters of a text
_LARGEST = 10**18
_NEEDED: Any = object()


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping of a YAML document, by its place there; `text` is the document, in the file `name`."""

    name: str
    text: bytes
    data: Mapping[Any, Any]
    place: FieldPath = ()

    @classmethod
    def of(cls, name: str, text: bytes, data: Any, place: FieldPath = ()) -> "Fields":
        """The fields of what should be a mapping. Raises BadTarget where it is none."""
        if not isinstance(data, Mapping):
            what = next((repr(step) for step in reversed(place) if isinstance(step, str)), "this")
            raise _wrong(name, text, place, BadOption(f"{what} is not made of `key: value` lines"))
        return cls(name, text, data, place)

    def value(self, key: str, parse: Callable[[Any], _Value], default: Any = _NEEDED) -> _Value:
        """What `parse` makes of a value; of the default where there is none.

        Raises BadTarget where there is no default either, or `parse` raises BadOption.
        """
        value = self.data.get(key, default)
        if value is _NEEDED:
            raise _wrong(self.name, self.text, self.place, BadOption(f"{key!r} is missing"))
        try:
            return parse(value)
        except BadOption as err:
            raise self.wrong(key, err) from None

    def words(self, key: str, parse: Callable[[str], _Value], default: Any = _NEEDED, *, lines: bool = False) -> _Value:
        """The same for a value that must be a line of text, or several `lines`."""
        return self.value(key, lambda value: parse(line(key, value, lines=lines)), default)

    def list(self, key: str) -> Sequence[Any]:
        """The entries of a value that must be a list."""
        return self.value(key, lambda value: _list(key, value))

    def entry(self, key: str, number: int) -> "Fields":
        """The fields of one of them."""
        return self.of(self.name, self.text, self.list(key)[number], (*self.place, key, number))

    def wrong(self, key: str, err: BadOption) -> BadTarget:
        """The error that says what is wrong with a field, and where it is."""
        return _wrong(self.name, self.text, (*self.place, key), err)


def choice(kind: type[_Choice], value: str) -> _Choice:
    """The member that a value names. Raises BadOption, naming all, where there is none."""
    if value not in [*kind]:
        raise BadOption(
            f"{value!r} is no {kind.__name__.lower()} that taxiway knows", hint=f"one of: {', '.join(kind)}"
        )
    return kind(value)


def line(key: str, value: Any, *, lines: bool = False) -> str:
    """A value that must be a line of text, or several `lines`; a number or a date is taken as it is written.

    Raises BadOption for anything else. What is no scalar is never shown: by YAML's aliases it may be endless.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | date):
        raise BadOption(f"{key!r} is not a text", hint=f"write it in one line: {key}: TEXT")
    if (isinstance(value, int) and abs(value) > _LARGEST) or len(text := str(value)) > _LONGEST:
        raise BadOption(f"{key!r} is longer than {_LONGEST:,} characters", hint="write less")
    control_characters.reject(repr(key), text, lines=lines)
    return text


def _list(key: str, value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise BadOption(f"{key!r} is not a list", hint="begin each of its entries with '- '")
    return value


def _wrong(name: str, text: bytes, place: FieldPath, err: BadOption) -> BadTarget:
    number = _line_of(text, place) if place else None
    return BadTarget(f"{name}{f':{number}' if number else ''}: {err.message}", hint=err.hint)


def _line_of(text: bytes, place: FieldPath) -> int | None:
    """The line of a value, from 1; of what holds it, where it isn't written there itself (a merge key's)."""
    node: yaml.Node | None = next((node for node, _ in loader.nodes(text)), None)
    found = node.start_mark.line if node else None
    for step in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            values = [value for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == step]
            if not values:
                break
            node = values[-1]
        found = node.start_mark.line if node else found
    return None if found is None else found + 1
