"""Services, Ingresses, policies, roles and configuration, beyond their schema.

Source: kubernetes, pkg/apis/{core,networking,rbac}/validation.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.lint import kubernetes_values as values
from bootstrap.lint.kubernetes_flaw import REFUSED_VALUE, Flaw, Path, given, spelt, texts, whole
from bootstrap.lint.kubernetes_names import BAD_NAME
from bootstrap.lint.kubernetes_pods import BAD_PORT
from bootstrap.validate.context import dig, items, mapping
from bootstrap.validate.violation import Rule, Severity

BAD_SERVICE = Rule(
    name="kubernetes/bad-service",
    severity=Severity.ERROR,
    title="A Service's type, address and ports go together.",
    why="The API server refuses the object.",
    fix="Change the type, or remove what does not go with it.",
)
BAD_RBAC = Rule(
    name="kubernetes/bad-rbac",
    severity=Severity.ERROR,
    title="A role's rules and a binding's subjects are complete.",
    why="The API server refuses the object.",
    fix="Name the API groups (`''` is the core one), the resources and the verbs of each rule.",
)
RULES = (BAD_SERVICE, BAD_RBAC)

_NODE_PORTS = range(30000, 32768)  # kube-apiserver --service-node-port-range, as it is by default
_CONFIG_BYTES = 1024 * 1024  # core.MaxSecretSize; ConfigMaps have the same limit
_RBAC_GROUP = "rbac.authorization.k8s.io"
_CLOSED = ("ClusterIP", None)


def check(each: Mapping[str, Any]) -> Iterator[Flaw]:
    """What is wrong with one of these objects."""
    kind, spec = each.get("kind"), mapping(each.get("spec"))
    if kind == "Service":
        yield from _service(spec)
    elif kind == "Ingress":
        yield from _ingress(spec)
    elif kind == "NetworkPolicy":
        yield from _policy(spec)
    elif kind in ("Role", "ClusterRole"):
        yield from _rules(each, namespaced=kind == "Role")
    elif kind in ("RoleBinding", "ClusterRoleBinding"):
        yield from _subjects(each, namespaced=kind == "RoleBinding")
    elif kind in ("ConfigMap", "Secret"):
        yield from _entries(each)


def _service(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    kind, address, ports = spec.get("type"), spec.get("clusterIP"), items(spec.get("ports"))
    outward = kind in ("NodePort", "LoadBalancer")
    if address == "None" and outward:
        what = f"a Service of type {kind} can't be headless (clusterIP: None)"
        yield Flaw(
            rule=BAD_SERVICE, path=("spec", "clusterIP"), what=what, hint="use the type ClusterIP, or no clusterIP"
        )
    elif isinstance(address, str) and address not in ("None", "") and not _is_address(address):
        yield Flaw(rule=BAD_SERVICE, path=("spec", "clusterIP"), what=f"{address} is no IP address")
    if not ports and kind in (*_CLOSED, "NodePort", "LoadBalancer") and address != "None":
        yield Flaw(rule=BAD_SERVICE, path=("spec", "ports"), what="the Service has no port")
    if kind == "ExternalName" and not spec.get("externalName"):
        yield Flaw(rule=BAD_SERVICE, path=("spec", "type"), what="a Service of type ExternalName needs an externalName")
    if spec.get("externalTrafficPolicy") and kind in _CLOSED:
        what = "externalTrafficPolicy goes with the types NodePort and LoadBalancer alone"
        yield Flaw(rule=BAD_SERVICE, path=("spec", "externalTrafficPolicy"), what=what)
    named: set[str] = set()
    taken: set[tuple[int, str]] = set()
    for number, port in enumerate(ports):
        path, name = ("spec", "ports", number), dig(port, "name")
        yield from _port(mapping(port), path)
        if isinstance(name, str) and name in named:
            yield Flaw(rule=BAD_SERVICE, path=(*path, "name"), what=f"two ports of the Service are called {name}")
        named.update((name,) if isinstance(name, str) else ())
        if len(ports) > 1 and isinstance(port, dict) and not name:
            yield Flaw(rule=BAD_SERVICE, path=(*path, "port"), what="a port has no name, and the Service has several")
        node = whole(dig(port, "nodePort"))
        if node:
            claim = (node, str(dig(port, "protocol") or "TCP"))
            if kind in _CLOSED:
                what = f"nodePort {node} does not go with the type ClusterIP"
                yield Flaw(rule=BAD_SERVICE, path=(*path, "nodePort"), what=what, hint="use the type NodePort")
            elif node not in _NODE_PORTS:
                what = f"nodePort {node}: the range is {_NODE_PORTS.start} to {_NODE_PORTS.stop - 1}"
                yield Flaw(rule=BAD_PORT, path=(*path, "nodePort"), what=what)
            elif claim in taken:
                yield Flaw(
                    rule=BAD_PORT, path=(*path, "nodePort"), what=f"two ports of the Service take nodePort {node}"
                )
            taken.add(claim)


def _port(port: Mapping[str, Any], path: Path) -> Iterator[Flaw]:
    for field in ("port", "targetPort"):
        number = whole(port.get(field))
        if number is not None and (why := values.bad_port(number)):
            yield Flaw(rule=BAD_PORT, path=(*path, field), what=f"{field} {number}: {why}")
    yield from spelt(BAD_PORT, values.bad_port_name, port.get("targetPort"), (*path, "targetPort"), "name of a port")
    yield from spelt(BAD_PORT, values.bad_label_name, port.get("name"), (*path, "name"), "name of a Service's port")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ingress(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    if not given(spec, "rules", "defaultBackend"):
        yield Flaw(rule=REFUSED_VALUE, path=("spec",), what="an Ingress needs rules or a defaultBackend")
    yield from _backend(spec.get("defaultBackend"), ("spec", "defaultBackend"))
    for number, rule in enumerate(items(spec.get("rules"))):
        host, where = dig(rule, "host"), ("spec", "rules", number)
        if isinstance(host, str) and host:
            if _is_address(host):
                what = f"the host {host} is an IP address, where a name belongs"
                yield Flaw(rule=REFUSED_VALUE, path=(*where, "host"), what=what)
            else:
                yield from spelt(REFUSED_VALUE, _bad_host, host, (*where, "host"), "host")
        for index, each in enumerate(items(dig(rule, "http", "paths"))):
            inner, path = (*where, "http", "paths", index), dig(each, "path")
            required = dig(each, "pathType") in ("Exact", "Prefix")
            if (isinstance(path, str) and path and not path.startswith("/")) or (required and path in (None, "")):
                what = f"the path {path or ''!r} does not begin with /"
                yield Flaw(rule=REFUSED_VALUE, path=(*inner, "path"), what=what)
            yield from _backend(dig(each, "backend"), (*inner, "backend"))


def _bad_host(host: str) -> str:
    return values.bad_subdomain(host.removeprefix("*."))


def _backend(backend: Any, path: Path) -> Iterator[Flaw]:
    port, where = dig(backend, "service", "port"), (*path, "service", "port")
    if isinstance(dig(backend, "service"), dict) and port is None:
        yield Flaw(rule=REFUSED_VALUE, path=where, what="the backend's Service has no port")
    if isinstance(port, dict):
        chosen = given(port, "name", "number")
        if len(chosen) == 2:
            yield Flaw(rule=REFUSED_VALUE, path=(*where, "name"), what="a port has a name or a number, not both")
        if not chosen and not port:
            yield Flaw(rule=REFUSED_VALUE, path=where, what="the port has neither name nor number")
        number = whole(port.get("number"))
        if number is not None and (why := values.bad_port(number)):
            yield Flaw(rule=BAD_PORT, path=(*where, "number"), what=f"port {number}: {why}")
        yield from spelt(BAD_PORT, values.bad_port_name, port.get("name"), (*where, "name"), "name of a port")


def _policy(spec: Mapping[str, Any]) -> Iterator[Flaw]:
    for side, peers in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(items(spec.get(side))):
            for index, peer in enumerate(items(dig(rule, peers))):
                path = ("spec", side, number, peers, index)
                block = dig(peer, "ipBlock")
                if isinstance(block, dict) and given(mapping(peer), "podSelector", "namespaceSelector"):
                    what = "an ipBlock goes with no selector in the same entry"
                    yield Flaw(rule=REFUSED_VALUE, path=(*path, "ipBlock"), what=what)
                yield from spelt(
                    REFUSED_VALUE, values.bad_network, dig(block, "cidr"), (*path, "ipBlock", "cidr"), "network"
                )
            for index, port in enumerate(items(dig(rule, "ports"))):
                value, place = dig(port, "port"), ("spec", side, number, "ports", index, "port")
                if (found := whole(value)) is not None and (why := values.bad_port(found)):
                    yield Flaw(rule=BAD_PORT, path=place, what=f"port {found}: {why}")
                yield from spelt(BAD_PORT, values.bad_port_name, value, place, "name of a port")


def _rules(each: Mapping[str, Any], *, namespaced: bool) -> Iterator[Flaw]:
    for number, rule in enumerate(items(each.get("rules"))):
        if not isinstance(rule, dict):
            continue
        path, urls = ("rules", number), items(rule.get("nonResourceURLs"))
        if rule.get("verbs") == []:
            yield Flaw(rule=BAD_RBAC, path=(*path, "verbs"), what="a rule has no verb")
        if urls and namespaced:
            what = "a Role can't give rights on URLs, which are in no namespace"
            yield Flaw(rule=BAD_RBAC, path=(*path, "nonResourceURLs"), what=what, hint="use a ClusterRole")
        # A misspelt key is told by its own rule, and then one of these is missing because of it.
        elif not urls and not rule.keys() - _RULE:
            for field in ("apiGroups", "resources"):
                if not rule.get(field):
                    hint = "for the core group write apiGroups: ['']" if field == "apiGroups" else ""
                    yield Flaw(rule=BAD_RBAC, path=(*path, field), what=f"a rule has no {field}", hint=hint)


_RULE = frozenset({"apiGroups", "resources", "resourceNames", "verbs", "nonResourceURLs"})


def _subjects(each: Mapping[str, Any], *, namespaced: bool) -> Iterator[Flaw]:
    role = dig(each, "roleRef", "kind")
    if isinstance(role, str) and role not in ("ClusterRole", *(("Role",) if namespaced else ())):
        yield Flaw(rule=BAD_RBAC, path=("roleRef", "kind"), what=f"a {each.get('kind')} can't refer to a {role}")
    group = dig(each, "roleRef", "apiGroup")
    if isinstance(group, str) and group not in (_RBAC_GROUP, ""):
        yield Flaw(
            rule=BAD_RBAC, path=("roleRef", "apiGroup"), what=f"{group} has no roles", hint=f"write {_RBAC_GROUP}"
        )
    for number, subject in enumerate(items(each.get("subjects"))):
        kind, path = dig(subject, "kind"), ("subjects", number)
        wanted = {"ServiceAccount": "", "User": _RBAC_GROUP, "Group": _RBAC_GROUP}
        if isinstance(kind, str) and kind not in wanted:
            what = f"a subject is a ServiceAccount, a User or a Group, and this is a {kind}"
            yield Flaw(rule=BAD_RBAC, path=(*path, "kind"), what=what)
        elif isinstance(kind, str) and (held := dig(subject, "apiGroup")) and held != wanted[kind]:
            yield Flaw(rule=BAD_RBAC, path=(*path, "apiGroup"), what=f"a {kind} is not of the group {held}")
        if kind == "ServiceAccount" and not namespaced and not dig(subject, "namespace"):
            yield Flaw(rule=BAD_RBAC, path=path, what=f"the ServiceAccount {dig(subject, 'name')} has no namespace")


def _entries(each: Mapping[str, Any]) -> Iterator[Flaw]:
    size = 0
    for field in ("data", "binaryData", "stringData"):
        for key in mapping(each.get(field)):
            yield from spelt(BAD_NAME, values.bad_config_key, str(key), (field, str(key)), "key of an entry")
        size += sum(len(text.encode(errors="replace")) for _, text in texts(each.get(field)))
    # Both are base64 in a Secret's data, which is a third longer than what counts.
    if size > _CONFIG_BYTES * (4 / 3 if each.get("kind") == "Secret" else 1):
        what = f"the entries have {size} bytes together, where {_CONFIG_BYTES} are allowed"
        yield Flaw(rule=REFUSED_VALUE, path=("metadata", "name"), what=what)
