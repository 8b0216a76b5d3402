"""Validate scalars and list sizes against a schema node: types, enums, quantities, limits."""

import base64
import binascii
import datetime
import math
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from bootstrap.kubernetes.schemas import Node
from bootstrap.kubernetes.values import quantity


class Trouble(StrEnum):
    """Kind of schema violation."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    TYPE = "type"
    UNLISTED = "unlisted"
    QUANTITY = "quantity"
    LIMIT = "limit"
    COLLISION = "collision"


Complaint = tuple[Trouble, str, str]


def scalar(value: Any, node: Node, field: str) -> Complaint | None:
    """Check a value that is no list and no object. Returns kind, description and hint; None if it is valid."""
    kind = node["type"]
    if not _FITS[kind](value):
        return mistyped(value, _WORDS[kind])
    if kind == "quantity" and quantity(value) is None:
        return Trouble.QUANTITY, f"{shown(value)} is no quantity", ""
    if kind == "byte" and not _is_base64(value):
        return Trouble.LIMIT, "the value is not base64", "encode it, or use stringData"
    if "enum" in node and value not in node["enum"]:
        return Trouble.UNLISTED, f"{shown(value)} is no value of {field}", _listed(value, node["enum"])
    limit = _limit(value, node)
    return (Trouble.LIMIT, limit, "") if limit else None


def mistyped(value: Any, expected: str) -> Complaint:
    """The complaint for a value of the wrong type; `expected` is the type in words."""
    hint = ""
    if expected == _WORDS["string"] and isinstance(value, bool | int | float):
        hint = "put it in quotes"
    elif isinstance(value, str) and expected in (_WORDS["integer"], _WORDS["boolean"], _WORDS["number"]):
        hint = "write it without quotes" if re.fullmatch("-?[0-9]+|true|false", value) else ""
    return Trouble.TYPE, f"{shown(value)} is {_kind(value)}, where {expected} belongs", hint


def size(value: list[Any], node: Node) -> Complaint | None:
    """Check the length of a list against minItems and maxItems."""
    limit = _beyond(len(value), node, "Items", "items")
    return (Trouble.LIMIT, limit, "") if limit else None


def _listed(value: Any, allowed: list[Any]) -> str:
    known = [str(item) for item in allowed]
    near = get_close_matches(str(value).lower(), [name.lower() for name in known], 1, 0.5)
    meant = next((f"did you mean {name}? " for name in known if near and name.lower() == near[0]), "")
    return f"{meant}allowed are {', '.join(known)}"


_TEXT = (str, datetime.date)  # YAML 1.1 resolves dates, which are strings in JSON
_FITS: Mapping[str, Callable[[Any], bool]] = {
    "any": lambda _: True,
    "boolean": lambda value: isinstance(value, bool),
    "byte": lambda value: isinstance(value, _TEXT),
    "int-or-string": lambda value: isinstance(value, (int, *_TEXT)) and not isinstance(value, bool),
    "integer": lambda value: _is_number(value) and (isinstance(value, int) or value == value // 1),
    "number": lambda value: _is_number(value),
    "object": lambda value: isinstance(value, dict),
    "quantity": lambda value: isinstance(value, str) or _is_number(value),
    "string": lambda value: isinstance(value, _TEXT),
    "time": lambda value: isinstance(value, _TEXT),
}
_WORDS = {
    "boolean": "true or false",
    "byte": "a base64 string",
    "int-or-string": "an integer or a string",
    "integer": "an integer",
    "number": "a number",
    "object": "a mapping",
    "quantity": "a quantity",
    "string": "a string",
    "time": "a time",
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(re.sub(r"[\r\n]", "", str(value)), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _beyond(size: int, node: Node, what: str, unit: str) -> str:
    """Which limit a size exceeds, in words; empty if none."""
    if size < node.get(f"min{what}", 0):
        return f"at least {node[f'min{what}']} {unit} belong here"
    if size > node.get(f"max{what}", math.inf):
        return f"at most {node[f'max{what}']} {unit} belong here"
    return ""


def _limit(value: Any, node: Node) -> str:
    if isinstance(value, str):
        if "pattern" in node and not re.search(node["pattern"], value):
            return f"{shown(value)} does not match {node['pattern']}"
        return _beyond(len(value), node, "Length", "characters")
    if _is_number(value):
        bits = node.get("bits", 64)
        if value < node.get("minimum", -(2 ** (bits - 1))):
            return f"{value} is less than {node.get('minimum', f'{bits} bits hold')}"
        if value > node.get("maximum", 2 ** (bits - 1) - 1 if node["type"] == "integer" else math.inf):
            return f"{value} is more than {node.get('maximum', f'{bits} bits hold')}"
    return ""


def shown(value: Any) -> str:
    """A value shortened to 60 characters; the type in words for lists and mappings."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, str | int | float) else _kind(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _kind(value: Any) -> str:
    for types, word in _KINDS:
        if isinstance(value, types):
            return word
    return "nothing"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    ((str, datetime.date), "a string"),
    (list, "a list"),
    (dict, "a mapping"),
)
