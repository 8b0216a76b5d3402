"""YAML documents that differ in names only: of many, one is read as YAML, and the others as that one with other names.

An environment's objects are those of the next one, but for their namespace and for names that end with a hash.
"""

import json
import re
from functools import lru_cache
from typing import Any

import yaml

from bootstrap.yamltools import loader

HASH = "[2456789bcdfghkmt]{10}"  # kustomize's, at the end of a name: no vowels, no look-alikes (api/hasher, hash.go)
# A scalar that such a name is a part of is text, whatever stands around it: it is too long for a word that YAML gives a
# meaning, does not begin as an exponent does, and has a letter that no hexadecimal number has.
_NAME = rb"(?=[a-z0-9.-]*[g-z])[a-z]{2}[a-z0-9.-]{4,}"
_NAMES = re.compile(rb"name(?:space: (" + _NAME + rb")|: (" + _NAME + b"-" + HASH.encode() + b"))$", re.M)
# Unicode's characters for private use: one stands for each name.
_HOLDERS, _MOST = 0xE000, 256
_HOLDER = re.compile("[\ue000-\ue0ff]")
_NUMBERED = re.compile(rb"\\[xuU]")  # a character by its number, which may be for private use
_ELSEWHERE = re.compile(rb"[:-] +[&*][^& ]")  # a value that stands elsewhere too: written out, it may be huge


@lru_cache(maxsize=256)  # what both sides of a change have in common is most of it
def documents(text: bytes) -> tuple[Any, ...]:
    """The documents of a YAML text, as yamlread reads them. Raises yaml.YAMLError as it does."""
    names = sorted({one or other for one, other in _NAMES.findall(text)}, key=lambda name: (-len(name), name))
    if 0 < len(names) <= _MOST and _is_simple(text):
        model = text
        for number, name in enumerate(names):
            model = model.replace(name, chr(_HOLDERS + number).encode())
        if (held := _read(model)) is not None:
            told = [name.decode() for name in names]
            return tuple(json.loads(_HOLDER.sub(lambda found: told[ord(found[0]) - _HOLDERS], held)))
    return tuple(loader.load_all(text))


def _is_simple(text: bytes) -> bool:
    """Whether every value stands where it belongs, and no character of it is for private use."""
    if b"\xee" in text or b"\xef" in text or (b"\\" in text and _NUMBERED.search(text)):
        return False
    return not ((b"&" in text or b"*" in text) and _ELSEWHERE.search(text))


@lru_cache(maxsize=256)
def _read(text: bytes) -> str | None:
    """The documents as JSON; None where they are none, or JSON does not hold all of them."""
    try:
        return as_json(loader.load_all(text))
    except yaml.YAMLError:
        return None


def as_json(data: Any) -> str | None:
    """The data as JSON; None where that does not hold all of it, such as a date, or a key that is no text."""
    try:
        held = json.dumps(data, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError):
        return None
    return held if json.loads(held) == data else None
