"""Rules about the Kubernetes API: what every server from the environment's oldest on would say to its objects."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import POD_SPECS, identify
from bootstrap.lint import (
    kubernetes_apis,
    kubernetes_changes,
    kubernetes_names,
    kubernetes_network,
    kubernetes_pods,
    kubernetes_postgres,
    kubernetes_schema,
    kubernetes_security,
    kubernetes_workloads,
)
from bootstrap.lint.kubernetes_flaw import REFUSED_VALUE, Flaw, Path
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext, dig, mapping
from bootstrap.validate.pods import Pod
from bootstrap.validate.violation import Finding
from bootstrap.yamltools.positions import Document, Place, documents

RULES = (
    *kubernetes_schema.RULES,
    *kubernetes_apis.RULES,
    *kubernetes_names.RULES,
    *kubernetes_pods.RULES,
    *kubernetes_network.RULES,
    REFUSED_VALUE,
    *kubernetes_security.RULES,
    *kubernetes_changes.RULES,
    *kubernetes_postgres.RULES,
)

# A flaw with the object that has it, in words, and the way from a field of it to a file and line.
_Told = tuple[Flaw, str, Callable[[Path], Place]]


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that a server would refuse, or could not do; what several objects have from one line is told once."""
    together: dict[tuple[str, Place, str], list[tuple[Flaw, str]]] = defaultdict(list)
    for flaw, subject, place in (*_objects(scene), *_pods(scene), *_synced(scene)):
        together[(flaw.rule.name, place(flaw.path), flaw.what)].append((flaw, subject))
    for (_, where, what), found in together.items():
        flaw, first = found[0]
        others = len({subject for _, subject in found}) - 1
        more = f" and {others} more" if others else ""
        yield scene.finding(flaw.rule, where, f"{first}{more}: {what}", flaw.hint)
    yield from kubernetes_changes.check(scene)
    yield from kubernetes_postgres.check(scene)


def _objects(scene: EnvironmentContext) -> Iterator[_Told]:
    oldest = scene.model.kubernetes
    for each in scene.objects:
        for flaw in _flaws(each, oldest):
            yield flaw, f"{identify(each)}", partial(scene.trace.field, each)


def _pods(scene: EnvironmentContext) -> Iterator[_Told]:
    oldest = scene.model.kubernetes
    namespace = scene.find("Namespace", scene.environment.namespace)
    level = kubernetes_security.level(namespace, oldest) if namespace is not None else None
    for pod in pods.of(scene):
        for flaw in _template(pod, oldest) if pod.key is not None else ():
            yield flaw, f"{pod}", partial(scene.trace.data, pod.owner, str(pod.key))
        for flaw in kubernetes_security.check(pod.spec, pod.metadata, level) if level is not None else ():
            yield flaw, f"{pod}", partial(_in_pod, pod)


def _template(pod: Pod, oldest: str) -> list[Flaw]:
    """What is wrong with the pod in a ConfigMap's text, which Airflow names itself and reads as a v1 Pod."""
    text = dig(pod.owner, "data", str(pod.key))
    held = documents(text.encode(errors="replace"))[:1] if isinstance(text, str) else ()
    whole = mapping(held[0].value) if held else {}
    return _flaws({**whole, "apiVersion": "v1", "kind": "Pod"}, oldest)


def _in_pod(pod: Pod, path: Path) -> Place:
    return pod.place(*path)


def _synced(scene: EnvironmentContext) -> Iterator[_Told]:
    """What the controller reads for this environment, which is no part of the overlay."""
    path = scene.environment.sync_file
    for document in documents(scene.tree.files.get(path, b"")):
        each = mapping(document.value)
        subject = f"{each.get('kind')}/{dig(each, 'metadata', 'name')}"
        for flaw in _flaws(each, scene.model.kubernetes):
            yield flaw, subject, partial(_in_document, path, document)


def _in_document(path: str, document: Document, where: Path) -> Place:
    return Place(path, document.line(where))


def _flaws(each: Mapping[str, Any], oldest: str) -> list[Flaw]:
    """All that is wrong with an object by itself, each mistake once: what its schema refuses is not told again."""
    refused = [*kubernetes_apis.check(each, oldest), *kubernetes_schema.check(each, oldest)]
    paths = {flaw.path for flaw in refused}
    unknown = {flaw.path[:-1] for flaw in refused if flaw.rule is kubernetes_schema.UNKNOWN_FIELD}
    return [*refused, *(flaw for flaw in _beyond(each, oldest) if not _is_told(flaw.path, paths, unknown))]


def _beyond(each: Mapping[str, Any], oldest: str) -> Iterator[Flaw]:
    yield from kubernetes_names.check(each, oldest)
    yield from kubernetes_workloads.check(each)
    yield from kubernetes_network.check(each)
    kind = str(each.get("kind"))
    if kind == "Namespace":
        yield from kubernetes_security.labels(each)
    path = POD_SPECS.get(kind)
    spec = dig(each, *path) if path else None
    if path and isinstance(spec, dict):
        yield from kubernetes_pods.check(spec, path, kind, oldest)


def _is_told(path: Path, refused: Iterable[Path], unknown: set[Path]) -> bool:
    """Whether a flaw is at, around or inside of what is refused already, or beside a field of a misspelt name."""
    return path[:-1] in unknown or any(path[: len(each)] == each or each[: len(path)] == path for each in refused)
