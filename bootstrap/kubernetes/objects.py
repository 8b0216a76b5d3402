"""Kubernetes objects as plain data: parsing, identity, and access to untyped values."""

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

# kustomize's hash suffix has no vowels and no similar characters (api/hasher/hasher.go).
_HASHED = re.compile("(?P<name>.+)-[2456789bcdfghkmt]{10}")
_GENERATED = frozenset({"ConfigMap", "Secret"})
# Jobs whose name ends with the id of the release.
_RELEASED = re.compile(r"(?P<name>airflow-(?:migrate|create-user|generate-secrets))-(?P<release>.+)")
_TEMPLATE = ("spec", "template", "spec")
# Path of the pod spec, by kind.
POD_SPECS = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), _TEMPLATE),
}


# Keys that identify the items of a list: the first of list-map-keys or patch-merge-key of every list in the API (a test
# compares this with the schemas), and those of some lists that are replaced as a whole.
MERGE_KEYS = ("name", "mountPath", "containerPort", "port", "ip", "topologyKey", "uid", "devicePath", "key", "metadata")


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Identity of an object across changes: the name is without hash suffix and release id."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def dig(value: Any, *path: str | int) -> Any:
    """The value at a path; None where it does not exist, for values of any type."""
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
    """Pairs of path and item of the list in a field; `path` is the path of the value itself."""
    for number, item in enumerate(items(value, *fields)):
        yield (*path, *fields, number), item


def merge_key(item: Any, key: str) -> Any:
    """The value of a list item for one of MERGE_KEYS; for `metadata`, the name in it."""
    return dig(item, key, "name") if key == "metadata" else dig(item, key)


def parse(rendered: bytes) -> tuple[Object, ...]:
    """The objects of a rendered YAML stream, in its order. They are cached and shared, so callers must not change them.

    Raises BuildFailed if the stream is not valid YAML.
    """
    try:
        documents = [document for text in rendered.split(b"\n---\n") for document in _documents(text)]
    except yaml.YAMLError as err:
        reason = getattr(err, "problem", None) or "not valid YAML"
        raise BuildFailed(f"what kustomize renders can't be read: {reason}") from None
    return tuple(document for document in documents if isinstance(document, dict) and "kind" in document)


@lru_cache(maxsize=256)  # both sides of a change have mostly the same objects
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
    """Map of generated names with hash to the names without."""
    names: dict[str, str] = {}
    for obj in objects:
        if obj["kind"] in _GENERATED and (match := _HASHED.fullmatch(name_of(obj))):
            names[name_of(obj)] = match["name"]
    return names


def unhashed(value: Any, names: Mapping[str, str]) -> Any:
    """A copy of a value in which generated names are without hash."""
    if isinstance(value, dict):
        return {key: unhashed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [unhashed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def namespace_of(obj: Object) -> str:
    """An object's namespace; `-` for one that has none."""
    return str(obj["metadata"].get("namespace", "-"))


def is_called(obj: Object, reference: str) -> bool:
    """Whether `Kind/name` names this object, with or without hash; the kind is compared without case."""
    kind, _, name = reference.partition("/")
    return kind.lower() == str(obj["kind"]).lower() and name in (name_of(obj), identify(obj).name)
