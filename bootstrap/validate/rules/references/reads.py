"""What pods read: every mention of a ConfigMap, a Secret, a key of one, an account and a claim."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from bootstrap.validate.context import dig, items, mapping
from bootstrap.validate.pods import Container, Pod
from bootstrap.validate.rules.references.mentions import Mention

# By kind: the fields of envFrom, env and volumes, and what a volume calls the name.
_FIELDS = {
    "ConfigMap": ("configMapRef", "configMapKeyRef", "configMap", "name"),
    "Secret": ("secretRef", "secretKeyRef", "secret", "secretName"),
}


def entries(pod: Pod, kind: str) -> Iterator[Mention]:
    """Each ConfigMap, or Secret, that a pod can't start without, and each key of it."""
    for container in pod.containers:
        yield from _environment(container, kind)
        yield from _sub_paths(container, kind)
    for number, volume in enumerate(items(pod.spec.get("volumes"))):
        field, name = _FIELDS[kind][2:]
        yield from _volume(pod, ("volumes", number, field), dig(volume, field), name)
        for index, source in enumerate(items(dig(volume, "projected", "sources"))):
            path = ("volumes", number, "projected", "sources", index, field)
            yield from _volume(pod, path, dig(source, field), "name")


def _environment(container: Container, kind: str) -> Iterator[Mention]:
    whole, single = _FIELDS[kind][:2]
    for number, source in enumerate(items(container.data.get("envFrom"))):
        if name := _needed(dig(source, whole), "name"):
            yield _mention(container.pod, name, "", container, ("envFrom", number, whole, "name"))
    for number, variable in enumerate(items(container.data.get("env"))):
        reference = dig(variable, "valueFrom", single)
        if name := _needed(reference, "name"):
            path = ("env", number, "valueFrom", single)
            yield _mention(container.pod, name, "", container, (*path, "name"))
            if isinstance(key := dig(reference, "key"), str):
                yield _mention(container.pod, name, key, container, (*path, "key"))


def _volume(pod: Pod, path: tuple[str | int, ...], source: Any, field: str) -> Iterator[Mention]:
    if name := _needed(source, field):
        yield _mention(pod, name, "", pod, (*path, field))
        for number, item in enumerate(items(dig(source, "items"))):
            if isinstance(key := dig(item, "key"), str):
                yield _mention(pod, name, key, pod, (*path, "items", number, "key"))


def _sub_paths(container: Container, kind: str) -> Iterator[Mention]:
    """A subPath into a ConfigMap or Secret is a key of it, unless its items give the files other names."""
    field, called = _FIELDS[kind][2:]
    volumes = {str(dig(each, "name")): dig(each, field) for each in items(container.pod.spec.get("volumes"))}
    for number, mount in enumerate(items(container.data.get("volumeMounts"))):
        source, path = volumes.get(str(dig(mount, "name"))), dig(mount, "subPath")
        if (name := _needed(source, called)) and isinstance(path, str) and path and not items(dig(source, "items")):
            key = path.strip("/").partition("/")[0]
            yield _mention(container.pod, name, key, container, ("volumeMounts", number, "subPath"))


def pull_secrets(pod: Pod) -> Iterator[Mention]:
    """Each Secret that the kubelet pulls a pod's images with."""
    for number, each in enumerate(items(pod.spec.get("imagePullSecrets"))):
        if isinstance(name := dig(each, "name"), str) and name:
            yield _mention(pod, name, "", pod, ("imagePullSecrets", number, "name"))


def accounts(pod: Pod) -> Iterator[Mention]:
    """The ServiceAccount that a pod runs as."""
    field = "serviceAccountName" if "serviceAccountName" in pod.spec else "serviceAccount"  # the deprecated name
    if isinstance(name := pod.spec.get(field), str) and name:
        yield _mention(pod, name, "", pod, (field,))


def claims(pod: Pod) -> Iterator[Mention]:
    """Each volume claim that a pod mounts."""
    for number, volume in enumerate(items(pod.spec.get("volumes"))):
        if isinstance(name := dig(volume, "persistentVolumeClaim", "claimName"), str) and name:
            yield _mention(pod, name, "", pod, ("volumes", number, "persistentVolumeClaim", "claimName"))


def _needed(reference: Any, field: str) -> str:
    """The name in a reference that must lead somewhere; empty where it need not, or is none."""
    name = mapping(reference).get(field)
    return name if isinstance(name, str) and mapping(reference).get("optional") is not True else ""


def _mention(pod: Pod, name: str, key: str, within: Pod | Container, path: tuple[str | int, ...]) -> Mention:
    return Mention(name=name, key=key, reader=str(pod), where=partial(within.place, *path))
