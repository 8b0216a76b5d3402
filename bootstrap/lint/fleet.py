"""Rules about environments together: what only one of them may have on a cluster."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bootstrap.finding import Finding, Place, Rule, Severity
from bootstrap.lint.scene import Scene, dig, items
from bootstrap.model import Model
from bootstrap.objects import Object

SHARED_NODE_PORT = Rule(
    name="fleet/shared-node-port",
    severity=Severity.ERROR,
    title="A node port belongs to one Service of a cluster.",
    why="The API server refuses the second Service, and that environment never becomes healthy.",
    fix="Give one of the environments another nodePort, or none: the cluster then chooses.",
)
SHARED_NAME = Rule(
    name="fleet/shared-cluster-object",
    severity=Severity.ERROR,
    title="The name of an object outside of any namespace is used by one environment of a cluster.",
    why="Both environments would change the same object in turn; pruned from one, it is gone for the other.",
    fix="Put the environment's name into the object's name.",
)
SHARED_NAMESPACE = Rule(
    name="fleet/shared-namespace",
    severity=Severity.ERROR,
    title="A namespace of a cluster belongs to one environment.",
    why="All objects have the same names, so the environments would overwrite each other.",
    fix="Give one of the environments a namespace of its own, in taxiway.yaml and in its overlay.",
)
RULES = (SHARED_NODE_PORT, SHARED_NAME, SHARED_NAMESPACE)

# Kinds that live in no namespace, as far as an environment may hold them.
_CLUSTER_SCOPED = frozenset(
    {"ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass", "PriorityClass", "IngressClass"}
    | {"CustomResourceDefinition", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Something that an environment takes and that no other one of its cluster may take."""

    rule: str
    what: str
    path: str
    line: int


def claims(scene: Scene) -> Iterator[Claim]:
    """All that an environment takes for itself."""
    for each in scene.objects:
        if each["kind"] == "Service":
            yield from _ports(scene, each)
        elif each["kind"] in _CLUSTER_SCOPED:
            yield _claim(SHARED_NAME, f"{each['kind']}/{each['metadata']['name']}", scene.trace.object(each))
    if namespace := scene.environment.namespace:
        yield _claim(SHARED_NAMESPACE, namespace, scene.trace.overlay("namespace"))


def check(model: Model, taken: Iterable[tuple[str, Claim]]) -> Iterator[Finding]:
    """A finding for each claim that another environment of the cluster makes too; claims come with a name."""
    clusters = {each.name: each.cluster for each in model.environments}
    rules = {rule.name: rule for rule in RULES}
    holders: dict[tuple[str, str, str], list[tuple[str, Claim]]] = defaultdict(list)
    for name, claim in taken:
        holders[(clusters[name], claim.rule, claim.what)].append((name, claim))
    for (cluster, rule, what), holding in sorted(holders.items()):
        names = sorted({name for name, _ in holding})
        for name, claim in holding if len(names) > 1 else ():
            others = ", ".join(other for other in names if other != name)
            message = f"{_SUBJECTS[rule]} {what} is used by {others} too, on cluster {cluster}"
            place = Place(claim.path, claim.line)
            yield Finding(rule=rules[rule], place=place, message=message, environments=(name,))


_SUBJECTS = {SHARED_NODE_PORT.name: "node port", SHARED_NAME.name: "the object", SHARED_NAMESPACE.name: "namespace"}


def _ports(scene: Scene, service: Object) -> Iterator[Claim]:
    for number, port in enumerate(items(dig(service, "spec", "ports"))):
        if isinstance(taken := dig(port, "nodePort"), int):
            place = scene.trace.field(service, ("spec", "ports", number, "nodePort"))
            yield _claim(SHARED_NODE_PORT, str(taken), place)


def _claim(rule: Rule, what: Any, place: Place) -> Claim:
    return Claim(rule=rule.name, what=str(what), path=place.path, line=place.line)
