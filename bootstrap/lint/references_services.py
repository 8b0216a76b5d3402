"""Rules about Services that something calls: an Ingress, a StatefulSet, a URL in a setting."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import Object, identify
from bootstrap.lint.references_hosts import Call, calls, target
from bootstrap.lint.references_mention import Mention, first, grouped, near, readers
from bootstrap.lint.references_unread import unread
from bootstrap.validate import pods
from bootstrap.validate.context import Scene, dig, items
from bootstrap.validate.pods import Container, Pod
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

MISSING_SERVICE = Rule(
    name="references/missing-service",
    severity=Severity.ERROR,
    title="Every Service that something calls by its name is part of its environment.",
    why="The name resolves to nothing: callers fail with `Name or service not known`, an Ingress answers 503.",
    fix="Correct the name in the setting, the Ingress or the StatefulSet, or add the Service.",
)
MISSING_PORT = Rule(
    name="references/missing-service-port",
    severity=Severity.ERROR,
    title="A Service has every port that it is called at.",
    why="Connections to another port of a Service's address are refused or dropped, whatever its pods listen on.",
    fix="Use a port of the Service (its `port`, not its `targetPort`), or add this one to it.",
)
FOREIGN = Rule(
    name="references/other-environment",
    severity=Severity.WARNING,
    title="No setting calls a Service in the namespace of another environment.",
    why="What runs here would read or write what belongs there, and fails with it.",
    fix="Call the Service by its short name: it then is the environment's own.",
)
RULES = (MISSING_SERVICE, MISSING_PORT, FOREIGN)

_ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")


def check(scene: Scene) -> Iterator[Finding]:
    """All that is called and does not answer."""
    services = {each["metadata"]["name"]: each for each in scene.of_kind("Service")}
    mentions = [*_structural(scene), *_called(scene, services)]
    for name, port, group in grouped(mentions):
        service = services.get(name)
        if service is None and not port and not unread(scene, "Service", name):
            message = f"Service {name} is not part of this environment; called by {readers(group)}"
            yield scene.finding(MISSING_SERVICE, first(group), message, near(name, services))
        elif service is not None and port and port not in (known := _ports(service)) and _proxied(service):
            message = f"{identify(service)} has no port {port}; called by {readers(group)}"
            yield scene.finding(MISSING_PORT, first(group), message, near(port, known))
    yield from _foreign(scene, services)


def _structural(scene: Scene) -> Iterator[Mention]:
    for each in scene.of_kind("StatefulSet"):
        if isinstance(name := dig(each, "spec", "serviceName"), str) and name:
            yield from _mention(scene, each, ("spec", "serviceName"), name)
    for each in scene.of_kind("Ingress"):
        yield from _backend(scene, each, ("spec", "defaultBackend"))
        for number, rule in enumerate(items(dig(each, "spec", "rules"))):
            for index in range(len(items(dig(rule, "http", "paths")))):
                yield from _backend(scene, each, ("spec", "rules", number, "http", "paths", index, "backend"))
    for each in scene.of_kind(*_ROUTES):
        for number, rule in enumerate(items(dig(each, "spec", "rules"))):
            for index, backend in enumerate(items(dig(rule, "backendRefs"))):
                name, port = dig(backend, "name"), dig(backend, "port")
                if dig(backend, "kind") in (None, "Service") and dig(backend, "namespace") is None:
                    path = ("spec", "rules", number, "backendRefs", index)
                    yield from _mention(scene, each, (*path, "name"), name)
                    yield from _mention(scene, each, (*path, "port"), name, port)


def _backend(scene: Scene, ingress: Object, path: tuple[str | int, ...]) -> Iterator[Mention]:
    name = dig(ingress, *path, "service", "name")
    yield from _mention(scene, ingress, (*path, "service", "name"), name)
    for field in ("name", "number"):
        port = dig(ingress, *path, "service", "port", field)
        yield from _mention(scene, ingress, (*path, "service", "port", field), name, port)


def _mention(scene: Scene, each: Object, path: tuple[str | int, ...], name: Any, port: Any = "") -> Iterator[Mention]:
    if isinstance(name, str) and name and isinstance(port, str | int):
        where = partial(scene.trace.field, each, path)
        yield Mention(name=name, key=str(port), reader=str(identify(each)), where=where)


def _called(scene: Scene, services: Mapping[str, Object]) -> Iterator[Mention]:
    namespace = scene.environment.namespace
    for pod in pods.of(scene):
        for container in pod.containers:
            for call, reader, where in _calls(pod, container):
                found = target(call.host, namespace, services)
                if found is not None and found.namespace == namespace:
                    yield Mention(name=found.service, reader=reader, where=where)
                    if call.port is not None:
                        yield Mention(name=found.service, key=str(call.port), reader=reader, where=where)


def _calls(pod: Pod, container: Container) -> Iterator[tuple[Call, str, Any]]:
    """Every host that a container is told of: by its settings, and by its command."""
    aliases = {name for each in items(pod.spec.get("hostAliases")) for name in items(dig(each, "hostnames")) if name}
    for variable, setting in container.settings.items():
        if setting.value:
            for call in calls(variable, setting.value):
                if call.host not in aliases:
                    yield _completed(container, variable, call), variable, partial(_place, pod, setting)
    for field in ("command", "args"):
        for number, text in enumerate(items(container.data.get(field))):
            for call in calls("", text) if isinstance(text, str) else ():
                if call.host not in aliases:
                    yield call, str(pod), partial(container.place, field, number)


def _place(pod: Pod, setting: pods.Setting) -> Place:
    return setting.place or pod.place()


def _completed(container: Container, variable: str, call: Call) -> Call:
    """A call whose port stands in the variable beside it, as in STATSD_HOST and STATSD_PORT."""
    beside = container.settings.get(variable.removesuffix("_HOST") + "_PORT") if call.port is None else None
    port = beside.value if beside is not None and variable.endswith("_HOST") else None
    return Call(call.host, int(port)) if port and port.isascii() and port.isdigit() and len(port) < 6 else call


def _ports(service: Object) -> set[str]:
    ports = items(dig(service, "spec", "ports"))
    return {str(value) for each in ports for value in (dig(each, "name"), dig(each, "port")) if value is not None}


def _proxied(service: Object) -> bool:
    """Whether it answers at its own ports only: a headless one's name leads to pods, an external one's elsewhere."""
    return bool(dig(service, "spec", "type") != "ExternalName" and dig(service, "spec", "clusterIP") != "None")


def _foreign(scene: Scene, services: Mapping[str, Object]) -> Iterator[Finding]:
    own = scene.environment.namespace
    others = {each.namespace: each.name for each in scene.model.environments if each.namespace != own}
    for pod in pods.of(scene):
        for container in pod.containers:
            for call, reader, where in _calls(pod, container):
                found = target(call.host, own, services)
                namespace = found.namespace if found else call.host.partition(".")[2]
                if namespace in others:
                    message = f"{reader} calls {call.host}, which belongs to environment {others[namespace]}"
                    hint = f"the environment's own is called {call.host.partition('.')[0]}"
                    yield scene.finding(FOREIGN, where(), message, hint)
