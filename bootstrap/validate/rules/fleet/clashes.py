"""Rules about claims that several environments of a cluster share, such as a node port or a host."""

from collections import defaultdict
from collections.abc import Iterator

from bootstrap.validate.context import Claim, FleetContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.fleet import claims
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place


@rule(claims.NODE_PORT, ERROR, fix="Give one of the environments another nodePort, or none: the cluster then chooses.")
def shared_node_port(fleet: FleetContext) -> Iterator[Violation]:
    """A node port belongs to one Service of a cluster.

    The API server refuses the second Service, and that environment never becomes healthy.
    """
    return _clashes(fleet, claims.NODE_PORT, "node port")


@rule(claims.NAME, ERROR, fix="Put the environment's name into the object's name.")
def shared_cluster_object(fleet: FleetContext) -> Iterator[Violation]:
    """The name of an object outside of any namespace is used by one environment of a cluster.

    Both environments would change the same object in turn; pruned from one, it is gone for the other.
    """
    return _clashes(fleet, claims.NAME, "the object")


@rule(
    claims.NAMESPACE,
    ERROR,
    fix="Give one of the environments a namespace of its own, in taxiway.yaml and in its overlay.",
)
def shared_namespace(fleet: FleetContext) -> Iterator[Violation]:
    """A namespace of a cluster belongs to one environment.

    All objects have the same names, so the environments would overwrite each other.
    """
    return _clashes(fleet, claims.NAMESPACE, "namespace")


@rule(claims.SYNC, ERROR, fix="Name it after its environment.")
def shared_sync_object(fleet: FleetContext) -> Iterator[Violation]:
    """An Application, a project, a Kustomization or a source has one file in a cluster's folder.

    Applied one after the other, the last file wins: one environment is synced, the other is forgotten or pruned.
    """
    return _clashes(fleet, claims.SYNC, "the name")


@rule(claims.HOST, ERROR, fix="Give each environment a host of its own.")
def shared_host(fleet: FleetContext) -> Iterator[Violation]:
    """A host and path lead to one environment of a cluster.

    The ingress controller refuses the second Ingress, or sends people to whichever environment it read first.
    """
    return _clashes(fleet, claims.HOST, "the address")


def _clashes(fleet: FleetContext, name: str, subject: str) -> Iterator[Violation]:
    """Violations for claims that several environments of a cluster have in common.

    Reported at the last environment in promotion order, usually the newest, with the names of all.
    """
    order = {environment.name: number for number, environment in enumerate(fleet.model.environments)}
    clusters = {environment.name: environment.cluster for environment in fleet.model.environments}
    holders: dict[tuple[str, str], list[tuple[str, Claim]]] = defaultdict(list)
    for environment, claim in fleet.claims:
        if claim.rule == name:
            holders[clusters.get(environment, ""), claim.what].append((environment, claim))
    for (cluster, what), holding in sorted(holders.items(), key=lambda holder: holder[0]):
        names = sorted({environment for environment, _ in holding}, key=lambda name: (order.get(name, -1), name))
        if len(names) > 1:
            first = next(claim for environment, claim in holding if environment == names[0])
            last = next(claim for environment, claim in holding if environment == names[-1])
            message = f"{subject} {what} is used by {_several(names)} on cluster {cluster}"
            hint = f"{names[0]} has it at {Place(first.path, first.line)}"
            yield Violation(Place(last.path, last.line), message, hint, tuple(names))


def _several(names: list[str]) -> str:
    shown = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
