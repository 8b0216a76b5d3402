"""Consequences for workloads: what restarts, stops, starts or runs, and when pods see a changed ConfigMap or Secret."""

from collections.abc import Iterator, Sequence

from bootstrap.diff.compare import ObjectChange
from bootstrap.diff.consequences.effect import Consequence, Effect, Told
from bootstrap.diff.consequences.sides import Pod, Sides
from bootstrap.kubernetes.objects import Object, dig, mappings, name_of

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
_MIGRATION = "airflow-migrate"
_READ = {"ConfigMap": ("configMap", "name"), "Secret": ("secret", "secretName")}


def of(change: ObjectChange, sides: Sides) -> Iterator[Told]:
    """What an object's change does to its pods, if the API server accepts it."""
    kind, before, after = change.identity.kind, change.before, change.after
    if kind == "Job" and after is not None and (before is None or name_of(before) != name_of(after)):
        if change.identity.name != _MIGRATION:
            yield Effect.RUNS, f"runs, as {name_of(after)}"
        elif sides.first:
            yield Effect.RUNS, f"the database is made, by {name_of(after)}"
        else:
            yield Effect.MIGRATION, f"the database is migrated, by {name_of(after)}"
    elif kind == "CronJob":
        yield from _schedule(change)
    elif kind in WORKLOADS:
        yield from _workload(change)


def _workload(change: ObjectChange) -> Iterator[Told]:
    before, after = change.before, change.after
    if after is None:
        if not dig(before, "spec", "volumeClaimTemplates"):  # `storage` reports those that have claims
            yield Effect.STOPS, "is pruned: its pods stop"
        return
    if before is None:
        return
    counts = [_replicas(obj) for obj in (before, after)]
    if counts[0] and not counts[1]:
        yield Effect.STOPS, "stops: it is scaled to 0"
        return
    if counts[1] and not counts[0]:
        yield Effect.RUNS, f"starts, with {counts[1]} pod{'s' if counts[1] != 1 else ''}"
        return
    if not dig(before, "spec", "paused") and dig(after, "spec", "paused"):
        yield Effect.LATER, "is paused: none of its changes reaches its pods"
        return
    if not (change.rereads or any(field.path.startswith("spec.template") for field in change.fields)):
        return
    if not counts[1]:
        yield Effect.LATER, "has no pods that would restart: it is scaled to 0"
    elif dig(after, "spec", "paused"):
        yield Effect.LATER, "its pods do not restart while it is paused"
    elif dig(after, "spec", "updateStrategy", "type") == "OnDelete":
        yield Effect.LATER, "its pods do not restart by themselves: each stays as it is until it is deleted (OnDelete)"
    elif all(field.path.endswith(" (order)") for field in change.fields) and not change.rereads:
        yield Effect.RESTART, "its pods restart: the order of what they have changes"
    else:
        yield Effect.RESTART, "its pods restart"


def _replicas(workload: Object) -> int:
    """The desired number of pods; 1 where spec.replicas is absent or no integer."""
    if workload["kind"] == "DaemonSet":
        return 1
    replicas = dig(workload, "spec", "replicas")
    return replicas if isinstance(replicas, int) else 1


def _schedule(change: ObjectChange) -> Iterator[Told]:
    before, after = change.before, change.after
    if before is None or after is None:
        if after is None:
            yield Effect.STOPS, "is pruned: it runs no more"
        return
    if dig(after, "spec", "suspend") is True and dig(before, "spec", "suspend") is not True:
        yield Effect.STOPS, "stops: it is suspended"
    elif change.rereads or any(field.path.startswith("spec.") for field in change.fields):
        yield Effect.LATER, "counts from its next run on"


def readers(changes: Sequence[ObjectChange], sides: Sides) -> Iterator[Consequence]:
    """When running pods see a changed ConfigMap or Secret whose name stays the same, so that they do not restart."""
    restarts = {
        change.identity
        for change in changes
        if change.rereads
        or any(field.path.startswith(("spec.template", "spec.jobTemplate")) for field in change.fields)
    }
    for change in changes:
        kind = "Secret" if change.identity.kind == "SealedSecret" else change.identity.kind
        if kind not in _READ or not _content(change) or change.before is None or change.after is None:
            continue
        if name_of(change.before) != name_of(change.after):
            continue
        if kind == "ConfigMap" and any(pod.owner == change.identity for pod in sides.pods[1]):
            what = "tasks are made from it from the next task on; those that run stay as they are"
            yield Consequence(effect=Effect.LATER, subject=str(change.identity), what=what)
            continue
        owners_by_text: dict[str, set[str]] = {}
        for pod in sides.pods[1]:
            if pod.owner in restarts or pod.owner.kind in ("Job", "Pod"):
                continue
            for what in _seen(pod, kind, change.identity.name):
                owners_by_text.setdefault(what, set()).add(str(pod.owner))
        for what, owners in owners_by_text.items():
            text = what.format(", ".join(sorted(owners)))
            yield Consequence(effect=Effect.LATER, subject=str(change.identity), what=text)


def _content(change: ObjectChange) -> bool:
    parts = ("data", "binaryData", "stringData", "spec.encryptedData")
    return any(field.path.startswith(parts) for field in change.fields)


def _seen(pod: Pod, kind: str, name: str) -> Iterator[str]:
    """When a pod sees a changed ConfigMap or Secret: texts with `{}` for its owner; none where it reads neither."""
    key, volume_key = _READ[kind]
    next_run = pod.owner.kind == "CronJob"
    by_variable, volumes = False, set()
    for volume in mappings(pod.spec, "volumes"):
        projected = (dig(projection, key, "name") for projection in mappings(volume, "projected", "sources"))
        if dig(volume, key, volume_key) == name or name in projected:
            volumes.add(volume.get("name"))
    live = stuck = False
    for _, container in pod.containers():
        by_variable |= any(
            dig(variable, "valueFrom", f"{key}KeyRef", "name") == name for variable in mappings(container, "env")
        )
        by_variable |= any(dig(source, f"{key}Ref", "name") == name for source in mappings(container, "envFrom"))
        for mount in mappings(container, "volumeMounts"):
            if mount.get("name") in volumes:
                is_subpath = bool(mount.get("subPath") or mount.get("subPathExpr"))
                stuck, live = stuck or is_subpath, live or not is_subpath
    if not (by_variable or live or stuck):
        return
    if pod.key:
        yield "counts from the next task on: tasks that run keep the old value ({})"
    elif next_run:
        yield "counts from the next run on ({})"
    elif by_variable or stuck:
        yield "running pods keep the old value until they restart ({})"
    elif live:
        yield "reaches running pods within a minute or so ({})"
