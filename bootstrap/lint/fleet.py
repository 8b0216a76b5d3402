"""Rules about environments together: what only one of them may have on a cluster, and what belongs to none of them."""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.lint.located import documents
from bootstrap.model import Model
from bootstrap.objects import Object
from bootstrap.validate.context import EnvironmentContext, dig, items
from bootstrap.validate.rules.sync import objects
from bootstrap.validate.violation import Finding, Place, Rule, Severity

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
SHARED_SYNC = Rule(
    name="fleet/shared-sync-object",
    severity=Severity.ERROR,
    title="An Application, a project, a Kustomization or a source has one file in a cluster's folder.",
    why="Applied one after the other, the last file wins: one environment is synced, the other is forgotten or pruned.",
    fix="Name it after its environment.",
)
SHARED_HOST = Rule(
    name="fleet/shared-host",
    severity=Severity.ERROR,
    title="A host and path lead to one environment of a cluster.",
    why="The ingress controller refuses the second Ingress, or sends people to whichever environment it read first.",
    fix="Give each environment a host of its own.",
)
CYCLE = Rule(
    name="fleet/dependency-cycle",
    severity=Severity.ERROR,
    title="Flux Kustomizations depend on each other in no circle.",
    why="Each waits until the other is Ready: none is ever applied.",
    fix="Remove one of the dependsOn entries.",
)
UNKNOWN_OVERLAY = Rule(
    name="fleet/unknown-overlay",
    severity=Severity.WARNING,
    title="Every overlay is an environment of taxiway.yaml.",
    why="No command looks at it: it is neither checked nor compared nor promoted to.",
    fix="Add the environment to taxiway.yaml, or remove the folder.",
)
UNKNOWN_SYNC = Rule(
    name="fleet/unknown-sync-file",
    severity=Severity.WARNING,
    title="What the controllers sync from overlays/ are environments of taxiway.yaml.",
    why="The file is applied with the others of its cluster, and brings up, or keeps, what nothing checks.",
    fix="Add the environment to taxiway.yaml, or remove the file.",
)
RULES = (
    SHARED_NODE_PORT,
    SHARED_NAME,
    SHARED_NAMESPACE,
    SHARED_SYNC,
    SHARED_HOST,
    CYCLE,
    UNKNOWN_OVERLAY,
    UNKNOWN_SYNC,
)

# Kinds that live in no namespace, as far as an environment may hold them; its Namespace is a claim of its own.
CLUSTER_SCOPED = frozenset(
    {"ClusterRole", "ClusterRoleBinding", "PersistentVolume", "StorageClass", "PriorityClass", "IngressClass"}
    | {"CustomResourceDefinition", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "RuntimeClass"}
)
_SYNC_KINDS = ("Application", "AppProject", "Kustomization", "GitRepository")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Something that an environment takes and that no other one of its cluster may take.

    Of the rule `fleet/dependency-cycle`: the name of the Kustomization that it waits for.
    """

    rule: str
    what: str
    path: str
    line: int


def claims(scene: EnvironmentContext) -> Iterator[Claim]:
    """All that an environment takes for itself, and all that it waits for."""
    for each in scene.objects:
        if each["kind"] == "Service":
            yield from _ports(scene, each)
        elif each["kind"] == "Ingress":
            yield from _hosts(scene, each)
        elif each["kind"] in CLUSTER_SCOPED:
            yield _claim(SHARED_NAME, f"{each['kind']}/{each['metadata']['name']}", scene.trace.object(each))
    if namespace := scene.environment.namespace:
        yield _claim(SHARED_NAMESPACE, namespace, scene.trace.overlay("namespace"))
    for kind in _SYNC_KINDS:
        for synced in objects.of_kind(scene, kind):
            where = synced.get("metadata", "namespace")
            yield _claim(SHARED_SYNC, f"{synced} of namespace {where}", synced.place("metadata", "name"))
            for number, on in enumerate(items(synced.get("spec", "dependsOn"))):
                if isinstance(name := dig(on, "name"), str):
                    yield _claim(CYCLE, name, synced.place("spec", "dependsOn", number, "name"))


def check(model: Model, taken: Iterable[tuple[str, Claim]]) -> Iterator[Finding]:
    """A finding for each thing that several environments of a cluster claim; claims come with the environment's name.

    It stands at the last of them in promotion order, which most often is the one that came last, and names them all.
    """
    clusters = {each.name: each.cluster for each in model.environments}
    order = {each.name: number for number, each in enumerate(model.environments)}
    rules = {rule.name: rule for rule in RULES}
    holders: dict[tuple[str, str, str], list[tuple[str, Claim]]] = defaultdict(list)
    waiting: list[tuple[str, Claim]] = []
    for name, claim in taken:
        if claim.rule == CYCLE.name:
            waiting.append((name, claim))
        else:
            holders[(clusters.get(name, ""), claim.rule, claim.what)].append((name, claim))
    for (cluster, rule, what), holding in sorted(holders.items(), key=lambda each: each[0]):
        names = sorted({name for name, _ in holding}, key=lambda name: (order.get(name, -1), name))
        if len(names) > 1:
            first = next(claim for name, claim in holding if name == names[0])
            last = next(claim for name, claim in holding if name == names[-1])
            message = f"{_SUBJECTS[rule]} {what} is used by {_several(names)} on cluster {cluster}"
            hint = f"{names[0]} has it at {Place(first.path, first.line)}"
            place = Place(last.path, last.line)
            yield Finding(rule=rules[rule], place=place, message=message, hint=hint, environments=tuple(names))
    yield from _cycles(model, waiting)


_SUBJECTS = {
    SHARED_NODE_PORT.name: "node port",
    SHARED_NAME.name: "the object",
    SHARED_NAMESPACE.name: "namespace",
    SHARED_SYNC.name: "the name",
    SHARED_HOST.name: "the address",
}


def strays(
    model: Model, overlays: Iterable[str], clusters: Iterable[str], read: Callable[[str], bytes]
) -> Iterator[Finding]:
    """What the repo holds for no environment of taxiway.yaml.

    `overlays` are kustomization files right below overlays/<name>/, `clusters` the files below clusters/; `read` gives
    the bytes of one of those, and is asked for those alone that are no environment's own.
    """
    known = {each.overlay for each in model.environments}
    for path in sorted(overlays):
        if posixpath.dirname(path) not in known:
            name = posixpath.basename(posixpath.dirname(path))
            yield Finding(rule=UNKNOWN_OVERLAY, place=Place(path), message=f"taxiway.yaml has no environment {name}")
    every = set(clusters)
    own = {each.sync_file for each in model.environments}
    # An environment that was moved to another cluster misses its file there, which is told by that.
    moved = {each.overlay for each in model.environments if each.sync_file not in every}
    for path in sorted(every - own):
        for document in documents(read(path)) if path.endswith((".yaml", ".yml")) else ():
            synced = objects.Synced(path, document)
            for field in (("spec", "path"), ("spec", "source", "path")):
                said = synced.get(*field)
                overlay = posixpath.normpath(said).lstrip("/") if isinstance(said, str) and said else ""
                if overlay.startswith("overlays/") and overlay not in moved:
                    why = "which has its own file" if overlay in known else "which taxiway.yaml does not have"
                    message = f"{synced} syncs {overlay}, {why}"
                    yield Finding(rule=UNKNOWN_SYNC, place=synced.place(*field), message=message)


def _cycles(model: Model, waiting: list[tuple[str, Claim]]) -> Iterator[Finding]:
    """Each circle of dependsOn once, at the last of its environments. Names count in their own cluster."""
    by_name = {(each.cluster, each.sync_name): each.name for each in model.environments}
    clusters = {each.name: each.cluster for each in model.environments}
    order = {each.name: number for number, each in enumerate(model.environments)}
    waits = [(name, by_name.get((clusters.get(name, ""), claim.what)), claim) for name, claim in waiting]
    needs: dict[str, set[str]] = defaultdict(set)
    for name, other, _ in waits:
        if other is not None:
            needs[name].add(other)
    told: set[frozenset[str]] = set()
    for name, other, claim in sorted(waits, key=lambda each: -order.get(each[0], 0)):
        circle = {each for each in _reached(needs, name) if name in _reached(needs, each)}
        if other in circle and name in _reached(needs, str(other)) and frozenset(circle) not in told:
            told.add(frozenset(circle))
            names = sorted(circle, key=lambda each: order.get(each, 0))
            message = f"{name} waits for {claim.what}, which waits for {name} itself"
            place = Place(claim.path, claim.line)
            yield Finding(rule=CYCLE, place=place, message=message, environments=tuple(names))


def _reached(needs: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for name in needs.get(ahead.pop(), set()) - seen:
            seen.add(name)
            ahead.append(name)
    return seen


def _several(names: list[str]) -> str:
    shown = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _ports(scene: EnvironmentContext, service: Object) -> Iterator[Claim]:
    for number, port in enumerate(items(dig(service, "spec", "ports"))):
        if isinstance(taken := dig(port, "nodePort"), int):
            place = scene.trace.field(service, ("spec", "ports", number, "nodePort"))
            yield _claim(SHARED_NODE_PORT, str(taken), place)


def _hosts(scene: EnvironmentContext, ingress: Object) -> Iterator[Claim]:
    """Host and path, by class. An Ingress without a host, as the component comes, takes none for itself."""
    kind = dig(ingress, "spec", "ingressClassName") or "default"
    for number, rule in enumerate(items(dig(ingress, "spec", "rules"))):
        host = dig(rule, "host")
        for index, path in enumerate(items(dig(rule, "http", "paths"))):
            if isinstance(host, str) and host:
                place = scene.trace.field(ingress, ("spec", "rules", number, "host"))
                if index == 0 or dig(path, "path") != dig(rule, "http", "paths", 0, "path"):
                    yield _claim(SHARED_HOST, f"{host}{dig(path, 'path') or '/'} (Ingress class {kind})", place)


def _claim(rule: Rule, what: Any, place: Place) -> Claim:
    return Claim(rule=rule.name, what=str(what), path=place.path, line=place.line)
