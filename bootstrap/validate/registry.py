"""All rules, found in the package `rules`, and what they find."""

import pkgutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from typing import Any

from bootstrap.config.exemptions import Exemption
from bootstrap.core.errors import BadOption, BadTarget
from bootstrap.validate import objects, rules
from bootstrap.validate.context import Context, EnvironmentContext
from bootstrap.validate.objects import ObjectContext
from bootstrap.validate.rule import Check
from bootstrap.validate.violation import Finding, Rule, Severity, Violation, Within, merged
from bootstrap.yamltools.positions import Place

ALWAYS = "fleet/rule-switched-off"  # the rule that can't be switched off


@cache
def checks() -> tuple[Check[Any], ...]:
    """The rules of the package `rules`, by family, file and line."""
    names = sorted(module.name for module in pkgutil.walk_packages(rules.__path__, f"{rules.__name__}."))
    held = [(name, value) for name in names for value in vars(import_module(name)).values()]
    return tuple(value for name, value in held if isinstance(value, Check) and value.run.__module__ == name)


def every() -> tuple[Rule, ...]:
    """Every rule, by family, file and line."""
    return tuple(check.rule for check in checks())


def findings(context: Context, check: Check[Any]) -> list[Finding]:
    """Where one rule is broken in a context, whatever explains it."""
    return [_finding(context, check.rule, violation) for violation in context.violations(check)]


def examine(context: Context) -> list[Finding]:
    """All that is wrong in a context: of a mistake and what follows from it, the mistake."""
    found = [finding for check in checks() if check.scope is type(context) for finding in findings(context, check)]
    if isinstance(context, EnvironmentContext):
        chosen = [check for check in checks() if check.scope is ObjectContext]
        found.extend(_finding(context, *broken) for broken in objects.violations(context, chosen))
    # A rule that is switched off explains nothing: its findings are not shown.
    told: dict[object, set[str]] = defaultdict(set)
    for finding in found:
        if not context.exempts(finding.rule, finding.place):
            for within in Within:
                told[_around(finding.place, within)].add(finding.rule.name)
    return [
        finding
        for finding in found
        if not _is_explained(finding.rule, told[_around(finding.place, finding.rule.within)])
    ]


def _finding(context: Context, rule: Rule, violation: Violation) -> Finding:
    return Finding(
        rule=rule,
        place=violation.place,
        message=violation.message,
        hint=violation.hint,
        environments=violation.environments or context.environments,
    )


def _around(place: Place, within: Within) -> object:
    """What two places have in common that are within the same environment, file or line."""
    return {Within.ENVIRONMENT: None, Within.FILE: place.path, Within.LINE: place}[within]


def _is_explained(rule: Rule, told: set[str]) -> bool:
    return any(name != rule.name and fnmatchcase(name, cause) for cause in rule.after for name in told)


def names() -> dict[str, str]:
    """The names of all rules, by each name that they have or had."""
    return {name: rule.name for rule in every() for name in rule.names}


def named(name: str) -> Rule:
    """The rule of this name, or that had it before. Raises BadOption where there is none."""
    for rule in every():
        if name in rule.names:
            return rule
    raise BadOption(f"there is no rule {name!r}", hint="taxiway validate --list-rules shows them all")


def check_off(off: Iterable[Exemption]) -> None:
    """Raise BadTarget where the rule is switched off that can't be."""
    if any(exemption.rule == ALWAYS for exemption in off):
        raise BadTarget(f"taxiway.yaml switches off {ALWAYS}, which can't be", hint="take its entry out")


def exempting(finding: Finding, off: Iterable[Exemption]) -> Exemption | None:
    """What switches off the rule of a finding, where and for all environments that it is about."""
    names, path = finding.rule.names, finding.place.path
    return next(
        (exemption for exemption in off if ALWAYS not in names and exemption.covers(names, finding.environments, path)),
        None,
    )


def judged(findings: Iterable[Finding], off: Sequence[Exemption]) -> list[Finding]:
    """The findings whose rule is not switched off there, each once; first of all what says that one is."""
    left = merged(finding for finding in findings if exempting(finding, off) is None)
    return sorted(left, key=lambda finding: finding.rule.name != ALWAYS)


def serious(findings: Iterable[Finding]) -> list[Finding]:
    """The errors among findings."""
    return [finding for finding in findings if finding.rule.severity is Severity.ERROR]
