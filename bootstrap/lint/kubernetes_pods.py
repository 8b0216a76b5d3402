"""Pods beyond their schema: what the API server's validation asks of containers, volumes and their neighbours.

Source: kubernetes, pkg/apis/core/validation/validation.go.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from bootstrap import schemas
from bootstrap.lint import kubernetes_values as values
from bootstrap.lint.kubernetes_flaw import REFUSED_VALUE, Flaw, Path, below, given, spelt, whole
from bootstrap.lint.kubernetes_names import BAD_NAME, node_selector
from bootstrap.validate.context import dig, items, mapping
from bootstrap.validate.violation import Rule, Severity

BAD_PORT = Rule(
    name="kubernetes/bad-port",
    severity=Severity.ERROR,
    title="Ports and their names are in their ranges: 1 to 65535, node ports 30000 to 32767, names of 15 characters.",
    why="The API server refuses the object.",
    fix="Choose a number, or a name, within the range.",
)
BAD_PROBE = Rule(
    name="kubernetes/bad-probe",
    severity=Severity.ERROR,
    title="A probe has one handler, and times that make sense.",
    why="The API server refuses the object.",
    fix="Keep one of exec, httpGet, tcpSocket and grpc, and write positive numbers.",
)
REQUEST_OVER_LIMIT = Rule(
    name="kubernetes/request-over-limit",
    severity=Severity.ERROR,
    title="A container asks for no more than its limit allows.",
    why="The API server refuses the object: Invalid value, must be less than or equal to the limit.",
    fix="Raise the limit, or lower the request.",
)
RESTART_POLICY = Rule(
    name="kubernetes/restart-policy",
    severity=Severity.ERROR,
    title="The restart policy is one that the kind allows.",
    why="The API server refuses it: pods of a Job end, so theirs is Never or OnFailure; all others' is Always.",
    fix="Write Never or OnFailure for a Job, and nothing for other kinds.",
)
BAD_VOLUME = Rule(
    name="kubernetes/bad-volume",
    severity=Severity.ERROR,
    title="A volume has one source, and is mounted at a path that can be.",
    why="The API server refuses the object.",
    fix="Keep one source, and mount it at a path without a colon; a subPath is relative and has no `..`.",
)
BAD_VARIABLE = Rule(
    name="kubernetes/bad-variable",
    severity=Severity.ERROR,
    title="An environment variable has a name that can be, and one source.",
    why="The API server refuses the object.",
    fix="Keep one of value and valueFrom, and one reference in it.",
)
RULES = (BAD_PORT, BAD_PROBE, REQUEST_OVER_LIMIT, RESTART_POLICY, BAD_VOLUME, BAD_VARIABLE)

_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_POLICIES = {"Job": ("Never", "OnFailure"), "CronJob": ("Never", "OnFailure")}
_SPELT_SOURCES = ("configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef")


def check(spec: Mapping[str, Any], path: Path, kind: str, oldest: str) -> Iterator[Flaw]:
    """All that is wrong with a pod's spec, which stands at a path of an object of a kind."""
    yield from _policy(spec, path, kind)
    yield from below(spec, path, {"terminationGracePeriodSeconds": 0, "activeDeadlineSeconds": 1})
    yield from node_selector(spec, path)
    yield from _volumes(spec, path)
    yield from _tolerations(spec, path)
    names: set[str] = set()
    for field in ("initContainers", "containers"):
        for number, each in enumerate(items(spec.get(field))):
            if isinstance(each, dict):
                where = (*path, field, number)
                yield from _container(each, where, oldest)
                if field == "initContainers":
                    yield from _initial(each, where)
                name = each.get("name")
                if field == "containers" and isinstance(name, str) and name in names:
                    what = f"an init container is called {name} too"
                    yield Flaw(rule=REFUSED_VALUE, path=(*where, "name"), what=what)
                names.update((name,) if isinstance(name, str) and field == "initContainers" else ())


def _policy(spec: Mapping[str, Any], path: Path, kind: str) -> Iterator[Flaw]:
    policy = spec.get("restartPolicy")
    if kind == "Pod" or policy not in ("Always", "OnFailure", "Never", None):
        return
    allowed = _POLICIES.get(kind, ("Always",))
    if (policy or "Always") not in allowed:
        what = (
            f"the restart policy of a {kind} is {' or '.join(allowed)}, and this is {policy or 'Always, the default'}"
        )
        yield Flaw(rule=RESTART_POLICY, path=(*path, "restartPolicy"), what=what)


def _container(each: Mapping[str, Any], path: Path, oldest: str) -> Iterator[Flaw]:
    yield from spelt(BAD_NAME, values.bad_label_name, each.get("name"), (*path, "name"), "name of a container")
    yield from _ports(each, path)
    for field in _PROBES:
        yield from _probe(each.get(field), (*path, field))
    for field in ("postStart", "preStop"):
        yield from _one(mapping(dig(each, "lifecycle", field)), (*path, "lifecycle", field), BAD_PROBE, _LIFECYCLE)
    yield from _resources(mapping(each.get("resources")), (*path, "resources"))
    yield from _variables(each, path, oldest)
    yield from _mounts(each, path)
    image = each.get("image")
    if isinstance(image, str) and image != image.strip():
        yield Flaw(rule=REFUSED_VALUE, path=(*path, "image"), what=f"the image {image!r} has a space at an end")
    security = mapping(each.get("securityContext"))
    if security.get("privileged") is True and security.get("allowPrivilegeEscalation") is False:
        what = "privileged and allowPrivilegeEscalation: false contradict each other"
        yield Flaw(rule=REFUSED_VALUE, path=(*path, "securityContext", "privileged"), what=what)


_LIFECYCLE = ("exec", "httpGet", "tcpSocket", "sleep")


def _initial(each: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    if each.get("restartPolicy") != "Always":
        for field in given(each, *_PROBES, "lifecycle"):
            what = f"an init container has no {field}, unless its restartPolicy is Always"
            yield Flaw(rule=REFUSED_VALUE, path=(*path, field), what=what)


def _ports(each: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    named: set[str] = set()
    for number, port in enumerate(items(each.get("ports"))):
        where = (*path, "ports", number)
        for field in ("containerPort", "hostPort"):
            value = whole(dig(port, field))
            if value is not None and (why := values.bad_port(value)) and (field, value) != ("hostPort", 0):
                yield Flaw(rule=BAD_PORT, path=(*where, field), what=f"{field} {value}: {why}")
        name = dig(port, "name")
        yield from spelt(BAD_PORT, values.bad_port_name, name, (*where, "name"), "name of a port")
        if isinstance(name, str) and name in named:
            yield Flaw(rule=BAD_PORT, path=(*where, "name"), what=f"two ports of the container are called {name}")
        named.update((name,) if isinstance(name, str) else ())


def _probe(probe: Any, path: Path) -> Iterator[Flaw]:
    if not isinstance(probe, dict):
        return
    yield from _one(probe, path, BAD_PROBE, _HANDLERS)
    least = {"initialDelaySeconds": 0, "timeoutSeconds": 0, "periodSeconds": 0, "successThreshold": 0}
    for flaw in below(probe, path, {**least, "failureThreshold": 0, "terminationGracePeriodSeconds": 1}):
        yield Flaw(rule=BAD_PROBE, path=flaw.path, what=flaw.what)
    times = whole(probe.get("successThreshold"))
    if path[-1] != "readinessProbe" and times is not None and times > 1:
        what = f"successThreshold is {times}, and has to be 1 in a {path[-1]}"
        yield Flaw(rule=BAD_PROBE, path=(*path, "successThreshold"), what=what)
    if path[-1] == "readinessProbe" and probe.get("terminationGracePeriodSeconds") is not None:
        what = "a readinessProbe has no terminationGracePeriodSeconds"
        yield Flaw(rule=BAD_PROBE, path=(*path, "terminationGracePeriodSeconds"), what=what)
    for handler in ("httpGet", "tcpSocket"):
        port, where = dig(probe, handler, "port"), (*path, handler, "port")
        if (number := whole(port)) is not None and (why := values.bad_port(number)):
            yield Flaw(rule=BAD_PORT, path=where, what=f"port {number}: {why}")
        yield from spelt(BAD_PORT, values.bad_port_name, port, where, "name of a port")


def _one(value: Mapping[str, Any], path: Path, rule: Rule, choices: tuple[str, ...]) -> Iterator[Flaw]:
    """Exactly one of several fields of a mapping that stands there."""
    chosen = given(value, *choices)
    if len(chosen) > 1:
        yield Flaw(
            rule=rule, path=(*path, chosen[1]), what=f"{path[-1]} has {' and '.join(chosen)}, and one is allowed"
        )
    elif value and not chosen and not value.keys() - _TIMES:
        yield Flaw(rule=rule, path=path, what=f"{path[-1]} has none of {', '.join(choices)}")


# Fields of a probe beside its handler. Where another field stands, it is misspelt, and that is told by its own rule.
_TIMES = frozenset(
    {"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"}
    | {"terminationGracePeriodSeconds", "stopSignal"}
)


def _resources(resources: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    requests, limits = mapping(resources.get("requests")), mapping(resources.get("limits"))
    for kind, held in (("requests", requests), ("limits", limits)):
        for name, value in held.items():
            amount = values.quantity(value)
            if amount is not None and amount < 0:
                what = f"{kind} of {name} are {value}, and can't be less than 0"
                yield Flaw(rule=REFUSED_VALUE, path=(*path, kind, str(name)), what=what)
    for name, value in requests.items():
        asked, allowed = values.quantity(value), values.quantity(limits.get(name))
        if asked is not None and allowed is not None and asked > allowed:
            what = f"the request for {name}, {value}, is more than its limit, {limits[name]}"
            yield Flaw(rule=REQUEST_OVER_LIMIT, path=(*path, "requests", str(name)), what=what)


def _variables(each: Mapping[str, Any], path: Path, oldest: str) -> Iterator[Flaw]:
    relaxed = schemas.number(oldest) >= (1, 32)
    for number, variable in enumerate(items(each.get("env"))):
        where, name = (*path, "env", number), dig(variable, "name")
        fits = partial(values.bad_variable, relaxed=relaxed)
        yield from spelt(BAD_VARIABLE, fits, name, (*where, "name"), "name of a variable")
        source = dig(variable, "valueFrom")
        if not isinstance(source, dict):
            continue
        if dig(variable, "value"):
            what = f"{name} has both a value and valueFrom"
            yield Flaw(rule=BAD_VARIABLE, path=(*where, "value"), what=what)
        chosen = given(source, *_SPELT_SOURCES)
        if len(chosen) != 1 and not source.keys() - {*_SPELT_SOURCES}:
            what = f"valueFrom of {name} has {' and '.join(chosen) or 'no source'}, and one belongs there"
            yield Flaw(rule=BAD_VARIABLE, path=(*where, "valueFrom"), what=what)
    for number, source in enumerate(items(each.get("envFrom"))):
        chosen = given(mapping(source), "configMapRef", "secretRef")
        if (
            isinstance(source, dict)
            and len(chosen) != 1
            and not source.keys() - {"configMapRef", "secretRef", "prefix"}
        ):
            what = f"an entry of envFrom has {' and '.join(chosen) or 'no source'}, and one belongs there"
            yield Flaw(rule=BAD_VARIABLE, path=(*path, "envFrom", number), what=what)


def _mounts(each: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    for number, mount in enumerate(items(each.get("volumeMounts"))):
        where = (*path, "volumeMounts", number)
        place, inner = dig(mount, "mountPath"), dig(mount, "subPath")
        if isinstance(place, str) and (":" in place or not place):
            yield Flaw(rule=BAD_VOLUME, path=(*where, "mountPath"), what=f"nothing can be mounted at {place!r}")
        if isinstance(inner, str) and (inner.startswith("/") or ".." in inner.split("/")):
            what = f"the subPath {inner!r} leads out of the volume"
            yield Flaw(rule=BAD_VOLUME, path=(*where, "subPath"), what=what)
        if inner and dig(mount, "subPathExpr"):
            yield Flaw(rule=BAD_VOLUME, path=(*where, "subPath"), what="a mount has subPath or subPathExpr, not both")


def _volumes(spec: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    known = {field for field in schemas.definition("io.k8s.api.core.v1.Volume").fields if field != "name"}
    for number, volume in enumerate(items(spec.get("volumes"))):
        where, name = (*path, "volumes", number), dig(volume, "name")
        yield from spelt(BAD_NAME, values.bad_label_name, name, (*where, "name"), "name of a volume")
        chosen = given(mapping(volume), *(field for field in mapping(volume) if field in known))
        if len(chosen) > 1:
            what = f"the volume {name} has {' and '.join(chosen)}, and one source is allowed"
            yield Flaw(rule=BAD_VOLUME, path=(*where, chosen[1]), what=what)


def _tolerations(spec: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    for number, each in enumerate(items(spec.get("tolerations"))):
        where = (*path, "tolerations", number)
        if dig(each, "operator") == "Exists" and dig(each, "value"):
            what = "a toleration with the operator Exists has no value"
            yield Flaw(rule=REFUSED_VALUE, path=(*where, "value"), what=what)
        if dig(each, "tolerationSeconds") is not None and dig(each, "effect") != "NoExecute":
            what = "tolerationSeconds belong to the effect NoExecute alone"
            yield Flaw(rule=REFUSED_VALUE, path=(*where, "tolerationSeconds"), what=what)
