"""Rules about values that pass the schema and fail the API server's validation: metadata, pods, Ingress, NetworkPolicy.

Source: kubernetes, pkg/apis/{core,networking}/validation. Those of workloads stand in workloads.py.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.kubernetes import values
from bootstrap.kubernetes.objects import dig, entries, mapping
from bootstrap.validate.objects import ObjectContext, containers
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes import pod_security, workloads
from bootstrap.validate.rules.kubernetes.field_checks import malformed, present, strings, too_small
from bootstrap.validate.rules.kubernetes.names import metadatas
from bootstrap.validate.rules.kubernetes.network import PROBES, backends, is_address
from bootstrap.validate.violation import FieldViolation
from bootstrap.yamltools.positions import FieldPath

_ANNOTATION_BYTES = 256 * 1024
_CONFIG_BYTES = 1024 * 1024  # core.MaxSecretSize; ConfigMaps have the same limit


@rule("kubernetes/refused-value", ERROR, fix="Write a value that the field allows.")
def refused_value(obj: ObjectContext) -> Iterator[FieldViolation]:
    """The API server's validation accepts every value, by itself and together with its neighbours.

    The API server refuses the object, though its type is right, and the whole sync fails.
    """
    yield from _annotations(obj)
    yield from workloads.refused(obj)
    yield from _pod(obj)
    if obj.kind == "Ingress":
        yield from _ingress(obj.spec)
    elif obj.kind == "NetworkPolicy":
        yield from _network_policy(obj.spec)
    elif obj.kind in ("ConfigMap", "Secret"):
        yield from _configuration(obj)
    elif obj.kind == "Namespace":
        yield from pod_security.bad_labels(obj.value)


def _annotations(obj: ObjectContext) -> Iterator[FieldViolation]:
    for path, metadata in metadatas(obj):
        size = sum(len(key.encode()) + len(text.encode()) for key, text in strings(metadata.get("annotations")))
        if size > _ANNOTATION_BYTES:
            message = f"the annotations have {size} bytes together, where {_ANNOTATION_BYTES} are allowed"
            yield FieldViolation((*path, "annotations"), message)


def _pod(obj: ObjectContext) -> Iterator[FieldViolation]:
    yield from too_small(obj.pod, obj.pod_path, {"terminationGracePeriodSeconds": 0, "activeDeadlineSeconds": 1})
    for where, toleration in entries(obj.pod, obj.pod_path, "tolerations"):
        if dig(toleration, "operator") == "Exists" and dig(toleration, "value"):
            yield FieldViolation((*where, "value"), "a toleration with the operator Exists has no value")
        if dig(toleration, "tolerationSeconds") is not None and dig(toleration, "effect") != "NoExecute":
            message = "tolerationSeconds belong to the effect NoExecute alone"
            yield FieldViolation((*where, "tolerationSeconds"), message)
    names: set[str] = set()
    for path, container in containers(obj):
        yield from _container(container, path)
        name, initial = container.get("name"), "initContainers" in path
        if not initial and isinstance(name, str) and name in names:
            yield FieldViolation((*path, "name"), f"an init container is called {name} too")
        names.update((name,) if isinstance(name, str) and initial else ())
        if initial and container.get("restartPolicy") != "Always":
            for field in present(container, *PROBES, "lifecycle"):
                message = f"an init container has no {field}, unless its restartPolicy is Always"
                yield FieldViolation((*path, field), message)


def _container(container: Mapping[str, Any], path: FieldPath) -> Iterator[FieldViolation]:
    for kind in ("requests", "limits"):
        for name, value in mapping(dig(container, "resources", kind)).items():
            amount = values.quantity(value)
            if amount is not None and amount < 0:
                message = f"{kind} of {name} are {value}, and can't be less than 0"
                yield FieldViolation((*path, "resources", kind, str(name)), message)
    image, security = container.get("image"), mapping(container.get("securityContext"))
    if isinstance(image, str) and image != image.strip():
        yield FieldViolation((*path, "image"), f"the image {image!r} has a space at an end")
    if security.get("privileged") is True and security.get("allowPrivilegeEscalation") is False:
        message = "privileged and allowPrivilegeEscalation: false contradict each other"
        yield FieldViolation((*path, "securityContext", "privileged"), message)


def _ingress(spec: Mapping[str, Any]) -> Iterator[FieldViolation]:
    if not present(spec, "rules", "defaultBackend"):
        yield FieldViolation(("spec",), "an Ingress needs rules or a defaultBackend")
    for path, backend in backends(spec):
        yield from _backend(backend, path)
    for where, entry in entries(spec, ("spec",), "rules"):
        host = dig(entry, "host")
        if isinstance(host, str) and is_address(host):
            yield FieldViolation((*where, "host"), f"the host {host} is an IP address, where a name belongs")
        elif host:
            yield from malformed(host, (*where, "host"), _bad_host, "host")
        for place, route in entries(entry, where, "http", "paths"):
            path, required = dig(route, "path"), dig(route, "pathType") in ("Exact", "Prefix")
            if (isinstance(path, str) and path and not path.startswith("/")) or (required and path in (None, "")):
                yield FieldViolation((*place, "path"), f"the path {path or ''!r} does not begin with /")


def _bad_host(host: str) -> str:
    return values.bad_subdomain(host.removeprefix("*."))


def _backend(backend: Any, path: FieldPath) -> Iterator[FieldViolation]:
    service, where = dig(backend, "service"), (*path, "service", "port")
    port = dig(service, "port")
    if isinstance(service, dict) and port is None:
        yield FieldViolation(where, "the backend's Service has no port")
    if isinstance(port, dict) and len(present(port, "name", "number")) == 2:
        yield FieldViolation((*where, "name"), "a port has a name or a number, not both")
    if port == {}:
        yield FieldViolation(where, "the port has neither name nor number")


def _network_policy(spec: Mapping[str, Any]) -> Iterator[FieldViolation]:
    for side, peers in (("ingress", "from"), ("egress", "to")):
        for where, entry in entries(spec, ("spec",), side):
            for path, peer in entries(entry, where, peers):
                block = dig(peer, "ipBlock")
                if isinstance(block, dict) and present(peer, "podSelector", "namespaceSelector"):
                    yield FieldViolation((*path, "ipBlock"), "an ipBlock goes with no selector in the same entry")
                yield from malformed(dig(block, "cidr"), (*path, "ipBlock", "cidr"), values.bad_network, "network")


def _configuration(obj: ObjectContext) -> Iterator[FieldViolation]:
    fields = (obj.value.get(field) for field in ("data", "binaryData", "stringData"))
    size = sum(len(text.encode(errors="replace")) for field in fields for _, text in strings(field))
    # Base64 adds a third; the limit counts the decoded bytes.
    if size > _CONFIG_BYTES * (4 / 3 if obj.kind == "Secret" else 1):
        message = f"the entries have {size} bytes together, where {_CONFIG_BYTES} are allowed"
        yield FieldViolation(("metadata", "name"), message)
