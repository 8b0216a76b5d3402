"""What a change does to a running environment: what restarts, what is refused or lost, what it opens up."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bootstrap.difference import ObjectChange, Side
from bootstrap.objects import Object, name_of

_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_MIGRATION = "airflow-migrate"
# Fields that the API server lets nobody change, by kind (kubernetes, pkg/apis/*/validation).
_IMMUTABLE = {
    "Deployment": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"),
    "DaemonSet": ("spec.selector",),
    "Job": ("spec.selector", "spec.template", "spec.completions", "spec.completionMode"),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP",),
    "PersistentVolumeClaim": ("spec.storageClassName", "spec.accessModes", "spec.volumeName"),
}
_LASTING = frozenset({"PersistentVolumeClaim", "PersistentVolume", "Namespace"})


class Effect(StrEnum):
    """A class of consequence, the most serious first."""

    SECURITY = "security"
    LOST = "lost"
    REFUSED = "refused"
    MIGRATION = "migration"
    RBAC = "rbac"
    SECRET = "secret"  # noqa: S105  (a word, no password)
    RESTART = "restart"
    RUNS = "runs"
    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """One consequence of one object's change, in words."""

    effect: Effect
    subject: str
    what: str


def consequences(changes: Iterable[ObjectChange]) -> tuple[Consequence, ...]:
    """Every consequence of a set of changes, the most serious first."""
    order = list(Effect)
    found = (each for change in changes for each in _of(change))
    return tuple(sorted(found, key=lambda each: (order.index(each.effect), each.subject, each.what)))


def immutable(before: Object, after: Object) -> tuple[str, ...]:
    """The fields that differ between two states of an object, and that the API server lets nobody change."""
    fields = _IMMUTABLE.get(str(after.get("kind")), ())
    return tuple(path for path in fields if _at(before, path) != _at(after, path))


def _of(change: ObjectChange) -> Iterator[Consequence]:
    subject = str(change.identity)
    found = list(_specific(change))
    for effect, what in found:
        yield Consequence(effect=effect, subject=subject, what=what)
    if found:
        return
    if change.side is Side.ADDED:
        yield Consequence(effect=Effect.NEW, subject=subject, what="is made")
    elif change.side is Side.REMOVED:
        yield Consequence(effect=Effect.GONE, subject=subject, what="is pruned")
    elif change.fields and all(_is_metadata(field.path) for field in change.fields):
        yield Consequence(effect=Effect.METADATA, subject=subject, what="only labels or annotations change")
    else:
        yield Consequence(effect=Effect.CHANGED, subject=subject, what="changes in place")


def _specific(change: ObjectChange) -> Iterator[tuple[Effect, str]]:
    kind, before, after = change.identity.kind, change.before, change.after
    if after is None and before is not None and (kind in _LASTING or _claims(before)):
        yield Effect.LOST, "is pruned; what it stores may go with it"
    if before is not None and after is not None and name_of(before) == name_of(after):
        for path in immutable(before, after):
            yield Effect.REFUSED, f"{path} can't be changed: the object has to be deleted and made again"
    if kind == "Job" and after is not None and (before is None or name_of(before) != name_of(after)):
        if change.identity.name == _MIGRATION:
            yield Effect.MIGRATION, f"the database is migrated, by {name_of(after)}"
        else:
            yield Effect.RUNS, f"runs, as {name_of(after)}"
    if kind in _WORKLOADS and (change.rereads or any(f.path.startswith("spec.template") for f in change.fields)):
        yield Effect.RESTART, "its pods restart"
    if kind in ("Role", "ClusterRole"):
        yield from _rights(before, after)
    if kind in ("RoleBinding", "ClusterRoleBinding") and _subjects(after) - _subjects(before):
        yield Effect.RBAC, f"is given to {', '.join(sorted(_subjects(after) - _subjects(before)))}"
    if kind in ("SealedSecret", "Secret"):
        yield from _keys(change)


def _is_metadata(path: str) -> bool:
    return "metadata.labels" in path or "metadata.annotations" in path


def _at(each: Object, path: str) -> Any:
    value: Any = each
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _claims(each: Object) -> bool:
    return bool(_at(each, "spec.volumeClaimTemplates"))


def _rules(each: Object | None) -> set[str]:
    found: set[str] = set()
    for rule in (each or {}).get("rules") or ():
        for group in rule.get("apiGroups") or [""]:
            for resource in rule.get("resources") or rule.get("nonResourceURLs") or ():
                name = f"{resource}.{group}" if group else str(resource)
                names = rule.get("resourceNames") or [""]
                found |= {
                    f"{verb} {name}" + (f" {one}" if one else "") for verb in rule.get("verbs") or () for one in names
                }
    return found


def _rights(before: Object | None, after: Object | None) -> Iterator[tuple[Effect, str]]:
    more = _rules(after) - _rules(before)
    if more:
        yield Effect.RBAC, f"may now {', '.join(sorted(more))}"


def _subjects(each: Object | None) -> set[str]:
    return {f"{subject.get('kind')}/{subject.get('name')}" for subject in (each or {}).get("subjects") or ()}


def _keys(change: ObjectChange) -> Iterator[tuple[Effect, str]]:
    before, after = _secret_keys(change.before), _secret_keys(change.after)
    if more := after - before:
        yield Effect.SECRET, f"brings {', '.join(sorted(more))}"
    if less := before - after:
        yield Effect.SECRET, f"no longer has {', '.join(sorted(less))}"
    changed = [
        each for each in change.fields if each.path.startswith("spec.encryptedData") and each.side is Side.CHANGED
    ]
    for each in changed:
        yield Effect.SECRET, f"{each.path.removeprefix('spec.encryptedData').strip('.[]')}: {each.after}"


def _secret_keys(each: Object | None) -> set[str]:
    if each is None:
        return set()
    sources = [_at(each, "spec.encryptedData"), each.get("data"), each.get("stringData")]
    return {str(key) for source in sources if isinstance(source, dict) for key in source}
