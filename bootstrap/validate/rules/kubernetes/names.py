"""Rules about names and labels, as apimachinery validates them."""

from collections.abc import Callable, Iterator
from typing import Any

from bootstrap.kubernetes import schemas, values
from bootstrap.kubernetes.objects import dig, entries, mapping
from bootstrap.validate.context import shared
from bootstrap.validate.objects import ObjectContext, containers
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes.field_checks import malformed, strings
from bootstrap.validate.violation import FieldViolation
from bootstrap.yamltools.positions import FieldPath

_RBAC = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
_LABELS = frozenset({"Namespace", "Service", "StatefulSet"})
# Limits below 63, because a controller appends to the name and uses the result as a label value:
# CronJob and Job (pkg/apis/batch/validation), StatefulSet (the label controller-revision-hash; pods are never made).
_LONGEST = {"CronJob": 52, "Job": 63, "StatefulSet": 52}
_TEMPLATES: tuple[FieldPath, ...] = (
    ("spec", "template"),
    ("spec", "jobTemplate"),
    ("spec", "jobTemplate", "spec", "template"),
)


@rule("kubernetes/bad-name", ERROR, fix="Use lower-case letters, digits and -, and fewer characters.")
def bad_name(obj: ObjectContext) -> Iterator[FieldViolation]:
    """Names have the form that Kubernetes asks for.

    The API server refuses the object (apimachinery, pkg/util/validation), or can't make what it is to make.
    """
    kind, metadata = obj.kind, mapping(obj.value.get("metadata"))
    name = metadata.get("name")
    wrong = list(malformed(name, ("metadata", "name"), _form(obj), f"name of a {kind}"))
    longest = _LONGEST.get(kind)
    if not wrong and longest and isinstance(name, str) and len(name) > longest:
        message = f"the name of a {kind} has at most {longest} characters, {name!r} has {len(name)}"
        wrong.append(FieldViolation(("metadata", "name"), message))
    yield from wrong
    namespace = metadata.get("namespace")
    yield from malformed(namespace, ("metadata", "namespace"), values.bad_label_name, "name of a namespace")
    for path, container in containers(obj):
        yield from malformed(container.get("name"), (*path, "name"), values.bad_label_name, "name of a container")
    for path, volume in entries(obj.pod, obj.pod_path, "volumes"):
        yield from malformed(dig(volume, "name"), (*path, "name"), values.bad_label_name, "name of a volume")
    for field in ("data", "binaryData", "stringData") if kind in ("ConfigMap", "Secret") else ():
        for key in mapping(obj.value.get(field)):
            yield from malformed(str(key), (field, str(key)), values.bad_config_key, "key of an entry")


@rule(
    "kubernetes/bad-label",
    ERROR,
    fix="Use letters, digits, -, _ and . in at most 63 characters; other texts belong into an annotation.",
)
def bad_label(obj: ObjectContext) -> Iterator[FieldViolation]:
    """Labels, selectors and keys of annotations have the form that Kubernetes asks for.

    The API server refuses the object; a selector of that form could never match either.
    """
    for path, value in metadatas(obj):
        yield from _labels(value.get("labels"), (*path, "labels"))
        for key in mapping(value.get("annotations")):
            # Upper case is allowed in the prefix of an annotation alone (ValidateAnnotations lowers it first).
            where = (*path, "annotations", str(key))
            yield from malformed(str(key).lower(), where, values.bad_label_key, "key of an annotation")
    if obj.kind == "Service":
        yield from _labels(obj.spec.get("selector"), ("spec", "selector"))
    else:
        for field in ("selector", "podSelector"):
            yield from _labels(dig(obj.spec, field, "matchLabels"), ("spec", field, "matchLabels"))
    yield from _labels(obj.pod.get("nodeSelector"), (*obj.pod_path, "nodeSelector"))


@shared
def metadatas(obj: ObjectContext) -> Iterator[tuple[FieldPath, dict[str, Any]]]:
    """Metadata of an object and of its templates, with their paths."""
    claims = (path for path, _ in entries(obj.value, (), "spec", "volumeClaimTemplates"))
    for path in ((), *_TEMPLATES, *claims):
        yield (*path, "metadata"), mapping(dig(obj.value, *path, "metadata"))


def _form(obj: ObjectContext) -> Callable[[str], str]:
    if obj.kind in _RBAC:
        return values.bad_path_segment
    if obj.kind == "Service" and schemas.number(obj.model.kubernetes) < (1, 36):
        return values.bad_service_name  # from 1.36 on a digit may come first (RelaxedServiceNameValidation)
    return values.bad_label_name if obj.kind in _LABELS else values.bad_subdomain


def _labels(value: Any, path: FieldPath) -> Iterator[FieldViolation]:
    for key in mapping(value):
        yield from malformed(str(key), (*path, str(key)), values.bad_label_key, "key of a label")
    for key, text in strings(value):
        yield from malformed(text, (*path, key), values.bad_label_value, "value of a label")
