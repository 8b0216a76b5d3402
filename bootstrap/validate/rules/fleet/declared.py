"""Rules about taxiway.yaml: pinned certificates and rules that are switched off."""

import difflib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from bootstrap.config import exemptions
from bootstrap.config.exemptions import Exemption
from bootstrap.config.model import PATH
from bootstrap.validate.context import FleetContext
from bootstrap.validate.rule import WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place, documents


@rule(
    "fleet/several-certificates",
    WARNING,
    fix="Ask the cluster for its certificate, and pin that one in each of its environments.",
)
def several_certificates(fleet: FleetContext) -> Iterator[Violation]:
    """The environments of a cluster are sealed for one certificate.

    A cluster seals with its newest key. After a renewal some environments have the older one for a while, and it
    still opens; but one that the cluster never had is somebody else's, who can read what is sealed for it.
    """
    environments = fleet.model.environments
    clusters = {environment.cluster for environment in environments if environment.name in fleet.chosen}
    pinned: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for environment in environments:
        if environment.cluster in clusters and environment.certificate:
            pinned[environment.cluster].setdefault(environment.certificate, []).append(environment.name)
    for cluster, holders in pinned.items():
        if len(holders) < 2:
            continue
        pins = "; ".join(f"{', '.join(names)}: {fingerprint}" for fingerprint, names in holders.items())
        last = next(reversed(holders.values()))[0]
        message = f"the environments of cluster {cluster} are sealed for {len(holders)} certificates ({pins})"
        names = tuple(name for several in holders.values() for name in several)
        yield Violation(Place(PATH, _line(fleet, last)), message, environments=names)


@rule("fleet/rule-switched-off", WARNING, fix="Read the reason, and switch the rule off only if it is a good one.")
def rule_switched_off(fleet: FleetContext) -> Iterator[Violation]:
    """A change that switches a rule off says so first.

    From its merge on, nobody is told any more what that rule finds. Until then the change itself is still judged
    with it. This rule itself can't be switched off.
    """
    if fleet.exemptions_before is None:
        return
    before, after = (
        [_renamed(fleet, exemption) for exemption in off] for off in (fleet.exemptions_before, fleet.model.exemptions)
    )
    for exemption in exemptions.added(before, after):
        if exemption.rule in fleet.rules:
            message = f"this change switches off {exemption.rule}{exemption.where}: {exemption.reason}"
            yield Violation(_place(fleet, exemption.rule), message)


@rule("fleet/unknown-rule", WARNING, fix="Correct the name, or take the entry out: taxiway validate --list-rules.")
def unknown_rule(fleet: FleetContext) -> Iterator[Violation]:
    """What taxiway.yaml switches off are rules that exist.

    The entry switches nothing off, and what the rule that was meant finds is told.
    """
    for exemption in fleet.model.exemptions:
        if exemption.rule not in fleet.rules:
            near = difflib.get_close_matches(exemption.rule, fleet.rules, n=1)
            hint = f"did you mean {near[0]}?" if near else ""
            message = f"taxiway.yaml switches off {exemption.rule}, which no rule is called"
            yield Violation(_place(fleet, exemption.rule), message, hint)


def _line(fleet: FleetContext, name: str) -> int:
    number = [environment.name for environment in fleet.model.environments].index(name)
    return next(
        (document.line(("environments", number, "certificate")) for document in documents(fleet.read(PATH))[:1]), 1
    )


def _renamed(fleet: FleetContext, exemption: Exemption) -> Exemption:
    return replace(exemption, rule=fleet.rules.get(exemption.rule, exemption.rule))


def _place(fleet: FleetContext, name: str) -> Place:
    """First line of taxiway.yaml with a name or alias of a rule."""
    names = [name.encode(), *(old.encode() for old, present in fleet.rules.items() if present == name)]
    lines = enumerate(fleet.read(PATH).splitlines(), 1)
    return Place(PATH, next((number for number, line in lines if any(name in line for name in names)), 1))
