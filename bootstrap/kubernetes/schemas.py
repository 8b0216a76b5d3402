"""Kubernetes API schemas: the kinds that each minor serves, and the fields of their objects.

The data file covers several minors; tests/refresh/kubernetes_schemas.py generates it from the upstream OpenAPI files.
"""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).resolve().parents[1] / "data/kubernetes-schemas.json.gz"

Node = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """Fields of an object. Each has pairs of a bit mask of minors (see `mask`) and the schema that is valid for them.

    If `open`, other fields are allowed.
    """

    fields: Mapping[str, tuple[tuple[int, Node], ...]]
    required: tuple[str, ...]
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of an apiVersion. `definition` is None if only its name is known."""

    name: str
    minors: tuple[str, ...]
    definition: str | None


def known() -> tuple[str, ...]:
    """The minors that the data covers, oldest first."""
    return tuple(_data()["minors"])


@cache
def minors(oldest: str) -> tuple[str, ...]:
    """The known minors from `oldest` on; only the newest one if `oldest` is newer than all."""
    return tuple(minor for minor in known() if number(minor) >= number(oldest)) or known()[-1:]


def number(minor: str) -> tuple[int, ...]:
    """A minor as a sortable tuple: `1.31` is (1, 31)."""
    return tuple(int(part) for part in re.findall(r"\d+", minor))


def mask(names: Sequence[str]) -> int:
    """Bit mask of minors."""
    return sum(1 << place for place, minor in enumerate(known()) if minor in names)


def names(bits: int) -> tuple[str, ...]:
    """The minors of a bit mask."""
    return tuple(minor for place, minor in enumerate(known()) if bits >> place & 1)


def sources() -> Mapping[str, str]:
    """Source URL of the schemas of each minor and of each custom kind."""
    custom = {
        f"{api} {kind}": str(entry["source"])
        for api, kinds_of_api in _data()["kinds"].items()
        for kind, entry in kinds_of_api.items()
        if "source" in entry
    }
    return {**_data()["sources"], **custom}


@cache
def kinds(api: str) -> Mapping[str, Kind]:
    """The kinds of an apiVersion by name; empty if no known minor serves it."""
    entries: dict[str, dict[str, Any]] = _data()["kinds"].get(api, {})
    return {
        name: Kind(name=name, minors=tuple(entry.get("in", known())), definition=entry.get("definition"))
        for name, entry in entries.items()
    }


@cache
def apis(kind: str) -> tuple[str, ...]:
    """All apiVersions of a built-in kind, sorted: served by the newest minor, stable, newer first."""
    versions = [api for api in _data()["kinds"] if kind in kinds(api) and group(api) in groups()]
    newest = known()[-1]

    def rank(api: str) -> tuple[bool, bool, list[int], str]:
        stable = re.search(r"v\d+$", api)
        return (
            newest not in kinds(api)[kind].minors,
            not stable,
            [-part for part in number(api.rpartition("v")[2])],
            api,
        )

    return tuple(sorted(versions, key=rank))


@cache
def groups() -> frozenset[str]:
    """The built-in API groups; the core group is empty."""
    kinds_by_api = _data()["kinds"].items()
    return frozenset(
        group(api) for api, entries in kinds_by_api if not any("source" in entry for entry in entries.values())
    )


def group(api: str) -> str:
    """The group of an apiVersion; empty for the core group."""
    return api.rpartition("/")[0]


@cache
def definition(name: str) -> Definition:
    """A definition by its name. Raises KeyError for an unknown name."""
    entry = _data()["definitions"][name]
    every = mask(known())
    fields = {
        field: tuple(
            (mask(node["in"]) if "in" in node else every, node)
            for node in (schemas if isinstance(schemas, list) else [schemas])
        )
        for field, schemas in entry["fields"].items()
    }
    return Definition(fields=fields, required=tuple(entry.get("required", ())), open=entry.get("open", False))


@cache
def _data() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(gzip.decompress(_FILE.read_bytes()))
    return data
