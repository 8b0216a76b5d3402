"""Rendered Kubernetes objects, as plain data with an identity."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from bootstrap.core.errors import BuildFailed
from bootstrap.yamltools import loader
from bootstrap.yamltools.positions import FieldPath

Object = dict[str, Any]

# The hash that kustomize ends a name with has no vowels and no look-alikes (api/hasher/hasher.go).
_HASHED = re.compile("(?P<name>.+)-[2456789bcdfghkmt]{10}")
_GENERATED = frozenset({"ConfigMap", "Secret"})
# The Jobs that carry the release's id as the end of their name.
_RELEASED = re.compile(r"(?P<name>airflow-(?:migrate|create-user|generate-secrets))-(?P<release>.+)")
_TEMPLATE = ("spec", "template", "spec")
# Where each kind that makes pods has their spec.
POD_SPECS = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), _TEMPLATE),
}


# The first key by which Kubernetes tells the items of a list apart, of all its lists (list-map-keys, patch-merge-key of
# its API: a test holds this to the schemas), and of lists that it replaces as a whole.
MERGE_KEYS = ("name", "mountPath", "containerPort", "port", "ip", "topologyKey", "uid", "devicePath", "key", "metadata")


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """What makes an object the same one before and after a change: neither a hash nor a release's id is part of it."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def dig(value: Any, *path: str | int) -> Any:
    """The value at a path; None where the path leads nowhere, whatever the types on the way."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def mapping(value: Any, *path: str | int) -> dict[Any, Any]:
    """The mapping at a path; an empty one where there is none."""
    value_at = dig(value, *path)
    return value_at if isinstance(value_at, dict) else {}


def items(value: Any, *path: str | int) -> list[Any]:
    """The list at a path; an empty one where there is none."""
    value_at = dig(value, *path)
    return value_at if isinstance(value_at, list) else []


def mappings(value: Any, *path: str | int) -> Iterator[dict[Any, Any]]:
    """The mappings in the list at a path."""
    return (item for item in items(value, *path) if isinstance(item, dict))


def entries(value: Any, path: FieldPath, *fields: str) -> Iterator[tuple[FieldPath, Any]]:
    """The items of a list in a field of the value at `path`, each with its own path."""
    for number, item in enumerate(items(value, *fields)):
        yield (*path, *fields, number), item


def merge_key(item: Any, key: str) -> Any:
    """What the item of a list has under one of MERGE_KEYS; under `metadata`, that is the name in it."""
    return dig(item, key, "name") if key == "metadata" else dig(item, key)


def parse(rendered: bytes) -> tuple[Object, ...]:
    """The objects of a rendered YAML stream, in its order. All who ask share them: nobody may change one.

    Raises BuildFailed where kustomize wrote what can't be read.
    """
    try:
        documents = [document for text in rendered.split(b"\n---\n") for document in _documents(text)]
    except yaml.YAMLError as err:
        reason = getattr(err, "problem", None) or "not valid YAML"
        raise BuildFailed(f"what kustomize renders can't be read: {reason}") from None
    return tuple(document for document in documents if isinstance(document, dict) and "kind" in document)


@lru_cache(maxsize=256)  # the two sides of a change have most of their objects in common
def _documents(text: bytes) -> tuple[Any, ...]:
    return tuple(loader.load_all(text))


def name_of(obj: Object) -> str:
    """An object's name as the cluster sees it."""
    return str(obj["metadata"]["name"])


def identify(obj: Object) -> Identity:
    """An object's identity."""
    name, kind = name_of(obj), str(obj["kind"])
    if kind in _GENERATED and (match := _HASHED.fullmatch(name)):
        name = match["name"]
    if kind == "Job" and (match := _RELEASED.fullmatch(name)):
        name = match["name"]
    return Identity(kind, str(obj["metadata"].get("namespace", "")), name)


def by_identity(objects: Iterable[Object]) -> dict[Identity, Object]:
    """Objects by their identity."""
    return {identify(obj): obj for obj in objects}


def generated_names(objects: Iterable[Object]) -> Mapping[str, str]:
    """The names that kustomize gave a hash, each with the name before it."""
    names: dict[str, str] = {}
    for obj in objects:
        if obj["kind"] in _GENERATED and (match := _HASHED.fullmatch(name_of(obj))):
            names[name_of(obj)] = match["name"]
    return names


def unhashed(value: Any, names: Mapping[str, str]) -> Any:
    """The same value with every generated name in it as it was before its hash."""
    if isinstance(value, dict):
        return {key: unhashed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [unhashed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def namespace_of(obj: Object) -> str:
    """An object's namespace; `-` for one that has none."""
    return str(obj["metadata"].get("namespace", "-"))


def is_called(obj: Object, reference: str) -> bool:
    """Whether `Kind/name` names this object, with or without its hash; the case of the kind does not count."""
    kind, _, name = reference.partition("/")
    return kind.lower() == str(obj["kind"]).lower() and name in (name_of(obj), identify(obj).name)
