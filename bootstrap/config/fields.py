"""Fields of a YAML mapping, checked as they are read: errors name the file and the line."""

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
_MAX_TEXT = 2000  # characters
_MAX_NUMBER = 10**18
_REQUIRED: Any = object()


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping at a place in a YAML document. `text` is the whole document, `name` its file."""

    name: str
    text: bytes
    data: Mapping[Any, Any]
    place: FieldPath = ()

    @classmethod
    def of(cls, name: str, text: bytes, data: Any, place: FieldPath = ()) -> "Fields":
        """The fields of a value. Raises BadTarget where it is not a mapping."""
        if not isinstance(data, Mapping):
            what = next((repr(step) for step in reversed(place) if isinstance(step, str)), "this")
            raise _wrong(name, text, place, BadOption(f"{what} is not made of `key: value` lines"))
        return cls(name, text, data, place)

    def value(self, key: str, parse: Callable[[Any], _Value], default: Any = _REQUIRED) -> _Value:
        """Parse the value of a key, or the default where it is missing.

        Raises BadTarget where a required key is missing, and where `parse` raises BadOption.
        """
        value = self.data.get(key, default)
        if value is _REQUIRED:
            raise _wrong(self.name, self.text, self.place, BadOption(f"{key!r} is missing"))
        try:
            return parse(value)
        except BadOption as err:
            raise self.wrong(key, err) from None

    def string(
        self, key: str, parse: Callable[[str], _Value], default: Any = _REQUIRED, *, lines: bool = False
    ) -> _Value:
        """Parse a value that must be one line of text, or several with `lines`. Raises as `value` does."""
        return self.value(key, lambda value: parse(single_line(key, value, lines=lines)), default)

    def list(self, key: str) -> Sequence[Any]:
        """The items of a value that must be a list."""
        return self.value(key, lambda value: _list(key, value))

    def entry(self, key: str, number: int) -> "Fields":
        """The fields of an item of such a list."""
        return self.of(self.name, self.text, self.list(key)[number], (*self.place, key, number))

    def wrong(self, key: str, err: BadOption) -> BadTarget:
        """The error about a field, with its file and line."""
        return _wrong(self.name, self.text, (*self.place, key), err)


def choice(kind: type[_Choice], value: str) -> _Choice:
    """The enum member of a value. Raises BadOption, naming all members, where there is none."""
    if value not in [*kind]:
        raise BadOption(
            f"{value!r} is no {kind.__name__.lower()} that taxiway knows", hint=f"one of: {', '.join(kind)}"
        )
    return kind(value)


def single_line(key: str, value: Any, *, lines: bool = False) -> str:
    """One line of text, or several with `lines`; a number or a date is converted to text.

    Raises BadOption for anything else. The message never has a list or mapping in it: YAML aliases can make it endless.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float | date):
        raise BadOption(f"{key!r} is not a text", hint=f"write it in one line: {key}: TEXT")
    if (isinstance(value, int) and abs(value) > _MAX_NUMBER) or len(text := str(value)) > _MAX_TEXT:
        raise BadOption(f"{key!r} is longer than {_MAX_TEXT:,} characters", hint="write less")
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
    number = node.start_mark.line if node else None
    for step in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
        elif isinstance(node, yaml.MappingNode):
            values = [value for key, value in node.value if isinstance(key, yaml.ScalarNode) and key.value == step]
            if not values:
                break
            node = values[-1]
        number = node.start_mark.line if node else number
    return None if number is None else number + 1
