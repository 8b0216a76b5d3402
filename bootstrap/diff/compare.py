"""Compare two sets of rendered objects, field by field."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bootstrap.core.certificates import ANNOTATION_PREFIX
from bootstrap.kubernetes import quantities
from bootstrap.kubernetes.objects import (
    MERGE_KEYS,
    POD_SPECS,
    Identity,
    Object,
    generated_names,
    identify,
    merge_key,
    name_of,
    unhashed,
)
from bootstrap.yamltools import embedded
from bootstrap.yamltools.loader import same

_ABSENT = object()
_ENCRYPTED = "spec.encryptedData"
# Built-in kinds that have fields of the type Quantity.
_AMOUNTS = frozenset({*POD_SPECS, "PersistentVolumeClaim", "PersistentVolume", "ResourceQuota", "LimitRange"})
# API groups between which Kubernetes moved kinds: an object keeps its identity when its group changes within these.
_SAME_GROUPS = frozenset({"extensions", "apps", "networking.k8s.io", "policy"})


class Side(StrEnum):
    """Kind of change of an object or a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """Change of one field: its path and both values (None where it is absent). Ciphertext is never included."""

    path: str
    side: Side
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """Change of one object: both rendered forms (None where it is absent) and, if both exist, the fields that differ.

    `rereads` names the generated ConfigMaps whose hash changed and that its pods read, so that the pods restart.
    """

    identity: Identity
    side: Side
    before: Object | None
    after: Object | None
    fields: tuple[FieldChange, ...] = ()
    rereads: tuple[str, ...] = ()


def compare(before: Sequence[Object], after: Sequence[Object]) -> tuple[ObjectChange, ...]:
    """The objects that differ, sorted by identity. Name hashes and the notation of quantities are ignored."""
    identities = _Identities.of(before, after)
    old, new = identities.index(before), identities.index(after)
    old_names, new_names = generated_names(before), generated_names(after)
    changes: list[ObjectChange] = []
    for key in sorted(old.keys() | new.keys()):
        identity, (left, right) = key[0], (old.get(key), new.get(key))
        if left is None or right is None:
            side = Side.ADDED if left is None else Side.REMOVED
            changes.append(ObjectChange(identity=identity, side=side, before=left, after=right))
            continue
        if same(left, right):
            continue
        fields = tuple(_fields("", unhashed(left, old_names), unhashed(right, new_names)))
        if identity.kind == "SealedSecret":
            fields = tuple(_sealed(fields, left, right))
        elif identity.kind == "Secret":
            fields = tuple(_masked(fields))
        elif identity.kind in _AMOUNTS and not key[1].count("."):
            fields = tuple(field for field in fields if not quantities.is_same(field.path, field.before, field.after))
        rereads = _rereads(left, right, old_names, new_names)
        if fields or rereads:
            changes.append(
                ObjectChange(
                    identity=identity, side=Side.CHANGED, before=left, after=right, fields=fields, rereads=rereads
                )
            )
    return tuple(changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Identities:
    """Identities that several objects of one side share: these objects are told apart by the name with its hash."""

    shared: frozenset[tuple[Identity, str]]

    @classmethod
    def of(cls, *sides: Sequence[Object]) -> "_Identities":
        counts = [Counter((identify(obj), _group(obj)) for obj in side) for side in sides]
        return cls(shared=frozenset(key for count in counts for key, number in count.items() if number > 1))

    def index(self, side: Sequence[Object]) -> dict[tuple[Identity, str], Object]:
        """The objects of a side by identity and API group, which match an object to its other side; none is dropped."""
        index: dict[tuple[Identity, str], Object] = {}
        for obj in side:
            identity, group = identify(obj), _group(obj)
            if (identity, group) in self.shared:
                identity = replace(identity, name=name_of(obj))
            index[identity, group] = obj
        return index


def _group(obj: Object) -> str:
    """The API group, which is part of an object's identity (its version is not); empty for core and moved groups."""
    group = str(obj.get("apiVersion") or "").rpartition("/")[0]
    return "" if group in _SAME_GROUPS else group


def _fields(path: str, left: Any, right: Any) -> Iterator[FieldChange]:
    if same(left, right):
        return
    if left is _ABSENT or right is _ABSENT:
        side = Side.ADDED if left is _ABSENT else Side.REMOVED
        yield FieldChange(
            path=path,
            side=side,
            before=None if left is _ABSENT else left,
            after=None if right is _ABSENT else right,
        )
    elif isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys(), key=str):
            yield from _fields(_join(path, str(key)), left.get(key, _ABSENT), right.get(key, _ABSENT))
    elif (items := _named(left, right)) is not None:
        for name in sorted(items[0].keys() | items[1].keys()):
            yield from _fields(f"{path}[{name}]", items[0].get(name, _ABSENT), items[1].get(name, _ABSENT))
        orders = [[name for name in names if name in other] for names, other in (items, items[::-1])]
        if orders[0] != orders[1]:
            yield FieldChange(path=f"{path} (order)", side=Side.CHANGED, before=orders[0], after=orders[1])
    elif (inner := _documents(left, right)) is not None:
        yield from _fields(path, *inner)
    else:
        yield FieldChange(path=path, side=Side.CHANGED, before=left, after=right)


def _join(path: str, key: str) -> str:
    if "." in key or "/" in key:
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _named(left: Any, right: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Two lists of mappings, indexed by their merge key; without one, by position if both have the same length."""
    if not (isinstance(left, list) and isinstance(right, list)):
        return None
    if not all(isinstance(item, dict) for item in (*left, *right)):
        return None
    for key in MERGE_KEYS:
        sides = [
            {str(name): item for item in side if (name := merge_key(item, key)) is not None} for side in (left, right)
        ]
        if len(sides[0]) == len(left) and len(sides[1]) == len(right):
            return sides[0], sides[1]
    if len(left) == len(right):
        return {str(n): item for n, item in enumerate(left)}, {str(n): item for n, item in enumerate(right)}
    return None


def _documents(left: Any, right: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Parse two strings that contain a YAML or JSON mapping, such as a pod template; None where one does not."""
    parsed = [embedded.mapping(text) for text in (left, right)]
    # Equal values in different texts: only comments or layout changed, so the caller shows the texts.
    if parsed[0] is None or parsed[1] is None or parsed[0] == parsed[1]:
        return None
    return parsed[0], parsed[1]


def _sealed(fields: tuple[FieldChange, ...], left: Object, right: Object) -> Iterator[FieldChange]:
    """Changes of a SealedSecret without ciphertext and without the annotations that record a sealing."""
    records = [obj["metadata"].get("annotations", {}) for obj in (left, right)]
    for field in fields:
        if field.path.startswith(f"metadata.annotations[{ANNOTATION_PREFIX}"):
            continue
        if not field.path.startswith(_ENCRYPTED):
            yield field
        elif field.side is not Side.CHANGED:
            yield FieldChange(path=field.path, side=field.side)
        else:
            key = field.path.removeprefix(_ENCRYPTED).strip(".[]")
            scopes = [_record(record, key).get("scope") for record in records]
            what = "sealed again" if scopes[0] == scopes[1] else f"scope {scopes[0]} → {scopes[1]}"
            yield FieldChange(path=field.path, side=Side.CHANGED, after=what)


def _rereads(
    left: Object, right: Object, old_names: Mapping[str, str], new_names: Mapping[str, str]
) -> tuple[str, ...]:
    old, new = (set(_texts(side.get("spec"))) for side in (left, right))
    return tuple(sorted({new_names[name] for name in (new - old) & new_names.keys()} & {*old_names.values()}))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _masked(fields: tuple[FieldChange, ...]) -> Iterator[FieldChange]:
    """Changes of a plain Secret without its values."""
    for field in fields:
        if not field.path.startswith(("data", "stringData")):
            yield field
        elif field.side is Side.CHANGED:
            yield FieldChange(path=field.path, side=field.side, after="another value")
        else:
            yield FieldChange(path=field.path, side=field.side)


def _record(annotations: Mapping[str, str], key: str) -> dict[str, str]:
    text = annotations.get(ANNOTATION_PREFIX + key, "")
    return dict(part.split("=", 1) for part in text.split() if "=" in part)
