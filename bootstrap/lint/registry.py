"""All rules, and what they find."""

from collections.abc import Iterable, Mapping

from bootstrap.core.errors import BadOption, BadTarget
from bootstrap.lint import (
    airflow,
    files,
    fleet,
    fleet_declared,
    kubernetes,
    kustomize,
    references,
    secrets,
    server,
    sync,
)
from bootstrap.lint.fleet_declared import SWITCHED_OFF as ALWAYS
from bootstrap.lint.kubernetes_changes import IMMUTABLE
from bootstrap.validate.context import Scene
from bootstrap.validate.violation import Finding, Rule, Severity

# Each has `RULES`, and `check` from a scene to findings.
FAMILIES = (kustomize, references, secrets, airflow, kubernetes, sync, files)
# A rule that is broken, and others that say the same of its consequences.
_CAUSES = {
    "kustomize/dead-image": ("kubernetes/postgres-unread",),
    "kustomize/floating-image": ("kubernetes/postgres-unread",),
    "sync/missing-overlay": ("kustomize/build",),
    "sync/wrong-namespace": ("secrets/sealed-elsewhere", "secrets/template-name"),
    **dict.fromkeys((rule.name for rule in files.RULES if rule.severity is Severity.ERROR), ("kustomize/build",)),
}


def every() -> tuple[Rule, ...]:
    """Every rule, family by family."""
    return tuple(rule for family in (*FAMILIES, fleet, fleet_declared, server) for rule in family.RULES)


def examine(scene: Scene) -> list[Finding]:
    """All that is wrong with one environment by itself: of a mistake and what follows from it, the mistake."""
    found = [finding for family in FAMILIES for finding in family.check(scene)]
    # A rule that is switched off explains nothing: its findings are not shown.
    names = {each.rule.name for each in found} - scene.model.switched_off.keys()
    silent = {name for cause, others in _CAUSES.items() if cause in names for name in others}
    # An object that is wrong in itself is not told to be different from HEAD, too.
    wrong = {each.place.path for each in found if each.rule is not IMMUTABLE}
    return [
        each
        for each in found
        if each.rule.name not in silent and not (each.rule is IMMUTABLE and each.place.path in wrong)
    ]


def named(name: str) -> Rule:
    """The rule of this name. Raises BadOption where there is none."""
    for rule in every():
        if rule.name == name:
            return rule
    raise BadOption(f"there is no rule {name!r}", hint="taxiway validate --list-rules shows them all")


def check_off(off: Mapping[str, str]) -> None:
    """Raise BadTarget where a rule that is switched off does not exist, or can't be."""
    if unknown := sorted(off.keys() - {rule.name for rule in every()}):
        raise BadTarget(
            f"taxiway.yaml switches off {', '.join(unknown)}, which no rule is called",
            hint="taxiway validate --list-rules shows them all",
        )
    if ALWAYS.name in off:
        raise BadTarget(f"taxiway.yaml switches off {ALWAYS.name}, which can't be", hint="take its entry out")


def judged(findings: Iterable[Finding], off: Mapping[str, str]) -> list[Finding]:
    """The findings without those of rules that are switched off; first of all what says that one is."""
    left = [each for each in findings if each.rule.name not in off or each.rule is ALWAYS]
    return sorted(left, key=lambda each: each.rule.name != ALWAYS.name)


def serious(findings: Iterable[Finding]) -> list[Finding]:
    """The errors among findings."""
    return [each for each in findings if each.rule.severity is Severity.ERROR]
