"""Workloads and what goes with them, beyond their schema.

Source: kubernetes, pkg/apis/{apps,batch,policy,autoscaling}/validation.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.lint import kubernetes_values as values
from bootstrap.lint.kubernetes_flaw import REFUSED_VALUE, Flaw, Path, below, given, spelt, whole
from bootstrap.validate.context import dig, items, mapping

_SELECTING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"})
_LEAST = {
    "Deployment": {"replicas": 0, "minReadySeconds": 0, "revisionHistoryLimit": 0, "progressDeadlineSeconds": 1},
    "StatefulSet": {"replicas": 0, "minReadySeconds": 0, "revisionHistoryLimit": 0},
    "DaemonSet": {"minReadySeconds": 0, "revisionHistoryLimit": 0},
    "ReplicaSet": {"replicas": 0, "minReadySeconds": 0},
    "CronJob": {"startingDeadlineSeconds": 0, "successfulJobsHistoryLimit": 0, "failedJobsHistoryLimit": 0},
    "HorizontalPodAutoscaler": {"maxReplicas": 1, "minReplicas": 0},
}
_JOB = dict.fromkeys(
    ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"), 0
)


def check(each: Mapping[str, Any]) -> Iterator[Flaw]:
    """What is wrong with the spec of a workload, a PodDisruptionBudget or a HorizontalPodAutoscaler."""
    kind, spec = str(each.get("kind")), mapping(each.get("spec"))
    yield from below(spec, ("spec",), _LEAST.get(kind, {}))
    if kind in _SELECTING:
        yield from _selector(spec)
        yield from _strategy(spec)
    if kind == "StatefulSet":
        for number, claim in enumerate(items(spec.get("volumeClaimTemplates"))):
            yield from _claim(mapping(dig(claim, "spec")), ("spec", "volumeClaimTemplates", number, "spec"))
    elif kind == "PersistentVolumeClaim":
        yield from _claim(spec, ("spec",))
    elif kind == "Job":
        yield from _job(spec, ("spec",))
    elif kind == "CronJob":
        yield from spelt(REFUSED_VALUE, values.bad_schedule, spec.get("schedule"), ("spec", "schedule"), "schedule")
        yield from _job(mapping(dig(spec, "jobTemplate", "spec")), ("spec", "jobTemplate", "spec"))
    elif kind == "PodDisruptionBudget":
        yield from _budget(spec)
    elif kind == "HorizontalPodAutoscaler":
        least, most = whole(spec.get("minReplicas")), whole(spec.get("maxReplicas"))
        if least is not None and most is not None and least > most >= 1:
            what = f"minReplicas, {least}, is more than maxReplicas, {most}"
            yield Flaw(rule=REFUSED_VALUE, path=("spec", "minReplicas"), what=what)


def _selector(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    selector = spec.get("selector")
    if isinstance(selector, dict) and not given(selector, *selector):
        yield Flaw(rule=REFUSED_VALUE, path=("spec", "selector"), what="the selector is empty")


def _strategy(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    for field, others in (("strategy", ("Recreate",)), ("updateStrategy", ("OnDelete",))):
        strategy = mapping(spec.get(field))
        rolling, path = mapping(strategy.get("rollingUpdate")), ("spec", field, "rollingUpdate")
        if rolling and strategy.get("type") in others:
            what = f"rollingUpdate does not go with the type {strategy['type']}"
            yield Flaw(
                rule=REFUSED_VALUE, path=path, what=what, hint="remove it: rollingUpdate: null in a patch does so"
            )
            continue
        for key in ("maxSurge", "maxUnavailable"):
            yield from _amount(rolling.get(key), (*path, key))
        if field == "strategy" and all(rolling.get(key) in (0, "0%") for key in ("maxSurge", "maxUnavailable")):
            what = "maxSurge and maxUnavailable are both 0, so that no pod could ever be replaced"
            yield Flaw(rule=REFUSED_VALUE, path=(*path, "maxUnavailable"), what=what)


def _amount(value: Any, path: Path) -> Iterator[Flaw]:
    if (isinstance(value, str) or whole(value) is not None) and (why := values.bad_count_or_percent(value)):
        yield Flaw(rule=REFUSED_VALUE, path=path, what=f"{path[-1]} is {value}: {why}")


def _job(spec: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    yield from below(spec, path, _JOB)
    if spec.get("selector") and spec.get("manualSelector") is not True:
        what = "a Job has no selector of its own: the cluster makes it"
        yield Flaw(rule=REFUSED_VALUE, path=(*path, "selector"), what=what)
    if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        what = "an indexed Job needs completions"
        yield Flaw(rule=REFUSED_VALUE, path=(*path, "completionMode"), what=what)


def _budget(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    chosen = given(spec, "minAvailable", "maxUnavailable")
    if len(chosen) == 2:
        what = "minAvailable and maxUnavailable are both set, and one is allowed"
        yield Flaw(rule=REFUSED_VALUE, path=("spec", "maxUnavailable"), what=what, hint="remove one of the two")
    for key in chosen:
        yield from _amount(spec[key], ("spec", key))


def _claim(spec: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    modes, size = spec.get("accessModes"), dig(spec, "resources", "requests", "storage")
    if modes is None or modes == []:
        yield Flaw(rule=REFUSED_VALUE, path=(*path, "accessModes"), what="a volume claim needs an access mode")
    if isinstance(modes, list) and "ReadWriteOncePod" in modes and len(modes) > 1:
        what = "ReadWriteOncePod goes with no other access mode"
        yield Flaw(rule=REFUSED_VALUE, path=(*path, "accessModes"), what=what)
    amount = values.quantity(size)
    if size is None:
        what = "a volume claim needs a size: resources.requests.storage"
        yield Flaw(rule=REFUSED_VALUE, path=(*path, "resources"), what=what)
    elif amount is not None and amount <= 0:
        what = f"a volume claim of {size} holds nothing"
        yield Flaw(rule=REFUSED_VALUE, path=(*path, "resources", "requests", "storage"), what=what)
