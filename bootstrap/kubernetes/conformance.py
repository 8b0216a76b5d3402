"""Validate an object against the API schemas of its kind, for all Kubernetes minors of a range in one pass."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bootstrap.kubernetes import schemas
from bootstrap.kubernetes.scalars import Complaint, Trouble, mistyped, scalar, size
from bootstrap.kubernetes.schemas import Node
from bootstrap.yamltools.positions import FieldPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A value that API servers refuse. `minors` are the versions that do; `what` describes it."""

    path: FieldPath
    trouble: Trouble
    what: str
    hint: str
    minors: tuple[str, ...]


def problems(obj: Mapping[str, Any], oldest: str) -> tuple[Problem, ...]:
    """All problems of an object with minors from `oldest` on; empty for a kind without a schema."""
    api, name = obj.get("apiVersion"), obj.get("kind")
    kind = schemas.kinds(api).get(name) if isinstance(api, str) and isinstance(name, str) else None
    if kind is None or kind.definition is None:
        return ()
    walk = _Walk()
    walk.object(obj, kind.definition, (), schemas.mask(schemas.minors(oldest)) & schemas.mask(kind.minors))
    return walk.problems()


class _Walk:
    """Walks one object. `mask` has a bit for each minor that is still checked; it splits where schemas differ."""

    def __init__(self) -> None:
        self._found: dict[tuple[FieldPath, Trouble], tuple[str, str, int]] = {}
        self._parents: list[str] = []

    def problems(self) -> tuple[Problem, ...]:
        """The problems found so far."""
        return tuple(
            Problem(path=path, trouble=trouble, what=what, hint=hint, minors=schemas.names(mask))
            for (path, trouble), (what, hint, mask) in self._found.items()
        )

    def object(self, value: Mapping[Any, Any], name: str, path: FieldPath, mask: int) -> None:
        """Check a mapping against the fields of a definition."""
        definition = schemas.definition(name)
        self._parents.append(name)
        for key, inner in value.items():
            field = str(key)
            variants = definition.fields.get(field)
            if variants is None:
                if not definition.open:
                    self._unknown(field, path, mask)
                continue
            missing = mask
            for minors_mask, node in variants:
                if part := mask & minors_mask:
                    missing &= ~minors_mask
                    if inner is not None:
                        self.value(inner, node, (*path, field), part)
            if missing and inner is not None:
                self._add((*path, field), (Trouble.UNKNOWN, f"{field} is no field", ""), missing)
        for field in definition.required:
            if value.get(field) is None:
                self._add((*path, field), (Trouble.MISSING, f"{field} is missing", ""), mask)
        self._parents.pop()

    def value(self, value: Any, node: Mapping[str, Any], path: FieldPath, mask: int) -> None:
        """Check a value against a schema node."""
        if "ref" in node:
            if isinstance(value, dict):
                self.object(value, node["ref"], path, mask)
            else:
                self._add(path, mistyped(value, "a mapping"), mask)
        elif node["type"] == "array":
            self._list(value, node, path, mask)
        elif node["type"] == "map":
            if not isinstance(value, dict):
                return self._add(path, mistyped(value, "a mapping"), mask)
            for key, inner in value.items():
                if inner is not None:
                    self.value(inner, node["items"], (*path, str(key)), mask)
        else:
            self._add(path, scalar(value, node, _spelt(path)), mask)
        return None

    def _list(self, value: Any, node: Mapping[str, Any], path: FieldPath, mask: int) -> None:
        if not isinstance(value, list):
            return self._add(path, mistyped(value, "a list"), mask)
        self._add(path, size(value, node), mask)
        keys, seen = node.get("keys"), set()
        for index, inner in enumerate(value):
            if inner is None and "ref" not in node["items"]:
                continue
            self.value(inner, node["items"], (*path, index), mask)
            if keys is not None:
                identity_values = (
                    [(inner.get(key) or _DEFAULTS.get(key)) for key in keys] if isinstance(inner, dict) else [inner]
                )
                if keys and not isinstance(inner, dict):
                    continue
                identity = repr(identity_values)
                if identity in seen and identity_values[0] is not None:
                    name = " ".join(str(part) for part in identity_values if part is not None)
                    self._add((*path, index), (Trouble.COLLISION, f"{name} stands twice in {_spelt(path)}", ""), mask)
                seen.add(identity)
        return None

    def _unknown(self, field: str, path: FieldPath, mask: int) -> None:
        known = schemas.definition(self._parents[-1]).fields
        near = get_close_matches(field.lower(), [name.lower() for name in known], 1, 0.75)
        meant = next((name for name in known if near and name.lower() == near[0]), None)
        above = len(self._parents) > 1 and field in schemas.definition(self._parents[-2]).fields
        below = next((name for name, variants in known.items() if field in _inside(variants)), None)
        hint = f"did you mean {meant}?" if meant else ""
        if not hint and above:
            hint = "it is a field one level up: check the indentation"
        elif not hint and below:
            hint = f"it is a field of {below}: check the indentation"
        self._add((*path, field), (Trouble.UNKNOWN, f"{field} is no field", hint), mask)

    def _add(self, path: FieldPath, complaint: Complaint | None, mask: int) -> None:
        if complaint is not None:
            trouble, what, hint = complaint
            before = self._found.get((path, trouble), ("", "", 0))[2]
            self._found[(path, trouble)] = (what, hint, before | mask)


# Defaults of the API server for keys of lists: a port without a protocol is a TCP port.
_DEFAULTS = {"protocol": "TCP"}


def _inside(variants: tuple[tuple[int, Node], ...]) -> Iterator[str]:
    """The fields one level below a field."""
    for _, node in variants:
        inner = node.get("items", node)
        if "ref" in inner:
            yield from schemas.definition(inner["ref"]).fields


def _spelt(path: FieldPath) -> str:
    """The last field name of a path."""
    return next((step for step in reversed(path) if isinstance(step, str)), "the object")
