"""Rule about dependency cycles between Flux Kustomizations."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from bootstrap.validate.context import FleetContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.fleet import claims
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place


@rule(claims.CYCLE, ERROR, fix="Remove one of the dependsOn entries.")
def dependency_cycle(fleet: FleetContext) -> Iterator[Violation]:
    """Flux Kustomizations depend on each other in no circle.

    Each waits until the other is Ready: none is ever applied.
    """
    # Each cycle is reported once, at its last environment. Names are unique per cluster only.
    environments = fleet.model.environments
    by_name = {(environment.cluster, environment.sync_name): environment.name for environment in environments}
    clusters = {environment.name: environment.cluster for environment in environments}
    order = {environment.name: number for number, environment in enumerate(environments)}
    waiting = [(name, claim) for name, claim in fleet.claims if claim.rule == claims.CYCLE]
    waits = [(name, by_name.get((clusters.get(name, ""), claim.what)), claim) for name, claim in waiting]
    needs: dict[str, set[str]] = defaultdict(set)
    for name, other, _ in waits:
        if other is not None:
            needs[name].add(other)
    reported: set[frozenset[str]] = set()
    for name, other, claim in sorted(waits, key=lambda wait: -order.get(wait[0], 0)):
        cycle = {reached for reached in _reached(needs, name) if name in _reached(needs, reached)}
        if other in cycle and name in _reached(needs, str(other)) and frozenset(cycle) not in reported:
            reported.add(frozenset(cycle))
            names = tuple(sorted(cycle, key=lambda name: order.get(name, 0)))
            message = f"{name} waits for {claim.what}, which waits for {name} itself"
            yield Violation(Place(claim.path, claim.line), message, environments=names)


def _reached(needs: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for name in needs.get(ahead.pop(), set()) - seen:
            seen.add(name)
            ahead.append(name)
    return seen
