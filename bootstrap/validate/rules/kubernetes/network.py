"""Rules about Services and ports beyond their schema (kubernetes, pkg/apis/{core,networking}/validation)."""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.kubernetes import values
from bootstrap.kubernetes.objects import dig, entries, items
from bootstrap.validate.objects import ObjectContext, containers
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes.field_checks import integer, malformed
from bootstrap.validate.violation import FieldViolation
from bootstrap.yamltools.positions import FieldPath

PROBES = ("startupProbe", "livenessProbe", "readinessProbe")
_NODE_PORTS = range(30000, 32768)  # default of kube-apiserver --service-node-port-range
_CLOSED = ("ClusterIP", None)


@rule("kubernetes/bad-service", ERROR, fix="Change the type, or remove what does not go with it.")
def bad_service(obj: ObjectContext) -> Iterator[FieldViolation]:
    """A Service's type, address and ports go together.

    The API server refuses the object.
    """
    if obj.kind != "Service":
        return
    spec = obj.spec
    kind, address, ports = spec.get("type"), spec.get("clusterIP"), items(spec.get("ports"))
    if address == "None" and kind in ("NodePort", "LoadBalancer"):
        message = f"a Service of type {kind} can't be headless (clusterIP: None)"
        yield FieldViolation(("spec", "clusterIP"), message, "use the type ClusterIP, or no clusterIP")
    elif isinstance(address, str) and address not in ("None", "") and not is_address(address):
        yield FieldViolation(("spec", "clusterIP"), f"{address} is no IP address")
    if not ports and kind in (*_CLOSED, "NodePort", "LoadBalancer") and address != "None":
        yield FieldViolation(("spec", "ports"), "the Service has no port")
    if kind == "ExternalName" and not spec.get("externalName"):
        yield FieldViolation(("spec", "type"), "a Service of type ExternalName needs an externalName")
    if spec.get("externalTrafficPolicy") and kind in _CLOSED:
        message = "externalTrafficPolicy goes with the types NodePort and LoadBalancer alone"
        yield FieldViolation(("spec", "externalTrafficPolicy"), message)
    named: set[str] = set()
    for path, port in entries(spec, ("spec",), "ports"):
        name, node = dig(port, "name"), integer(dig(port, "nodePort"))
        if isinstance(name, str) and name in named:
            yield FieldViolation((*path, "name"), f"two ports of the Service are called {name}")
        named.update((name,) if isinstance(name, str) else ())
        if len(ports) > 1 and isinstance(port, dict) and not name:
            yield FieldViolation((*path, "port"), "a port has no name, and the Service has several")
        if node and kind in _CLOSED:
            message = f"nodePort {node} does not go with the type ClusterIP"
            yield FieldViolation((*path, "nodePort"), message, "use the type NodePort")


@rule("kubernetes/bad-port", ERROR, fix="Choose a number, or a name, within the range.")
def bad_port(obj: ObjectContext) -> Iterator[FieldViolation]:
    """Ports and their names are in their ranges: 1 to 65535, node ports 30000 to 32767, names of 15 characters.

    The API server refuses the object.
    """
    for path, container in containers(obj):
        yield from _of_container(container, path)
    if obj.kind == "Service":
        yield from _of_service(obj.spec)
    elif obj.kind == "Ingress":
        for path, backend in backends(obj.spec):
            port, path = dig(backend, "service", "port"), (*path, "service", "port")
            yield from _number(dig(port, "number"), (*path, "number"), "port")
            yield from malformed(dig(port, "name"), (*path, "name"), values.bad_port_name, "name of a port")
    elif obj.kind == "NetworkPolicy":
        for side in ("ingress", "egress"):
            for where, entry in entries(obj.spec, ("spec",), side):
                for path, port in entries(entry, where, "ports"):
                    yield from _port(dig(port, "port"), (*path, "port"))


def backends(spec: Mapping[str, Any]) -> Iterator[tuple[FieldPath, Any]]:
    """Backends of an Ingress, with their paths."""
    yield ("spec", "defaultBackend"), spec.get("defaultBackend")
    for where, entry in entries(spec, ("spec",), "rules"):
        for path, route in entries(entry, where, "http", "paths"):
            yield (*path, "backend"), dig(route, "backend")


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _of_container(container: Mapping[str, Any], path: FieldPath) -> Iterator[FieldViolation]:
    named: set[str] = set()
    for where, port in entries(container, path, "ports"):
        name = dig(port, "name")
        yield from _number(dig(port, "containerPort"), (*where, "containerPort"), "containerPort")
        yield from _number(dig(port, "hostPort") or None, (*where, "hostPort"), "hostPort")  # 0 is none
        yield from malformed(name, (*where, "name"), values.bad_port_name, "name of a port")
        if isinstance(name, str) and name in named:
            yield FieldViolation((*where, "name"), f"two ports of the container are called {name}")
        named.update((name,) if isinstance(name, str) else ())
    for field in PROBES:
        for handler in ("httpGet", "tcpSocket"):
            yield from _port(dig(container, field, handler, "port"), (*path, field, handler, "port"))


def _of_service(spec: Mapping[str, Any]) -> Iterator[FieldViolation]:
    taken: set[tuple[int, str]] = set()
    for path, port in entries(spec, ("spec",), "ports"):
        node = integer(dig(port, "nodePort"))
        yield from _number(dig(port, "port"), (*path, "port"), "port")
        yield from _port(dig(port, "targetPort"), (*path, "targetPort"), "targetPort")
        yield from malformed(dig(port, "name"), (*path, "name"), values.bad_label_name, "name of a Service's port")
        if node and spec.get("type") not in _CLOSED:
            claim = (node, str(dig(port, "protocol") or "TCP"))
            if node not in _NODE_PORTS:
                message = f"nodePort {node}: the range is {_NODE_PORTS.start} to {_NODE_PORTS.stop - 1}"
                yield FieldViolation((*path, "nodePort"), message)
            elif claim in taken:
                yield FieldViolation((*path, "nodePort"), f"two ports of the Service take nodePort {node}")
            taken.add(claim)


def _port(value: Any, path: FieldPath, field: str = "port") -> Iterator[FieldViolation]:
    """Violations for a port that is neither a valid number nor a valid name."""
    yield from _number(value, path, field)
    yield from malformed(value, path, values.bad_port_name, "name of a port")


def _number(value: Any, path: FieldPath, field: str) -> Iterator[FieldViolation]:
    number = integer(value)
    if number is not None and (why := values.bad_port(number)):
        yield FieldViolation(path, f"{field} {number}: {why}")
