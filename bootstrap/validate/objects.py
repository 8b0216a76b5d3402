"""Rules about single objects: their context, the objects that they are run on, and their merged violations."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import POD_SPECS, dig, entries, identify, mapping
from bootstrap.validate import pods
from bootstrap.validate.context import Context, EnvironmentContext, shared
from bootstrap.validate.pods import Pod
from bootstrap.validate.rule import Check
from bootstrap.validate.violation import Rule, SchemaViolation, Violation
from bootstrap.yamltools.positions import Document, FieldPath, Place, documents


@dataclass(frozen=True, kw_only=True)
class ObjectContext(Context):
    """Context of a rule about one object, whose values may have any type.

    `subject` is its name in messages; `place` maps a field to its file and line.
    """

    value: Mapping[str, Any]
    subject: str
    place: Callable[[FieldPath], Place]

    @property
    def kind(self) -> str:
        """Kind; the text `None` where it has none."""
        return str(self.value.get("kind"))

    @property
    def spec(self) -> Mapping[str, Any]:
        """Spec; empty where it has none."""
        return mapping(self.value.get("spec"))

    @property
    def pod_path(self) -> FieldPath:
        """Path of the pod spec; empty for a kind without pods."""
        return POD_SPECS.get(self.kind, ())

    @property
    def pod(self) -> Mapping[str, Any]:
        """Pod spec; empty where it has none."""
        return mapping(self.value, *self.pod_path) if self.pod_path else {}


@shared
def containers(obj: ObjectContext) -> Iterator[tuple[FieldPath, Mapping[str, Any]]]:
    """Containers of the object's pod spec with their paths, init containers first."""
    for field in ("initContainers", "containers"):
        yield from (entry for entry in entries(obj.pod, obj.pod_path, field) if isinstance(entry[1], dict))


@shared
def of(env: EnvironmentContext) -> Iterator[ObjectContext]:
    """Rendered objects, pod templates inside of ConfigMaps, and the objects of the environment's sync file."""
    for obj in env.objects:
        place = partial(env.trace.field, obj)
        yield ObjectContext(model=env.model, value=obj, subject=f"{identify(obj)}", place=place)
    for pod in pods.of(env):
        if pod.key is not None:
            inside = partial(env.trace.data, pod.owner, pod.key)
            yield ObjectContext(model=env.model, value=_template(pod), subject=f"{pod}", place=inside)
    path = env.environment.sync_file
    for document in documents(env.tree.files.get(path, b"")):
        value = mapping(document.value)
        subject = f"{value.get('kind')}/{dig(value, 'metadata', 'name')}"
        yield ObjectContext(model=env.model, value=value, subject=subject, place=partial(_line, path, document))


def _template(pod: Pod) -> Mapping[str, Any]:
    """Pod template of a ConfigMap's entry as a v1 Pod, which is how Airflow reads it whatever its apiVersion."""
    text = str(dig(pod.owner, "data", str(pod.key)))
    value = next((mapping(document.value) for document in documents(text.encode(errors="replace"))), {})
    return {**value, "apiVersion": "v1", "kind": "Pod"}


def _line(path: str, document: Document, field: FieldPath) -> Place:
    return Place(path, document.line(field))


def violations(env: EnvironmentContext, checks: Iterable[Check[ObjectContext]]) -> Iterator[tuple[Rule, Violation]]:
    """Violations of rules about one object. Several objects that get a field from one line share one violation."""
    checks = tuple(checks)
    merged: dict[tuple[Rule, Place, str], list[tuple[str, str]]] = defaultdict(list)
    for obj in of(env):
        broken = [(check.rule, violation) for check in checks for violation in check(obj)]
        refused = [violation for _, violation in broken if isinstance(violation, SchemaViolation)]
        for rule, violation in broken:
            if isinstance(violation, SchemaViolation) or not any(_explains(cause, violation.path) for cause in refused):
                merged[rule, obj.place(violation.path), violation.message].append((obj.subject, violation.hint))
    for (rule, place, message), equal in merged.items():
        subjects, hints = zip(*equal, strict=True)
        yield rule, Violation(place, f"{in_short(subjects)}: {message}", hints[0])


def _explains(cause: SchemaViolation, path: FieldPath) -> bool:
    is_sibling = cause.misspelt and path[:-1] == cause.path[:-1]
    return is_sibling or path[: len(cause.path)] == cause.path or cause.path[: len(path)] == path


def in_short(subjects: Iterable[str]) -> str:
    """The first of the subjects, and the number of the others."""
    first, *others = dict.fromkeys(subjects)
    return f"{first} and {len(others)} more" if others else first
