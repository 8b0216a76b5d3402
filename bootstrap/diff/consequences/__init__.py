"""Consequences of a change for a running environment: rights opened, data lost, changes refused, pods restarted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bootstrap.diff.compare import ObjectChange, Side
from bootstrap.diff.consequences import cluster, network, pods, rbac, storage, workloads
from bootstrap.diff.consequences.effect import SERIOUS, Consequence, Effect, Told
from bootstrap.diff.consequences.sides import Sides, home
from bootstrap.kubernetes.objects import Object, dig, name_of
from bootstrap.kubernetes.quantities import equal

__all__ = ["SERIOUS", "Consequence", "Effect", "consequences", "home", "immutable", "in_order", "kept"]

kept = storage.kept

# Immutable fields by kind (kubernetes, pkg/apis/*/validation).
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


def consequences(
    changes: Sequence[ObjectChange], before: Sequence[Object], after: Sequence[Object]
) -> tuple[Consequence, ...]:
    """Every consequence of the changes between two sides, the most serious first."""
    if not changes:
        return ()
    sides = Sides.of(before, after)
    results = [consequence for change in changes for consequence in _of(change, sides)]
    results += [*pods.images(changes, sides), *cluster.strangers(changes, sides), *workloads.readers(changes, sides)]
    return in_order(results)


def in_order(results: Iterable[Consequence]) -> tuple[Consequence, ...]:
    """Sort consequences, most serious first, without duplicates; white space is collapsed so that each is one line."""
    clean = {
        replace(consequence, subject=_line(consequence.subject), what=_line(consequence.what))
        for consequence in results
    }
    return tuple(sorted(clean, key=lambda consequence: consequence.rank))


def immutable(before: Object, after: Object) -> tuple[str, ...]:
    """The immutable fields that differ between two states of an object: the API server refuses such an update."""
    fields = _IMMUTABLE.get(str(after.get("kind")), ())
    return tuple(path for path in fields if not equal(_at(before, path), _at(after, path)))


def _of(change: ObjectChange, sides: Sides) -> Iterator[Consequence]:
    subject = str(change.identity)
    if change.identity.namespace not in ("", sides.home):
        subject = f"{subject} of namespace {change.identity.namespace}"
    effects = list(_specific(change, sides))
    for effect, what in effects:
        yield Consequence(effect=effect, subject=subject, what=what)
    if effects:
        return
    if change.side is Side.ADDED:
        yield Consequence(effect=Effect.NEW, subject=subject, what="is made")
    elif change.side is Side.REMOVED:
        yield Consequence(effect=Effect.GONE, subject=subject, what="is pruned")
    elif change.fields and all(_is_metadata(field.path) for field in change.fields):
        yield Consequence(effect=Effect.METADATA, subject=subject, what="only labels or annotations change")
    else:
        yield Consequence(effect=Effect.CHANGED, subject=subject, what="changes in place")


def _specific(change: ObjectChange, sides: Sides) -> Iterator[Told]:
    kind, before, after = change.identity.kind, change.before, change.after
    yield from storage.of(change, sides)
    if after is None and before is not None and storage.stays(before):
        return
    yield from cluster.unjudged(change)
    if kind in rbac.ROLES:
        yield from rbac.role(change)
    elif kind in rbac.BINDINGS:
        yield from rbac.binding(change)
    elif kind == "Namespace":
        yield from cluster.namespace(change)
    elif kind == "ServiceAccount":
        yield from cluster.account(change)
    elif kind in ("SealedSecret", "Secret"):
        yield from cluster.secret(change)
    elif str(dig(after or before, "apiVersion")).startswith(f"{network.GATEWAY}/"):
        yield from network.route(change)
    yield from network.of(change, sides)
    yield from pods.of(change, sides)
    refused: tuple[str, ...] = ()
    if before is not None and after is not None and name_of(before) == name_of(after):
        refused = immutable(before, after)
    for path in refused:
        yield Effect.REFUSED, f"{path} can't be changed: the object has to be deleted and made again"
    if not refused:  # a refused update restarts nothing
        yield from workloads.of(change, sides)


def _is_metadata(path: str) -> bool:
    return path.startswith(("metadata.labels", "metadata.annotations"))


def _line(text: str) -> str:
    return " ".join(text.split())


def _at(obj: Object, path: str) -> object:
    return dig(obj, *path.split("."))
