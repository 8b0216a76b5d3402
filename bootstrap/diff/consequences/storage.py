"""Consequences for stored data: volumes and claims that are deleted, shrink, or stay in the cluster."""

from collections.abc import Iterator
from typing import Any

from bootstrap.diff.compare import ObjectChange
from bootstrap.diff.consequences.effect import Effect, Told, listed
from bootstrap.diff.consequences.sides import Sides, pods_of
from bootstrap.kubernetes import postgres
from bootstrap.kubernetes.objects import Object, dig, identify, mapping, mappings
from bootstrap.kubernetes.quantities import quantity

_LASTING = frozenset({"PersistentVolumeClaim", "PersistentVolume", "Namespace"})
_ARGO = "argocd.argoproj.io/sync-options"
_FLUX = "kustomize.toolkit.fluxcd.io/prune"


def of(change: ObjectChange, sides: Sides) -> Iterator[Told]:
    """Data that an object's change deletes, and objects that stay in the cluster though they leave Git."""
    before, after = change.before, change.after
    if before is not None and after is None:
        yield from _removed(before, sides)
    elif before is not None and after is not None:
        yield from _changed(change, before, after, sides)
    options = _options(after) - _options(before)
    if again := options & {"Replace=true", "Force=true"}:
        yield Effect.LOST, f"may be deleted and made again at a sync ({listed(again)})"


def kept(obj: Object) -> str:
    """Which controllers are told not to prune an object, in words; empty where it is pruned."""
    argo = "Prune=false" in _options(obj)
    flux = dig(obj, "metadata", "annotations", _FLUX) == "disabled"
    if argo and flux:
        return "stays in the cluster (prune disabled)"
    if argo or flux:
        return f"stays in the cluster under {'Argo CD' if argo else 'Flux'} (prune disabled)"
    return ""


def stays(obj: Object) -> bool:
    """Whether an object that leaves Git surely stays, or stores data and stays under one controller."""
    return kept(obj).endswith("cluster (prune disabled)") or (bool(kept(obj)) and obj["kind"] in _LASTING)


def _removed(before: Object, sides: Sides) -> Iterator[Told]:
    kind = before["kind"]
    claims = dig(before, "spec", "volumeClaimTemplates")
    if how := kept(before):
        yield Effect.LATER, f"leaves Git, but {how}"
    if stays(before):
        return
    if kind in _LASTING:
        yield Effect.LOST, "is pruned; what it stores may go with it"
    elif claims and dig(before, "spec", "persistentVolumeClaimRetentionPolicy", "whenDeleted") == "Delete":
        yield Effect.LOST, "is pruned, and its volume claims with it: the data is lost (whenDeleted: Delete)"
    elif claims and _namespace_goes(before, sides):
        yield Effect.LOST, "is pruned, and its volume claims go with the namespace: the data is lost"
    elif claims:
        yield Effect.STOPS, "is pruned; its volume claims stay in the cluster, with the data"


def _namespace_goes(claimant: Object, sides: Sides) -> bool:
    own_namespace = identify(claimant).namespace
    there = [
        [namespace for namespace in side if namespace["kind"] == "Namespace"] for side in (sides.before, sides.after)
    ]
    gone = [obj for obj in there[0] if dig(obj, "metadata", "name") == own_namespace and not kept(obj)]
    return bool(gone) and all(dig(namespace, "metadata", "name") != own_namespace for namespace in there[1])


def _changed(change: ObjectChange, before: Object, after: Object, sides: Sides) -> Iterator[Told]:
    for upgrade in postgres.upgrades([before], [after]):
        yield Effect.LOST, f"{upgrade}: dump it before, and load it into a new volume"
    for field, words in (("whenDeleted", "when it is deleted"), ("whenScaled", "when it is scaled down")):
        policy = [dig(obj, "spec", "persistentVolumeClaimRetentionPolicy", field) for obj in (before, after)]
        if policy[1] == "Delete" and policy[0] != "Delete":
            yield Effect.LOST, f"its volume claims are deleted, with the data, {words} ({field}: Delete)"
        elif policy[1] == "Delete" and field == "whenScaled":
            counts = [quantity(dig(obj, "spec", "replicas")) for obj in (before, after)]
            if counts[0] is not None and counts[1] is not None and counts[1] < counts[0]:
                yield (
                    Effect.LOST,
                    "the volume claims of the pods that go are deleted, with the data (whenScaled: Delete)",
                )
    for claims in (_claims(before, sides) - _claims(after, sides),) if change.identity.kind != "ConfigMap" else ():
        if claims:
            yield Effect.LOST, f"its pods no longer see the data on {listed(f'volume claim {name}' for name in claims)}"
    if change.identity.kind == "PersistentVolumeClaim":
        sizes = [quantity(dig(obj, "spec", "resources", "requests", "storage")) for obj in (before, after)]
        if sizes[0] is not None and sizes[1] is not None and sizes[1] < sizes[0]:
            yield Effect.REFUSED, "spec.resources.requests.storage can't shrink"


def _claims(obj: Object, sides: Sides) -> set[str]:
    """The volume claims that an object's pods mount."""
    names: Any = {**sides.names[0], **sides.names[1]}
    return {
        str(dig(volume, "persistentVolumeClaim", "claimName"))
        for pod in pods_of(obj, names)
        for volume in mappings(pod.spec, "volumes")
        if "persistentVolumeClaim" in volume
    }


def _options(obj: Object | None) -> set[str]:
    text = mapping(obj, "metadata", "annotations").get(_ARGO)
    return {part.strip() for part in str(text or "").split(",") if part.strip()}
