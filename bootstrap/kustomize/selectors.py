"""Selectors: which objects a patch's `target` or a replacement's `select` matches."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bootstrap.kubernetes.objects import mapping

_FIELDS = ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector")
# kustomize matches an object without a namespace as if it had this one (kyaml/resid, resid.go).
NO_NAMESPACE = "default"
_PLAIN = re.compile(r"[\w-]+")  # an expression that matches nothing but itself
_IN = re.compile(r"(?P<key>\S+)\s+(?P<how>in|notin)\s+\((?P<values>[^)]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s!=]+)\s*(?P<how>!=|==?)\s*(?P<value>\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The properties of an object that selectors match. It has several names, since kustomize keeps previous ones."""

    group: str
    version: str
    kind: str
    names: frozenset[str]
    namespaces: frozenset[str]
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, obj: Mapping[str, Any]) -> "Subject":
        """The subject of an object that has metadata."""
        metadata = obj["metadata"]
        group, version = group_and_version(obj.get("apiVersion"))
        return cls(
            group=group,
            version=version,
            kind=str(obj.get("kind")),
            names=frozenset({str(metadata.get("name"))}),
            namespaces=frozenset({str(metadata.get("namespace") or NO_NAMESPACE)}),
            labels=strings(metadata.get("labels")),
            annotations=strings(metadata.get("annotations")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A `target` or `select`; an empty field matches any object.

    All but the two label selectors are anchored regular expressions (kustomize: api/types, selector.go).
    """

    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    labels: str = ""
    annotations: str = ""

    @classmethod
    def of(cls, value: Any) -> "Selector":
        """The selector in a `target` or `select`; invalid fields are ignored."""
        given = mapping(value)
        fields = [text if isinstance(text := given.get(name), str) else "" for name in _FIELDS]
        group, version, kind, name, namespace, labels, annotations = fields
        return cls(
            group=group, version=version, kind=kind, name=name, namespace=namespace, labels=labels,
            annotations=annotations,
        )  # fmt: skip

    def __str__(self) -> str:
        criteria = ((name, getattr(self, name)) for name in ("group", "version", "kind", "name", "namespace"))
        parts = [f"{name} {value}" for name, value in criteria if value]
        parts += [f"labels {self.labels}"] if self.labels else []
        parts += [f"annotations {self.annotations}"] if self.annotations else []
        return ", ".join(parts) or "any object"

    def selects(self, subject: Subject) -> bool:
        """Whether it matches an object."""
        return (
            _matches(self.kind, (subject.kind,))
            and _matches(self.name, subject.names)
            and _matches(self.group, (subject.group,))
            and _matches(self.version, (subject.version,))
            and _matches(self.namespace, subject.namespaces)
            and _has(self.labels, subject.labels)
            and _has(self.annotations, subject.annotations)
        )


def group_and_version(value: Any) -> tuple[str, str]:
    """The two parts of an object's apiVersion."""
    group, _, version = str(value or "").rpartition("/")
    return group, version


def strings(value: Any) -> Mapping[str, str]:
    """The labels or annotations whose values are strings."""
    return {str(key): text for key, text in mapping(value).items() if isinstance(text, str)}


def _matches(pattern: str, values: Collection[str]) -> bool:
    if not pattern:
        return True
    if _PLAIN.fullmatch(pattern):  # which most are
        return pattern in values
    expression = _compiled(pattern)
    return expression is None or any(expression.fullmatch(value) for value in values)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return None  # kustomize refuses it, or Go's expressions can what Python's can't: no reason to object here


def _has(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether labels match a label selector (apimachinery: labels, selector.go). An invalid selector matches."""
    return all(
        _holds(requirement.strip(), labels)
        for requirement in re.split(r",(?![^(]*\))", selector)
        if requirement.strip()
    )


def _holds(requirement: str, labels: Mapping[str, str]) -> bool:
    if match := _IN.fullmatch(requirement):
        values = {value.strip() for value in match["values"].split(",")}
        return (labels.get(match["key"]) in values) is (match["how"] == "in")
    if match := _EQUAL.fullmatch(requirement):
        return (labels.get(match["key"]) == match["value"]) is (match["how"] != "!=")
    if requirement.startswith("!"):
        return requirement[1:].strip() not in labels
    return requirement in labels
