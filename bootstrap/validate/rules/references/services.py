"""Rules about references to Services, from an Ingress, a StatefulSet, a route or a URL in a setting."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import Object, dig, identify, items
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext, shared
from bootstrap.validate.hosts import Call, calls, target
from bootstrap.validate.pods import Container, Pod
from bootstrap.validate.references import Mention, first, grouped, readers, suggest, unread
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import FieldPath, Place

_ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")


@rule(
    "references/missing-service",
    ERROR,
    fix="Correct the name in the setting, the Ingress or the StatefulSet, or add the Service.",
)
def missing_service(env: EnvironmentContext) -> Iterator[Violation]:
    """Every Service that something calls by its name is part of its environment.

    The name resolves to nothing: callers fail with `Name or service not known`, an Ingress answers 503.
    """
    services = _services(env)
    for name, port, group in grouped(_mentions(env)):
        if name not in services and not port and not unread(env, "Service", name):
            message = f"Service {name} is not part of this environment; called by {readers(group)}"
            yield Violation(first(group), message, suggest(name, services))


@rule(
    "references/missing-service-port",
    ERROR,
    fix="Use a port of the Service (its `port`, not its `targetPort`), or add this one to it.",
)
def missing_service_port(env: EnvironmentContext) -> Iterator[Violation]:
    """A Service has every port that it is called at.

    Connections to another port of a Service's address are refused or dropped, whatever its pods listen on.
    """
    services = _services(env)
    for name, port, group in grouped(_mentions(env)):
        service = services.get(name)
        if service is not None and port and port not in (known := _ports(service)) and _proxied(service):
            message = f"{identify(service)} has no port {port}; called by {readers(group)}"
            yield Violation(first(group), message, suggest(port, known))


@rule(
    "references/other-environment", WARNING, fix="Call the Service by its short name: it then is the environment's own."
)
def other_environment(env: EnvironmentContext) -> Iterator[Violation]:
    """No setting calls a Service in the namespace of another environment.

    What runs here would read or write what belongs there, and fails with it.
    """
    own = env.environment.namespace
    others = {
        environment.namespace: environment.name
        for environment in env.model.environments
        if environment.namespace != own
    }
    for pod in pods.of(env):
        for container in pod.containers:
            for call, reader, where in _calls(pod, container):
                service = target(call.host, own, _services(env))
                namespace = service.namespace if service else call.host.partition(".")[2]
                if namespace in others:
                    message = f"{reader} calls {call.host}, which belongs to environment {others[namespace]}"
                    hint = f"the environment's own is called {call.host.partition('.')[0]}"
                    yield Violation(where(), message, hint)


def _services(env: EnvironmentContext) -> dict[str, Object]:
    return {service["metadata"]["name"]: service for service in env.of_kind("Service")}


@shared
def _mentions(env: EnvironmentContext) -> Iterator[Mention]:
    yield from _structural(env)
    yield from _called(env, _services(env))


def _structural(env: EnvironmentContext) -> Iterator[Mention]:
    for stateful_set in env.of_kind("StatefulSet"):
        if isinstance(name := dig(stateful_set, "spec", "serviceName"), str) and name:
            yield from _mention(env, stateful_set, ("spec", "serviceName"), name)
    for ingress in env.of_kind("Ingress"):
        yield from _backend(env, ingress, ("spec", "defaultBackend"))
        for number, route in enumerate(items(ingress, "spec", "rules")):
            for index in range(len(items(route, "http", "paths"))):
                yield from _backend(env, ingress, ("spec", "rules", number, "http", "paths", index, "backend"))
    for route_object in env.of_kind(*_ROUTES):
        for number, route in enumerate(items(route_object, "spec", "rules")):
            for index, backend in enumerate(items(route, "backendRefs")):
                name, port = dig(backend, "name"), dig(backend, "port")
                if dig(backend, "kind") in (None, "Service") and dig(backend, "namespace") is None:
                    path = ("spec", "rules", number, "backendRefs", index)
                    yield from _mention(env, route_object, (*path, "name"), name)
                    yield from _mention(env, route_object, (*path, "port"), name, port)


def _backend(env: EnvironmentContext, ingress: Object, path: FieldPath) -> Iterator[Mention]:
    name = dig(ingress, *path, "service", "name")
    yield from _mention(env, ingress, (*path, "service", "name"), name)
    for field in ("name", "number"):
        port = dig(ingress, *path, "service", "port", field)
        yield from _mention(env, ingress, (*path, "service", "port", field), name, port)


def _mention(env: EnvironmentContext, obj: Object, path: FieldPath, name: Any, port: Any = "") -> Iterator[Mention]:
    if isinstance(name, str) and name and isinstance(port, str | int):
        where = partial(env.trace.field, obj, path)
        yield Mention(name=name, key=str(port), reader=str(identify(obj)), where=where)


def _called(env: EnvironmentContext, services: Mapping[str, Object]) -> Iterator[Mention]:
    namespace = env.environment.namespace
    for pod in pods.of(env):
        for container in pod.containers:
            for call, reader, where in _calls(pod, container):
                service = target(call.host, namespace, services)
                if service is not None and service.namespace == namespace:
                    yield Mention(name=service.service, reader=reader, where=where)
                    if call.port is not None:
                        yield Mention(name=service.service, key=str(call.port), reader=reader, where=where)


def _calls(pod: Pod, container: Container) -> Iterator[tuple[Call, str, Any]]:
    """Hosts in a container's variables, command and args."""
    aliases = {name for alias in items(pod.spec.get("hostAliases")) for name in items(alias, "hostnames") if name}
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
    """Add the port from a second variable, as in STATSD_HOST and STATSD_PORT."""
    beside = container.settings.get(variable.removesuffix("_HOST") + "_PORT") if call.port is None else None
    port = beside.value if beside is not None and variable.endswith("_HOST") else None
    return Call(call.host, int(port)) if port and port.isascii() and port.isdigit() and len(port) < 6 else call


def _ports(service: Object) -> set[str]:
    ports = items(service, "spec", "ports")
    return {str(value) for port in ports for value in (dig(port, "name"), dig(port, "port")) if value is not None}


def _proxied(service: Object) -> bool:
    """Whether kube-proxy serves it, so that only its own ports answer: not if it is headless or an ExternalName."""
    return bool(dig(service, "spec", "type") != "ExternalName" and dig(service, "spec", "clusterIP") != "None")
