"""Rules about what taxiway.yaml says of the repo as a whole: which certificates, and which rules are switched off."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from bootstrap.lint.located import documents
from bootstrap.model import PATH, Environment, Model
from bootstrap.validate.violation import Finding, Place, Rule, Severity

CERTIFICATES = Rule(
    name="fleet/several-certificates",
    severity=Severity.WARNING,
    title="The environments of a cluster are sealed for one certificate.",
    why="A cluster seals with its newest key. After a renewal some environments have the older one for a while, and it"
    " still opens; but one that the cluster never had is somebody else's, who can read what is sealed for it.",
    fix="Ask the cluster for its certificate, and pin that one in each of its environments.",
)
SWITCHED_OFF = Rule(
    name="fleet/rule-switched-off",
    severity=Severity.WARNING,
    title="A change that switches a rule off says so first.",
    why="From its merge on, nobody is told any more what that rule finds. Until then the change itself is still judged"
    " with it. This rule itself can't be switched off.",
    fix="Read the reason, and switch the rule off only if it is a good one.",
)
RULES = (CERTIFICATES, SWITCHED_OFF)


def check(
    model: Model, off_before: Mapping[str, str] | None, chosen: Iterable[Environment], text: Callable[[], bytes]
) -> Iterator[Finding]:
    """What taxiway.yaml says of the clusters of the environments that are looked at, and what it did not say before.

    `off_before` are the rules that were switched off then; None where there is no commit yet. `text` gives the file,
    and is asked only where there is something to find.
    """
    yield from _certificates(model, {each.cluster for each in chosen}, text)
    for rule, reason in model.switched_off.items():
        if off_before is not None and rule not in off_before:
            message = f"this change switches off {rule}: {reason}"
            yield Finding(rule=SWITCHED_OFF, place=Place(PATH, _line_of_rule(text(), rule)), message=message)


def _certificates(model: Model, clusters: set[str], text: Callable[[], bytes]) -> Iterator[Finding]:
    pinned: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for each in model.environments:
        if each.cluster in clusters and each.certificate:
            pinned[each.cluster].setdefault(each.certificate, []).append(each.name)
    for cluster, holders in pinned.items():
        if len(holders) < 2:
            continue
        said = "; ".join(f"{', '.join(names)}: {fingerprint}" for fingerprint, names in holders.items())
        last = next(reversed(holders.values()))[0]
        place = Place(PATH, _line(text(), model, last))
        message = f"the environments of cluster {cluster} are sealed for {len(holders)} certificates ({said})"
        names = tuple(name for several in holders.values() for name in several)
        yield Finding(rule=CERTIFICATES, place=place, message=message, environments=names)


def _line(text: bytes, model: Model, name: str) -> int:
    number = [each.name for each in model.environments].index(name)
    return next((each.line(("environments", number, "certificate")) for each in documents(text)[:1]), 1)


def _line_of_rule(text: bytes, rule: str) -> int:
    return next((number for number, line in enumerate(text.splitlines(), 1) if rule.encode() in line), 1)
