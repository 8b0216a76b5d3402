"""Consequences for network access: Services, Ingresses, Gateway routes and NetworkPolicies."""

import json
from collections.abc import Iterator
from typing import Any

from bootstrap.diff.compare import ObjectChange
from bootstrap.diff.consequences.effect import Effect, Told, listed
from bootstrap.diff.consequences.sides import Sides
from bootstrap.kubernetes.objects import Object, dig, items, mapping, mappings

GATEWAY = "gateway.networking.k8s.io"
_ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
# Kinds whose annotations configure what a load balancer or ingress controller lets in.
_ANNOTATED = frozenset({"Service", "Ingress"})
_CONTROLLERS = ("kubectl.kubernetes.io/", "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "taxiway")


def of(change: ObjectChange, sides: Sides) -> Iterator[Told]:
    """What becomes reachable, and what no longer is."""
    kind, before, after = change.identity.kind, change.before, change.after
    if kind == "Service":
        yield from _service(before, after)
    elif kind == "Ingress":
        yield from _ingress(before, after)
    elif kind == "NetworkPolicy":
        yield from _policy(before, after, first=sides.first)
    if kind in _ANNOTATED and before is not None and after is not None and (kind == "Ingress" or _outside(after)):
        old, new = (mapping(obj, "metadata", "annotations") for obj in (before, after))
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key) and not str(key).startswith(_CONTROLLERS):
                what = f"is now {new[key]}" if key in new else "is gone"
                yield Effect.SECURITY, f"the annotation {key}, which may open it, {what}"


def route(change: ObjectChange) -> Iterator[Told]:
    """A Gateway or one of its routes: reports any change of its spec, with the hosts."""
    after = change.after
    if after is None:
        yield Effect.STOPS, "is pruned: what it lets in is no longer reached"
    elif dig(change.before, "spec") != after.get("spec"):
        hosts = items(after, "spec", "hostnames")
        hosts = [*hosts, *(listener.get("hostname") for listener in mappings(after, "spec", "listeners"))]
        yield (
            Effect.SECURITY,
            f"lets in from outside what is for {listed(host for host in hosts if host) or 'any host'}",
        )


def _service(before: Object | None, after: Object | None) -> Iterator[Told]:
    if after is None:
        yield Effect.STOPS, "is pruned: nothing is reached by its name any more"
        return
    ways, had = _outside(after), _outside(before)
    if more := [way for way in ways if way not in had]:
        yield Effect.SECURITY, f"is reachable from outside of the cluster: {', '.join(more)}"
    if less := [way for way in had if way not in ways]:
        yield Effect.STOPS, f"is no longer reachable from outside by its {', '.join(less)}"
    sources = [{str(source) for source in items(obj, "spec", "loadBalancerSourceRanges")} for obj in (before, after)]
    if dig(before, "spec", "type") == dig(after, "spec", "type") == "LoadBalancer" and sources[0]:
        if not sources[1]:
            yield Effect.SECURITY, f"its load balancer lets in everyone, and no longer only {listed(sources[0])}"
        elif sources[1] - sources[0]:
            yield Effect.SECURITY, f"its load balancer also lets in {listed(sources[1] - sources[0])}"
    if (name := dig(after, "spec", "externalName")) and name != dig(before, "spec", "externalName"):
        yield Effect.SECURITY, f"sends all who connect to it to {name} (externalName)"
    if before is not None:
        if dig(before, "spec", "selector") != dig(after, "spec", "selector"):
            yield Effect.SECURITY, f"sends its traffic to other pods: {_flow(dig(after, 'spec', 'selector'))}"
        ports = [{str(port.get("port")) for port in mappings(obj, "spec", "ports")} for obj in (before, after)]
        if ports[0] - ports[1]:
            yield Effect.STOPS, f"no longer listens on port {listed(ports[0] - ports[1])}"
        targets = [
            {
                str(port.get("port")): str(port.get("targetPort", port.get("port")))
                for port in mappings(obj, "spec", "ports")
            }
            for obj in (before, after)
        ]
        for port in sorted(targets[0].keys() & targets[1].keys()):
            if targets[0][port] != targets[1][port]:
                yield Effect.RUNS, f"port {port} goes to {targets[1][port]}, and no longer to {targets[0][port]}"


def _outside(service: Object | None) -> list[str]:
    """External addresses of a Service: external IPs, load balancer, node ports."""
    kind = dig(service, "spec", "type")
    ways = [f"external IP {ip}" for ip in items(service, "spec", "externalIPs")]
    if kind == "LoadBalancer":
        ways.append("load balancer")
    if kind in ("NodePort", "LoadBalancer"):
        ports = [port.get("nodePort") for port in mappings(service, "spec", "ports")]
        ways += [f"node port {port}" for port in sorted({str(port) for port in ports if port})]
        if kind == "NodePort" and not all(ports):
            ways.append("node port that the cluster chooses")
    return ways


def _ingress(before: Object | None, after: Object | None) -> Iterator[Told]:
    hosts, had = _hosts(after), _hosts(before)
    if more := hosts - had:
        yield Effect.SECURITY, f"is reachable from outside of the cluster as {listed(more)}"
    if less := had - hosts:
        yield Effect.STOPS, f"is no longer reached as {listed(less)}"
    if after is None:
        return
    safe = [{str(h) for tls in mappings(obj, "spec", "tls") for h in items(tls, "hosts")} for obj in (before, after)]
    whole = [any(not items(tls, "hosts") for tls in mappings(obj, "spec", "tls")) for obj in (before, after)]
    if (bare := safe[0] - safe[1]) or (whole[0] and not whole[1]):
        yield Effect.SECURITY, f"no longer encrypts what is for {listed(bare) or 'any host'} (tls)"
    for way in sorted(_ways(after) - _ways(before)) if before is not None else ():
        yield Effect.SECURITY, f"lets in {way} from outside"


def _hosts(ingress: Object | None) -> set[str]:
    if ingress is None:
        return set()
    hosts = {str(rule.get("host") or "any host") for rule in mappings(ingress, "spec", "rules")}
    return hosts | ({"any host"} if dig(ingress, "spec", "defaultBackend") else set())


def _ways(ingress: Object | None) -> set[str]:
    paths = set()
    for rule in mappings(ingress, "spec", "rules"):
        for path in mappings(rule, "http", "paths"):
            where = dig(path, "backend", "service", "name") or "what it names"
            port = dig(path, "backend", "service", "port") or {}
            number = f":{next(iter(mapping(port).values()))}" if mapping(port) else ""
            paths.add(f"{rule.get('host') or 'any host'}{path.get('path') or '/'} to Service/{where}{number}")
    if backend := dig(ingress, "spec", "defaultBackend"):
        paths.add(f"everything else to {_flow(backend)}")
    return paths


def _policy(before: Object | None, after: Object | None, *, first: bool) -> Iterator[Told]:
    if after is None:
        yield Effect.SECURITY, "is pruned: the traffic that it kept out is let through"
        return
    for way, verb in (("ingress", "lets in"), ("egress", "lets out")):
        old, new = _rules(before, way), _rules(after, way)
        more = [rule for rule in new if rule not in old]
        # Policies add up: where another one keeps traffic out, a new one's rules let it through.
        if more and not (first and before is None):
            now = "what it did not before" if before is not None else "besides what others do"
            yield Effect.SECURITY, f"{verb}, {now}: {'; '.join(_peers(rule, way) for rule in more)}"
    if before is None:
        return
    for name in sorted(_types(before) - _types(after)):
        yield Effect.SECURITY, f"no longer limits what comes {'in' if name == 'Ingress' else 'out'} (policyTypes)"
    if dig(before, "spec", "podSelector") != dig(after, "spec", "podSelector"):
        yield Effect.SECURITY, f"guards other pods than before: {_flow(dig(after, 'spec', 'podSelector')) or 'all'}"


def _rules(policy: Object | None, way: str) -> list[Any]:
    return items(policy, "spec", way)


def _types(policy: Object) -> set[str]:
    if given := items(policy, "spec", "policyTypes"):
        return {str(policy_type) for policy_type in given}
    return {"Ingress"} | ({"Egress"} if dig(policy, "spec", "egress") is not None else set())


def _peers(rule: Any, way: str) -> str:
    peers = items(rule, "from" if way == "ingress" else "to")
    ports = items(rule, "ports")
    whom = ", ".join(map(_peer, peers)) if peers else "anyone"
    return f"{whom} on {'port ' + ', '.join(map(_port, ports)) if ports else 'every port'}"


def _peer(peer: Any) -> str:
    if cidr := dig(peer, "ipBlock", "cidr"):
        return "anyone" if cidr in _ANYWHERE else str(cidr)
    parts = []
    for field, what in (("podSelector", "pods"), ("namespaceSelector", "namespaces")):
        if isinstance(selector := dig(peer, field), dict):
            parts.append(f"{what} {_flow(selector)}" if selector else f"all {what}")
    return " of ".join(parts) or "anyone"


def _port(port: Any) -> str:
    end = dig(port, "endPort")
    return f"{dig(port, 'port') or 'any'}" + (f" to {end}" if end else "")


def _flow(value: Any) -> str:
    """A selector or similar value on one line; an empty string for an empty value."""
    if isinstance(value, dict) and value.keys() == {"matchLabels"}:
        value = value["matchLabels"]
    if isinstance(value, dict) and value and all(isinstance(item, str | int) for item in value.values()):
        return ", ".join(f"{key}={item}" for key, item in sorted(value.items(), key=str))
    return json.dumps(value, sort_keys=True, default=str) if value else ""
