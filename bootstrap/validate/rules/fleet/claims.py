"""Claims of an environment: what no other environment of its cluster may use, and what it depends on."""

from collections.abc import Iterator
from typing import Any

from bootstrap.kubernetes.objects import Object, dig, items
from bootstrap.validate.context import Claim, EnvironmentContext
from bootstrap.validate.rules.sync import objects
from bootstrap.yamltools.positions import Place

# Names of the rules that compare claims.
NODE_PORT = "fleet/shared-node-port"
NAME = "fleet/shared-cluster-object"
NAMESPACE = "fleet/shared-namespace"
SYNC = "fleet/shared-sync-object"
HOST = "fleet/shared-host"
CYCLE = "fleet/dependency-cycle"

# Cluster-scoped kinds that an environment may hold; its Namespace is a separate claim.
CLUSTER_SCOPED = frozenset(
    {"ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass", "PriorityClass", "IngressClass"}
    | {"CustomResourceDefinition", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "RuntimeClass"}
)
_SYNC_KINDS = ("Application", "AppProject", "Kustomization", "GitRepository")


def claims(env: EnvironmentContext) -> Iterator[Claim]:
    """All claims of an environment, and the Kustomizations that it depends on."""
    for obj in env.objects:
        if obj["kind"] == "Service":
            yield from _ports(env, obj)
        elif obj["kind"] == "Ingress":
            yield from _hosts(env, obj)
        elif obj["kind"] in CLUSTER_SCOPED:
            yield _claim(NAME, f"{obj['kind']}/{obj['metadata']['name']}", env.trace.object(obj))
    if namespace := env.environment.namespace:
        yield _claim(NAMESPACE, namespace, env.trace.overlay("namespace"))
    for kind in _SYNC_KINDS:
        for synced in objects.of_kind(env, kind):
            where = synced.get("metadata", "namespace")
            yield _claim(SYNC, f"{synced} of namespace {where}", synced.place("metadata", "name"))
            for number, on in enumerate(items(synced.get("spec", "dependsOn"))):
                if isinstance(name := dig(on, "name"), str):
                    yield _claim(CYCLE, name, synced.place("spec", "dependsOn", number, "name"))


def _ports(env: EnvironmentContext, service: Object) -> Iterator[Claim]:
    for number, port in enumerate(items(service, "spec", "ports")):
        if isinstance(taken := dig(port, "nodePort"), int):
            place = env.trace.field(service, ("spec", "ports", number, "nodePort"))
            yield _claim(NODE_PORT, str(taken), place)


def _hosts(env: EnvironmentContext, ingress: Object) -> Iterator[Claim]:
    """Claims of host, path and Ingress class. An Ingress without a host, the component's default, claims nothing."""
    kind = dig(ingress, "spec", "ingressClassName") or "default"
    for number, route in enumerate(items(ingress, "spec", "rules")):
        host = dig(route, "host")
        for index, path in enumerate(items(route, "http", "paths")):
            if isinstance(host, str) and host:
                place = env.trace.field(ingress, ("spec", "rules", number, "host"))
                if index == 0 or dig(path, "path") != dig(route, "http", "paths", 0, "path"):
                    yield _claim(HOST, f"{host}{dig(path, 'path') or '/'} (Ingress class {kind})", place)


def _claim(rule: str, what: Any, place: Place) -> Claim:
    return Claim(rule=rule, what=str(what), path=place.path, line=place.line)
