"""Which keys of which Secrets an environment's pods read, and which of them nothing in the environment brings."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from bootstrap.kubernetes.objects import POD_SPECS, Object, identify, name_of
from bootstrap.yamltools import loader

_POD = re.compile(r"^kind: [\"']?Pod\b", re.MULTILINE)


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class MissingKey:
    """A Secret, or one key of it (None for the whole), that an object's pods need to start and nothing brings."""

    secret: str
    key: str | None
    reader: str

    def __str__(self) -> str:
        what = f"the key {self.key} of Secret {self.secret}" if self.key else f"the Secret {self.secret}"
        return f"{self.reader} reads {what}"


def missing_keys(objects: Iterable[Object]) -> list[MissingKey]:
    """What the pods of one rendered environment read and no SealedSecret or Secret in it holds; optional ones aside.

    A Secret that something else makes in the cluster is missing before a change as well as after it, so compare:
    `set(missing_keys(after)) - set(missing_keys(before))` is what the change itself lacks. An ExternalSecret
    counts as bringing whatever is asked of it: its keys are known to its store alone.
    """
    known = list(objects)
    sealed = {secret: keys for secret, keys in map(_brought, known) if secret}
    found = {each for owner in known for each in _reads(owner) if _lacks(sealed, each)}
    return sorted(found, key=lambda each: (each.secret, each.key or "", each.reader))


def _brought(each: Object) -> tuple[str | None, frozenset[str] | None]:
    """The Secret that an object makes, and its keys; None for any key."""
    match each["kind"]:
        case "SealedSecret":
            name = _dig(each, "spec", "template", "metadata", "name") or name_of(each)
            return _unhashed(str(name)), frozenset(map(str, _mapping(each, "spec", "encryptedData")))
        case "Secret":
            keys = {**_mapping(each, "data"), **_mapping(each, "stringData")}
            return _unhashed(name_of(each)), frozenset(map(str, keys))
        case "ExternalSecret":
            return _unhashed(str(_dig(each, "spec", "target", "name") or name_of(each))), None
    return None, frozenset()


def _lacks(brought: Mapping[str, frozenset[str] | None], wanted: MissingKey) -> bool:
    if wanted.secret not in brought:
        return True
    keys = brought[wanted.secret]
    return wanted.key is not None and keys is not None and wanted.key not in keys


def _reads(owner: Object) -> Iterator[MissingKey]:
    reader = str(identify(owner))
    for spec in _pods(owner):
        for container in [*_items(spec, "initContainers"), *_items(spec, "containers")]:
            for each in _items(container, "envFrom"):
                yield from _wanted(reader, _mapping(each, "secretRef"), "name", [None])
            for each in _items(container, "env"):
                reference = _mapping(each, "valueFrom", "secretKeyRef")
                yield from _wanted(reader, reference, "name", [reference.get("key")])
        for volume in _items(spec, "volumes"):
            yield from _mounted(reader, _mapping(volume, "secret"), "secretName")
            for source in _items(_mapping(volume, "projected"), "sources"):
                yield from _mounted(reader, _mapping(source, "secret"), "name")


def _mounted(reader: str, source: Mapping[str, Any], field: str) -> Iterator[MissingKey]:
    yield from _wanted(reader, source, field, [each.get("key") for each in _items(source, "items")] or [None])


def _wanted(reader: str, source: Mapping[str, Any], field: str, keys: list[Any]) -> Iterator[MissingKey]:
    name = source.get(field)
    if isinstance(name, str) and source.get("optional") is not True:
        for key in keys:
            yield MissingKey(secret=_unhashed(name), key=None if key is None else str(key), reader=reader)


def _unhashed(name: str) -> str:
    # kustomize writes the hash of a generated Secret into its name and into every reference to it.
    return identify({"kind": "Secret", "metadata": {"name": name}}).name


def _pods(owner: Object) -> Iterator[Mapping[str, Any]]:
    """The pods' specs of an object: its own, or that of a pod template in the text of a ConfigMap."""
    if path := POD_SPECS.get(str(owner["kind"])):
        yield _mapping(owner, *path)
    if owner["kind"] == "ConfigMap":
        for text in _mapping(owner, "data").values():
            if isinstance(text, str) and _POD.search(text):
                try:
                    yield _mapping(loader.load(text), "spec")
                except yaml.YAMLError:  # what is no YAML is no pod template, whatever it looks like
                    continue


def _dig(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _mapping(value: Any, *path: str) -> Mapping[str, Any]:
    found = _dig(value, *path)
    return found if isinstance(found, dict) else {}


def _items(value: Any, key: str) -> list[Mapping[str, Any]]:
    found = _dig(value, key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
