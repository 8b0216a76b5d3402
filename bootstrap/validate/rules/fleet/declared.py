"""Rules about what taxiway.yaml says of the repo as a whole: which certificates, and which rules are switched off."""

from collections import defaultdict
from collections.abc import Iterator

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
    clusters = {each.cluster for each in environments if each.name in fleet.chosen}
    pinned: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for each in environments:
        if each.cluster in clusters and each.certificate:
            pinned[each.cluster].setdefault(each.certificate, []).append(each.name)
    for cluster, holders in pinned.items():
        if len(holders) < 2:
            continue
        said = "; ".join(f"{', '.join(names)}: {fingerprint}" for fingerprint, names in holders.items())
        last = next(reversed(holders.values()))[0]
        message = f"the environments of cluster {cluster} are sealed for {len(holders)} certificates ({said})"
        names = tuple(name for several in holders.values() for name in several)
        yield Violation(Place(PATH, _line(fleet, last)), message, environments=names)


@rule("fleet/rule-switched-off", WARNING, fix="Read the reason, and switch the rule off only if it is a good one.")
def rule_switched_off(fleet: FleetContext) -> Iterator[Violation]:
    """A change that switches a rule off says so first.

    From its merge on, nobody is told any more what that rule finds. Until then the change itself is still judged
    with it. This rule itself can't be switched off.
    """
    for name, reason in fleet.model.switched_off.items():
        if fleet.off_before is not None and name not in fleet.off_before:
            yield Violation(Place(PATH, _line_of_rule(fleet, name)), f"this change switches off {name}: {reason}")


def _line(fleet: FleetContext, name: str) -> int:
    number = [each.name for each in fleet.model.environments].index(name)
    return next((each.line(("environments", number, "certificate")) for each in documents(fleet.read(PATH))[:1]), 1)


def _line_of_rule(fleet: FleetContext, name: str) -> int:
    return next((number for number, line in enumerate(fleet.read(PATH).splitlines(), 1) if name.encode() in line), 1)
