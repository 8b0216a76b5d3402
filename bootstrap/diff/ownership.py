"""Differences that an environment owns, such as its replicas and hosts, apart from those that a promotion carries."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bootstrap.diff.compare import FieldChange, ObjectChange, Side
from bootstrap.kubernetes.objects import POD_SPECS
from bootstrap.yamltools import envfile

_RESOURCES = r"(?:\.|^)resources(?:[.\[].*)?$"
_OWN_KINDS = frozenset({"Namespace", "SealedSecret", "Secret"})
# Replicas, resources, node ports and storage of the kinds that have them: a Role's `resources` are rights.
_OWN_FIELDS = {kind: re.compile(rf"spec\.replicas$|{_RESOURCES}|storageClassName$") for kind in POD_SPECS} | {
    "ConfigMap": re.compile(r"^data\[[^]]*\]\.spec\.containers\[[^]]*\]\.resources\b"),
    "Service": re.compile(r"nodePort$"),
    "PersistentVolumeClaim": re.compile(rf"{_RESOURCES}|storageClassName$"),
}
_HOST = re.compile(r"spec\.rules\[[^]]*\]\.host$|spec\.tls(?:\[[^]]*\]\.(?:hosts|secretName))?$")
_SETTINGS = frozenset({"airflow-env", "airflow-worker-env"})


def as_if(value: Any, namespace: str, other: str) -> Any:
    """Replace a namespace by another, wherever a value is exactly its name."""
    if isinstance(value, dict):
        return {key: as_if(item, namespace, other) for key, item in value.items()}
    if isinstance(value, list):
        return [as_if(item, namespace, other) for item in value]
    return other if value == namespace else value


def settings(env_file: bytes) -> frozenset[str]:
    """The names that an environment's airflow.env sets."""
    return frozenset(setting.key for setting in envfile.settings(env_file.decode(errors="replace")))


def fold(changes: Iterable[ObjectChange], own_settings: frozenset[str]) -> tuple[tuple[ObjectChange, ...], int]:
    """The changes without those that an environment owns, and how many were left out.

    An environment owns its namespace, secrets, replicas, resources, hosts, node ports, storage and its airflow.env.
    """
    kept: list[ObjectChange] = []
    folded = 0
    for change in changes:
        if change.identity.kind in _OWN_KINDS:
            folded += 1
        elif change.side is not Side.CHANGED:
            kept.append(change)
        else:
            shared = tuple(field for field in change.fields if not _own(change, field, own_settings))
            folded += len(change.fields) - len(shared)
            kept.append(replace(change, fields=shared))
    # A restart that only owned settings cause is owned as well.
    read = {change.identity.name for change in kept if change.identity.kind == "ConfigMap" and _says(change)}
    kept = [replace(change, rereads=tuple(name for name in change.rereads if name in read)) for change in kept]
    return tuple(change for change in kept if _says(change)), folded


def _says(change: ObjectChange) -> bool:
    return bool(change.side is not Side.CHANGED or change.fields or change.rereads)


def _own(change: ObjectChange, field: FieldChange, own_settings: frozenset[str]) -> bool:
    if change.identity.kind == "ConfigMap" and change.identity.name in _SETTINGS:
        return field.path.removeprefix("data.") in own_settings
    if change.identity.kind == "Ingress":
        return bool(_HOST.match(field.path))
    own = _OWN_FIELDS.get(change.identity.kind)
    return bool(own and own.search(field.path))
