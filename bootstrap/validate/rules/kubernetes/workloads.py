"""Rules about workloads, PodDisruptionBudgets and autoscalers that the API server's validation refuses.

Source: kubernetes, pkg/apis/{apps,batch,policy,autoscaling}/validation.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.kubernetes import values
from bootstrap.kubernetes.objects import dig, entries, mapping
from bootstrap.validate.objects import ObjectContext
from bootstrap.validate.rules.kubernetes.field_checks import integer, malformed, present, too_small
from bootstrap.validate.violation import FieldViolation
from bootstrap.yamltools.positions import FieldPath

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


def refused(obj: ObjectContext) -> Iterator[FieldViolation]:
    """Violations in the spec of a workload, PodDisruptionBudget or HorizontalPodAutoscaler."""
    kind, spec = obj.kind, obj.spec
    yield from too_small(spec, ("spec",), _LEAST.get(kind, {}))
    if kind in _SELECTING:
        yield from _selector(spec)
        yield from _strategy(spec)
    if kind == "StatefulSet":
        for path, claim in entries(spec, ("spec",), "volumeClaimTemplates"):
            yield from _claim(mapping(claim, "spec"), (*path, "spec"))
    elif kind == "PersistentVolumeClaim":
        yield from _claim(spec, ("spec",))
    elif kind == "Job":
        yield from _job(spec, ("spec",))
    elif kind == "CronJob":
        yield from malformed(spec.get("schedule"), ("spec", "schedule"), values.bad_schedule, "schedule")
        yield from _job(mapping(dig(spec, "jobTemplate", "spec")), ("spec", "jobTemplate", "spec"))
    elif kind == "PodDisruptionBudget":
        yield from _budget(spec)
    elif kind == "HorizontalPodAutoscaler":
        least, most = integer(spec.get("minReplicas")), integer(spec.get("maxReplicas"))
        if least is not None and most is not None and least > most >= 1:
            yield FieldViolation(("spec", "minReplicas"), f"minReplicas, {least}, is more than maxReplicas, {most}")


def _selector(spec: Mapping[str, Any]) -> Iterator[FieldViolation]:
    selector = spec.get("selector")
    if isinstance(selector, dict) and not present(selector, *selector):
        yield FieldViolation(("spec", "selector"), "the selector is empty")


def _strategy(spec: Mapping[str, Any]) -> Iterator[FieldViolation]:
    for field, others in (("strategy", ("Recreate",)), ("updateStrategy", ("OnDelete",))):
        strategy = mapping(spec.get(field))
        rolling, path = mapping(strategy.get("rollingUpdate")), ("spec", field, "rollingUpdate")
        if rolling and strategy.get("type") in others:
            message = f"rollingUpdate does not go with the type {strategy['type']}"
            yield FieldViolation(path, message, "remove it: rollingUpdate: null in a patch does so")
            continue
        for key in ("maxSurge", "maxUnavailable"):
            yield from _amount(rolling.get(key), (*path, key), key)
        if field == "strategy" and all(rolling.get(key) in (0, "0%") for key in ("maxSurge", "maxUnavailable")):
            message = "maxSurge and maxUnavailable are both 0, so that no pod could ever be replaced"
            yield FieldViolation((*path, "maxUnavailable"), message)


def _amount(value: Any, path: FieldPath, field: str) -> Iterator[FieldViolation]:
    if (isinstance(value, str) or integer(value) is not None) and (why := values.bad_count_or_percent(value)):
        yield FieldViolation(path, f"{field} is {value}: {why}")


def _job(spec: Mapping[str, Any], path: FieldPath) -> Iterator[FieldViolation]:
    yield from too_small(spec, path, _JOB)
    if spec.get("selector") and spec.get("manualSelector") is not True:
        yield FieldViolation((*path, "selector"), "a Job has no selector of its own: the cluster makes it")
    if spec.get("completionMode") == "Indexed" and spec.get("completions") is None:
        yield FieldViolation((*path, "completionMode"), "an indexed Job needs completions")


def _budget(spec: Mapping[str, Any]) -> Iterator[FieldViolation]:
    chosen = present(spec, "minAvailable", "maxUnavailable")
    if len(chosen) == 2:
        message = "minAvailable and maxUnavailable are both set, and one is allowed"
        yield FieldViolation(("spec", "maxUnavailable"), message, "remove one of the two")
    for key in chosen:
        yield from _amount(spec[key], ("spec", key), key)


def _claim(spec: Mapping[str, Any], path: FieldPath) -> Iterator[FieldViolation]:
    modes, size = spec.get("accessModes"), dig(spec, "resources", "requests", "storage")
    if modes is None or modes == []:
        yield FieldViolation((*path, "accessModes"), "a volume claim needs an access mode")
    if isinstance(modes, list) and "ReadWriteOncePod" in modes and len(modes) > 1:
        yield FieldViolation((*path, "accessModes"), "ReadWriteOncePod goes with no other access mode")
    amount = values.quantity(size)
    if size is None:
        yield FieldViolation((*path, "resources"), "a volume claim needs a size: resources.requests.storage")
    elif amount is not None and amount <= 0:
        yield FieldViolation((*path, "resources", "requests", "storage"), f"a volume claim of {size} holds nothing")
