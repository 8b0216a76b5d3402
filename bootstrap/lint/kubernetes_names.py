"""Names, labels and annotations, as apimachinery validates them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bootstrap import schemas
from bootstrap.lint import kubernetes_values as values
from bootstrap.lint.kubernetes_flaw import REFUSED_VALUE, Flaw, Path, spelt, texts
from bootstrap.validate.context import dig, items, mapping
from bootstrap.validate.violation import Rule, Severity

BAD_NAME = Rule(
    name="kubernetes/bad-name",
    severity=Severity.ERROR,
    title="Names have the form that Kubernetes asks for.",
    why="The API server refuses the object (apimachinery, pkg/util/validation), or can't make what it is to make.",
    fix="Use lower-case letters, digits and -, and fewer characters.",
)
BAD_LABEL = Rule(
    name="kubernetes/bad-label",
    severity=Severity.ERROR,
    title="Labels, selectors and keys of annotations have the form that Kubernetes asks for.",
    why="The API server refuses the object; a selector of that form could never match either.",
    fix="Use letters, digits, -, _ and . in at most 63 characters; other texts belong into an annotation.",
)
RULES = (BAD_NAME, BAD_LABEL)

_RBAC = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
_LABELS = frozenset({"Namespace", "Service", "StatefulSet"})
# Names that are short because a controller adds to them and writes the result into a label, of 63 characters:
# CronJob and Job (pkg/apis/batch/validation), StatefulSet (the label controller-revision-hash; pods are never made).
_LONGEST = {"CronJob": 52, "Job": 63, "StatefulSet": 52}
_ANNOTATIONS = 256 * 1024
_TEMPLATES: tuple[Path, ...] = (
    ("spec", "template"),
    ("spec", "jobTemplate"),
    ("spec", "jobTemplate", "spec", "template"),
)
_SELECTORS: tuple[Path, ...] = (("spec", "selector"), ("spec", "podSelector"))


def check(each: Mapping[str, Any], oldest: str) -> Iterator[Flaw]:
    """The names of an object, and its labels and annotations everywhere."""
    yield from _name(each, oldest)
    yield from _metadata(each, ())
    for path in _TEMPLATES:
        yield from _metadata(dig(each, *path), path)
    for number, claim in enumerate(items(dig(each, "spec", "volumeClaimTemplates"))):
        yield from _metadata(claim, ("spec", "volumeClaimTemplates", number))
    if each.get("kind") == "Service":
        yield from _labels(dig(each, "spec", "selector"), ("spec", "selector"))
        return
    for path in _SELECTORS:
        selector = dig(each, *path)
        yield from _labels(dig(selector, "matchLabels"), (*path, "matchLabels"))


def node_selector(spec: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    """The node selector of a pod."""
    yield from _labels(spec.get("nodeSelector"), (*path, "nodeSelector"))


def _name(each: Mapping[str, Any], oldest: str) -> Iterator[Flaw]:
    kind, name, path = str(each.get("kind")), dig(each, "metadata", "name"), ("metadata", "name")
    flaws = list(spelt(BAD_NAME, _form(kind, oldest), name, path, f"name of a {kind}"))
    longest = _LONGEST.get(kind)
    if not flaws and longest and isinstance(name, str) and len(name) > longest:
        what = f"the name of a {kind} has at most {longest} characters, {name!r} has {len(name)}"
        flaws.append(Flaw(rule=BAD_NAME, path=path, what=what))
    yield from flaws
    namespace = dig(each, "metadata", "namespace")
    yield from spelt(BAD_NAME, values.bad_label_name, namespace, ("metadata", "namespace"), "name of a namespace")


def _form(kind: str, oldest: str) -> Callable[[str], str]:
    if kind in _RBAC:
        return values.bad_path_segment
    if kind == "Service" and schemas.number(oldest) < (1, 36):
        return values.bad_service_name  # from 1.36 on a digit may come first (RelaxedServiceNameValidation)
    return values.bad_label_name if kind in _LABELS else values.bad_subdomain


def _metadata(value: Any, path: Path) -> Iterator[Flaw]:
    metadata = mapping(dig(value, "metadata"))
    yield from _labels(metadata.get("labels"), (*path, "metadata", "labels"))
    annotations, where = mapping(metadata.get("annotations")), (*path, "metadata", "annotations")
    for key in annotations:
        # Upper case is allowed in the prefix of an annotation alone (ValidateAnnotations lowers it first).
        yield from spelt(BAD_LABEL, values.bad_label_key, str(key).lower(), (*where, str(key)), "key of an annotation")
    size = sum(len(key.encode()) + len(text.encode()) for key, text in texts(annotations))
    if size > _ANNOTATIONS:
        what = f"the annotations have {size} bytes together, where {_ANNOTATIONS} are allowed"
        yield Flaw(rule=REFUSED_VALUE, path=where, what=what)


def _labels(value: Any, path: Path) -> Iterator[Flaw]:
    for key in mapping(value):
        yield from spelt(BAD_LABEL, values.bad_label_key, str(key), (*path, str(key)), "key of a label")
    for key, text in texts(value):
        yield from spelt(BAD_LABEL, values.bad_label_value, text, (*path, key), "value of a label")
