"""What differs between two sets of rendered objects, field by field."""

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
# The kinds of Kubernetes itself in which quantities stand.
_AMOUNTS = frozenset({*POD_SPECS, "PersistentVolumeClaim", "PersistentVolume", "ResourceQuota", "LimitRange"})
# Groups that once had kinds of others: an object of theirs is the same one under its new group.
_SAME_GROUPS = frozenset({"extensions", "apps", "networking.k8s.io", "policy"})


class Side(StrEnum):
    """What happened to an object or a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field: its path, and its value on both sides (None where it is absent). Sealed values are never shown."""

    path: str
    side: Side
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """One object: both raw forms (None where it is absent) and, where both are there, the fields that differ.

    `rereads` names the generated ConfigMaps that its pods read under a new hash, which makes them restart.
    """

    identity: Identity
    side: Side
    before: Object | None
    after: Object | None
    fields: tuple[FieldChange, ...] = ()
    rereads: tuple[str, ...] = ()


def compare(before: Sequence[Object], after: Sequence[Object]) -> tuple[ObjectChange, ...]:
    """The objects that differ, by identity. Neither hashes of generated names nor the form of a quantity counts."""
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
    """The identities that more than one object of a side has: there the whole name counts, with the hash."""

    shared: frozenset[tuple[Identity, str]]

    @classmethod
    def of(cls, *sides: Sequence[Object]) -> "_Identities":
        counts = [Counter((identify(obj), _group(obj)) for obj in side) for side in sides]
        return cls(shared=frozenset(key for count in counts for key, number in count.items() if number > 1))

    def index(self, side: Sequence[Object]) -> dict[tuple[Identity, str], Object]:
        """The objects of a side by what makes each the same one on the other side; none hides another."""
        found: dict[tuple[Identity, str], Object] = {}
        for obj in side:
            identity, group = identify(obj), _group(obj)
            if (identity, group) in self.shared:
                identity = replace(identity, name=name_of(obj))
            found[identity, group] = obj
        return found


def _group(obj: Object) -> str:
    """What of an object's apiVersion makes it another object: its group."""
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
    """Two lists of mappings by their merge key, each value once; by position where they have none but are as long."""
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
    """Two texts that hold YAML or JSON mappings, such as a pod template or a connection, as what they hold."""
    parsed = [embedded.mapping(text) for text in (left, right)]
    # Where the texts differ but what they hold does not, the difference is in comments: show the texts.
    if parsed[0] is None or parsed[1] is None or parsed[0] == parsed[1]:
        return None
    return parsed[0], parsed[1]


def _sealed(fields: tuple[FieldChange, ...], left: Object, right: Object) -> Iterator[FieldChange]:
    """A sealed item's changes in words: never a ciphertext, and no record of when it was sealed."""
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
    """A plain Secret's changes without its values."""
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
