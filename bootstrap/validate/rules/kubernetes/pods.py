"""Rules about pods beyond their schema: the API server's validation of containers, volumes, probes and variables.

Source: kubernetes, pkg/apis/core/validation/validation.go.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from bootstrap.kubernetes import schemas, values
from bootstrap.kubernetes.objects import dig, entries, mapping
from bootstrap.validate.objects import ObjectContext, containers
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes.field_checks import integer, malformed, present, too_small
from bootstrap.validate.rules.kubernetes.network import PROBES
from bootstrap.validate.violation import FieldViolation
from bootstrap.yamltools.positions import FieldPath

_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_LIFECYCLE = ("exec", "httpGet", "tcpSocket", "sleep")
_LEAST = {
    **dict.fromkeys(("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold"), 0),
    "failureThreshold": 0,
    "terminationGracePeriodSeconds": 1,
}
_POLICIES = {"Job": ("Never", "OnFailure"), "CronJob": ("Never", "OnFailure")}
_SOURCES = ("configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef")


@rule("kubernetes/bad-probe", ERROR, fix="Keep one of exec, httpGet, tcpSocket and grpc, and write positive numbers.")
def bad_probe(obj: ObjectContext) -> Iterator[FieldViolation]:
    """A probe has one handler, and times that make sense.

    The API server refuses the object.
    """
    for where, container in containers(obj):
        for field in PROBES:
            if isinstance(probe := container.get(field), dict):
                yield from _probe(probe, (*where, field), field)
        for field in ("postStart", "preStop"):
            path = (*where, "lifecycle", field)
            yield from _handler(mapping(dig(container, "lifecycle", field)), path, field, _LIFECYCLE)


@rule("kubernetes/request-over-limit", ERROR, fix="Raise the limit, or lower the request.")
def request_over_limit(obj: ObjectContext) -> Iterator[FieldViolation]:
    """A container asks for no more than its limit allows.

    The API server refuses the object: Invalid value, must be less than or equal to the limit.
    """
    for path, container in containers(obj):
        limits = mapping(dig(container, "resources", "limits"))
        for name, value in mapping(dig(container, "resources", "requests")).items():
            asked, allowed = values.quantity(value), values.quantity(limits.get(name))
            if asked is not None and allowed is not None and asked > allowed:
                message = f"the request for {name}, {value}, is more than its limit, {limits[name]}"
                yield FieldViolation((*path, "resources", "requests", str(name)), message)


@rule("kubernetes/restart-policy", ERROR, fix="Write Never or OnFailure for a Job, and nothing for other kinds.")
def restart_policy(obj: ObjectContext) -> Iterator[FieldViolation]:
    """The restart policy is one that the kind allows.

    The API server refuses it: pods of a Job end, so theirs is Never or OnFailure; all others' is Always.
    """
    policy, allowed = obj.pod.get("restartPolicy"), _POLICIES.get(obj.kind, ("Always",))
    if obj.kind == "Pod" or not obj.pod or policy not in ("Always", "OnFailure", "Never", None):
        return
    if (policy or "Always") not in allowed:
        expected, actual = " or ".join(allowed), policy or "Always, the default"
        message = f"the restart policy of a {obj.kind} is {expected}, and this is {actual}"
        yield FieldViolation((*obj.pod_path, "restartPolicy"), message)


@rule(
    "kubernetes/bad-volume",
    ERROR,
    fix="Keep one source, and mount it at a path without a colon; a subPath is relative and has no `..`.",
)
def bad_volume(obj: ObjectContext) -> Iterator[FieldViolation]:
    """A volume has one source, and is mounted at a path that can be.

    The API server refuses the object.
    """
    for path, volume in entries(obj.pod, obj.pod_path, "volumes"):
        if len(chosen := volume_sources(volume)) > 1:
            message = f"the volume {dig(volume, 'name')} has {' and '.join(chosen)}, and one source is allowed"
            yield FieldViolation((*path, chosen[1]), message)
    for where, container in containers(obj):
        for path, mount in entries(container, where, "volumeMounts"):
            place, inner = dig(mount, "mountPath"), dig(mount, "subPath")
            if isinstance(place, str) and (":" in place or not place):
                yield FieldViolation((*path, "mountPath"), f"nothing can be mounted at {place!r}")
            if isinstance(inner, str) and (inner.startswith("/") or ".." in inner.split("/")):
                yield FieldViolation((*path, "subPath"), f"the subPath {inner!r} leads out of the volume")
            if inner and dig(mount, "subPathExpr"):
                yield FieldViolation((*path, "subPath"), "a mount has subPath or subPathExpr, not both")


@rule("kubernetes/bad-variable", ERROR, fix="Keep one of value and valueFrom, and one reference in it.")
def bad_variable(obj: ObjectContext) -> Iterator[FieldViolation]:
    """An environment variable has a name that can be, and one source.

    The API server refuses the object.
    """
    reason = partial(values.bad_variable, relaxed=schemas.number(obj.model.kubernetes) >= (1, 32))
    for where, container in containers(obj):
        for path, variable in entries(container, where, "env"):
            name, source = dig(variable, "name"), dig(variable, "valueFrom")
            yield from malformed(name, (*path, "name"), reason, "name of a variable")
            if isinstance(source, dict) and dig(variable, "value"):
                yield FieldViolation((*path, "value"), f"{name} has both a value and valueFrom")
            yield from _source(source, (*path, "valueFrom"), f"valueFrom of {name}", _SOURCES)
        for path, source in entries(container, where, "envFrom"):
            yield from _source(source, path, "an entry of envFrom", ("configMapRef", "secretRef"))


def volume_sources(volume: Any) -> list[str]:
    """The fields of a volume that say where its content comes from."""
    known = schemas.definition("io.k8s.api.core.v1.Volume").fields.keys() - {"name"}
    return [field for field in present(mapping(volume), *mapping(volume)) if field in known]


def _source(value: Any, path: FieldPath, subject: str, choices: tuple[str, ...]) -> Iterator[FieldViolation]:
    """Exactly one source is set. An unknown field is taken for a misspelt source, which the schema rules report."""
    chosen = present(mapping(value), *choices)
    if isinstance(value, dict) and len(chosen) != 1 and not value.keys() - {*choices, "prefix"}:
        yield FieldViolation(path, f"{subject} has {' and '.join(chosen) or 'no source'}, and one belongs there")


def _probe(probe: Mapping[str, Any], path: FieldPath, field: str) -> Iterator[FieldViolation]:
    yield from _handler(probe, path, field, _HANDLERS)
    yield from too_small(probe, path, _LEAST)
    times = integer(probe.get("successThreshold"))
    if field != "readinessProbe" and times is not None and times > 1:
        message = f"successThreshold is {times}, and has to be 1 in a {field}"
        yield FieldViolation((*path, "successThreshold"), message)
    if field == "readinessProbe" and probe.get("terminationGracePeriodSeconds") is not None:
        message = "a readinessProbe has no terminationGracePeriodSeconds"
        yield FieldViolation((*path, "terminationGracePeriodSeconds"), message)


def _handler(value: Mapping[str, Any], path: FieldPath, field: str, choices: Sequence[str]) -> Iterator[FieldViolation]:
    """Exactly one handler is set. An unknown field is taken for a misspelt handler, which the schema rules report."""
    chosen = present(value, *choices)
    if len(chosen) > 1:
        yield FieldViolation((*path, chosen[1]), f"{field} has {' and '.join(chosen)}, and one is allowed")
    elif value and not chosen and not value.keys() - {*_LEAST, "stopSignal"}:
        yield FieldViolation(path, f"{field} has none of {', '.join(choices)}")
