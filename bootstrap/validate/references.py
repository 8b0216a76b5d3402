"""References of pods to ConfigMaps, Secrets and their keys, ServiceAccounts and volume claims, and label selectors.

References to the same name are grouped, so that one mistake is reported once.
"""

import difflib
import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import dig, items, mapping
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container, Pod
from bootstrap.yamltools.positions import FieldPath, Place, documents

_SHOWN = 3
# By kind: the fields of envFrom, env and volumes, and what a volume calls the name.
_FIELDS = {
    "ConfigMap": ("configMapRef", "configMapKeyRef", "configMap", "name"),
    "Secret": ("secretRef", "secretKeyRef", "secret", "secretName"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Reference to an object by name, or to a key of it. `where` finds its line; called only for violations."""

    name: str
    key: str = ""
    reader: str
    where: Callable[[], Place]


def grouped(mentions: Iterable[Mention]) -> Iterator[tuple[str, str, list[Mention]]]:
    """Group mentions by name and key, so that one mistake becomes one finding."""
    groups: dict[tuple[str, str], list[Mention]] = defaultdict(list)
    for mention in mentions:
        groups[mention.name, mention.key].append(mention)
    for (name, key), group in groups.items():
        yield name, key, group


def first(group: Iterable[Mention]) -> Place:
    """First place of a group."""
    return min(mention.where() for mention in group)


def readers(group: Iterable[Mention]) -> str:
    """Readers of a group for a message, shortened to three."""
    names = sorted({mention.reader for mention in group})
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def suggest(name: str, known: Iterable[str]) -> str:
    """Hint with the most similar known name, else with all of them if they are few; else empty."""
    choices = sorted(set(known))
    # Most names begin with `airflow-`, so only a high similarity means anything.
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.78)
    containing = [choice for choice in choices if choice in name or name in choice]
    if close or len(containing) == 1:
        return f"did you mean {(close or containing)[0]}?"
    return f"known: {', '.join(choices)}" if 0 < len(choices) <= 8 else ""


def entries(pod: Pod, kind: str) -> Iterator[Mention]:
    """ConfigMaps or Secrets, and their keys, that a pod can't start without."""
    for container in pod.containers:
        yield from _environment(container, kind)
        yield from _sub_paths(container, kind)
    for number, volume in enumerate(items(pod.spec.get("volumes"))):
        field, name = _FIELDS[kind][2:]
        yield from _volume(pod, ("volumes", number, field), dig(volume, field), name)
        for index, source in enumerate(items(volume, "projected", "sources")):
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


def _volume(pod: Pod, path: FieldPath, source: Any, field: str) -> Iterator[Mention]:
    if name := _needed(source, field):
        yield _mention(pod, name, "", pod, (*path, field))
        for number, item in enumerate(items(source, "items")):
            if isinstance(key := dig(item, "key"), str):
                yield _mention(pod, name, key, pod, (*path, "items", number, "key"))


def _sub_paths(container: Container, kind: str) -> Iterator[Mention]:
    """Keys read by subPath; with `items` the file names need not be keys, so those are skipped."""
    field, called = _FIELDS[kind][2:]
    volumes = {str(dig(volume, "name")): dig(volume, field) for volume in items(container.pod.spec.get("volumes"))}
    for number, mount in enumerate(items(container.data.get("volumeMounts"))):
        source, path = volumes.get(str(dig(mount, "name"))), dig(mount, "subPath")
        if (name := _needed(source, called)) and isinstance(path, str) and path and not items(source, "items"):
            key = path.strip("/").partition("/")[0]
            yield _mention(container.pod, name, key, container, ("volumeMounts", number, "subPath"))


def pull_secrets(pod: Pod) -> Iterator[Mention]:
    """Secrets of `imagePullSecrets`."""
    for number, secret in enumerate(items(pod.spec.get("imagePullSecrets"))):
        if isinstance(name := dig(secret, "name"), str) and name:
            yield _mention(pod, name, "", pod, ("imagePullSecrets", number, "name"))


def accounts(pod: Pod) -> Iterator[Mention]:
    """ServiceAccount that a pod runs as."""
    field = "serviceAccountName" if "serviceAccountName" in pod.spec else "serviceAccount"  # the deprecated name
    if isinstance(name := pod.spec.get(field), str) and name:
        yield _mention(pod, name, "", pod, (field,))


def claims(pod: Pod) -> Iterator[Mention]:
    """Volume claims that a pod mounts."""
    for number, volume in enumerate(items(pod.spec.get("volumes"))):
        if isinstance(name := dig(volume, "persistentVolumeClaim", "claimName"), str) and name:
            yield _mention(pod, name, "", pod, ("volumes", number, "persistentVolumeClaim", "claimName"))


def _needed(reference: Any, field: str) -> str:
    """Name in a required reference; empty if the reference is optional or malformed."""
    name = mapping(reference).get(field)
    return name if isinstance(name, str) and mapping(reference).get("optional") is not True else ""


def _mention(pod: Pod, name: str, key: str, within: Pod | Container, path: FieldPath) -> Mention:
    return Mention(name=name, key=key, reader=str(pod), where=partial(within.place, *path))


def unread(env: EnvironmentContext, kind: str, name: str) -> bool:
    """Whether the object is defined in a file that kustomize does not read, which `kustomize/unread-file` reports."""
    return (kind, name) in env.once("unread", lambda: frozenset(_defined(env)))


def _defined(env: EnvironmentContext) -> Iterator[tuple[str, str]]:
    read = env.graph.files
    used = {posixpath.dirname(path) for path in read}
    roots = [env.environment.overlay, *(["base"] if any(path.startswith("base/") for path in read) else [])]
    for path, data in env.tree.files.items():
        is_manifest = path.endswith((".yaml", ".yml")) and any(path.startswith(f"{root}/") for root in roots)
        # Components that no kustomization uses are optional and may stay unread.
        is_unused_component = "/components/" in path and posixpath.dirname(path) not in used
        if is_manifest and not is_unused_component and path not in read:
            for document in documents(data):
                kind, name = dig(document.value, "kind"), dig(document.value, "metadata", "name")
                if isinstance(kind, str) and isinstance(name, str):
                    yield "Secret" if kind == "SealedSecret" else kind, name


class Labelled:
    """Index of pods by label, to evaluate selectors."""

    def __init__(self, pods: Iterable[Pod]) -> None:
        self._pods = tuple(pods)
        self._by_label: dict[tuple[str, str], set[int]] = defaultdict(set)
        for number, pod in enumerate(self._pods):
            for key, value in mapping(pod.metadata.get("labels")).items():
                self._by_label[str(key), str(value)].add(number)

    def selected(self, selector: Any) -> list[Pod]:
        """Pods that a label selector (`matchLabels`, `matchExpressions`) matches; an empty one matches all."""
        numbers = set(range(len(self._pods)))
        for pair in mapping(mapping(selector).get("matchLabels")).items():
            numbers &= self._by_label.get((str(pair[0]), str(pair[1])), set())
        expressions = [
            expression
            for expression in items(mapping(selector).get("matchExpressions"))
            if isinstance(expression, dict)
        ]
        chosen = [self._pods[number] for number in sorted(numbers)]
        return [
            pod
            for pod in chosen
            if all(_meets(mapping(pod.metadata.get("labels")), expression) for expression in expressions)
        ]


def _meets(labels: Mapping[Any, Any], expression: Mapping[str, Any]) -> bool:
    key, values = expression.get("key"), items(expression.get("values"))
    exists = isinstance(key, str) and key in labels
    value = labels.get(key) if isinstance(key, str) else None
    match expression.get("operator"):
        case "In":
            return exists and value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return exists
        case "DoesNotExist":
            return not exists
    return True  # an unknown operator, which the schema rules report
