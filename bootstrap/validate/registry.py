"""Rule registry: discovers the rules in the package `rules`, runs them on a context, and applies exemptions."""

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

ALWAYS = "fleet/rule-switched-off"  # the rule that can't be switched off: it reports all new exemptions


@cache
def checks() -> tuple[Check[Any], ...]:
    """Checks of all modules in the package `rules`, sorted by module and line."""
    modules = sorted(module.name for module in pkgutil.walk_packages(rules.__path__, f"{rules.__name__}."))
    values = [(module, value) for module in modules for value in vars(import_module(module)).values()]
    # A module also holds checks that it imports; each check counts where it is defined.
    return tuple(value for module, value in values if isinstance(value, Check) and value.run.__module__ == module)


def all_rules() -> tuple[Rule, ...]:
    """Every rule, sorted by module and line."""
    return tuple(check.rule for check in checks())


def findings(context: Context, check: Check[Any]) -> list[Finding]:
    """Findings of a single rule in a context; rules that would explain them are not consulted."""
    return [_finding(context, check.rule, violation) for violation in context.violations(check)]


def examine(context: Context) -> list[Finding]:
    """Findings of all rules for this kind of context, without those that another finding explains (`Rule.after`)."""
    results = [finding for check in checks() if check.scope is type(context) for finding in findings(context, check)]
    if isinstance(context, EnvironmentContext):
        object_checks = [check for check in checks() if check.scope is ObjectContext]
        results.extend(_finding(context, *broken) for broken in objects.violations(context, object_checks))
    # A rule that is switched off explains nothing: its findings are not shown, so the reader would see neither.
    reported: dict[object, set[str]] = defaultdict(set)
    for finding in results:
        if not context.exempts(finding.rule, finding.place):
            for within in Within:
                reported[_scope_key(finding.place, within)].add(finding.rule.name)
    return [
        finding
        for finding in results
        if not _is_explained(finding.rule, reported[_scope_key(finding.place, finding.rule.within)])
    ]


def _finding(context: Context, rule: Rule, violation: Violation) -> Finding:
    return Finding(
        rule=rule,
        place=violation.place,
        message=violation.message,
        hint=violation.hint,
        environments=violation.environments or context.environments,
    )


def _scope_key(place: Place, within: Within) -> object:
    """Key that is equal for two places in the same environment, file or line."""
    return {Within.ENVIRONMENT: None, Within.FILE: place.path, Within.LINE: place}[within]


def _is_explained(rule: Rule, reported: set[str]) -> bool:
    return any(name != rule.name and fnmatchcase(name, cause) for cause in rule.after for name in reported)


def names() -> dict[str, str]:
    """Current rule names by every name that a rule has or had (aliases)."""
    return {name: rule.name for rule in all_rules() for name in rule.names}


def find(name: str) -> Rule:
    """Look up a rule by its name or alias. Raises BadOption for an unknown name."""
    for rule in all_rules():
        if name in rule.names:
            return rule
    raise BadOption(f"there is no rule {name!r}", hint="taxiway validate --list-rules shows them all")


def check_exemptions(exemptions: Iterable[Exemption]) -> None:
    """Raise BadTarget if the rule ALWAYS is among the exemptions."""
    if any(exemption.rule == ALWAYS for exemption in exemptions):
        raise BadTarget(f"taxiway.yaml switches off {ALWAYS}, which can't be", hint="take its entry out")


def exemption_of(finding: Finding, exemptions: Iterable[Exemption]) -> Exemption | None:
    """The exemption that covers a finding's rule, its path and all of its environments; None if there is none."""
    names, path = finding.rule.names, finding.place.path
    if ALWAYS in names:
        return None
    return next((entry for entry in exemptions if entry.covers(names, finding.environments, path)), None)


def apply_exemptions(findings: Iterable[Finding], exemptions: Sequence[Exemption]) -> list[Finding]:
    """Findings that no exemption covers, merged by place; those of the rule ALWAYS come first."""
    remaining = merged(finding for finding in findings if exemption_of(finding, exemptions) is None)
    return sorted(remaining, key=lambda finding: finding.rule.name != ALWAYS)


def errors(findings: Iterable[Finding]) -> list[Finding]:
    """The findings of severity error."""
    return [finding for finding in findings if finding.rule.severity is Severity.ERROR]
