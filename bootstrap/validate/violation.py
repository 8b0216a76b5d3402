"""Rule, Violation and Finding: the metadata of a rule, a place that breaks it, and the reported result."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from bootstrap.yamltools.positions import FieldPath
from bootstrap.yamltools.positions import Place as Place


class Severity(StrEnum):
    """Severity: an error keeps the environment from working, now or at the next change; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Within(StrEnum):
    """Distance at which a finding of a rule in `Rule.after` suppresses another: same environment, file or line."""

    ENVIRONMENT = "environment"
    FILE = "file"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Metadata of a rule. `name` is `family/mistake`; `why` says what happens otherwise, `fix` what to do.

    `aliases` are its former names. `after` are rules, by name or shell pattern, whose violations explain its own:
    in the same environment, file or line (`within`), only theirs are reported.
    """

    name: str
    severity: Severity
    title: str
    why: str
    fix: str
    aliases: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    within: Within = Within.ENVIRONMENT

    @property
    def names(self) -> tuple[str, ...]:
        """Current name, then the aliases."""
        return (self.name, *self.aliases)

    @property
    def page(self) -> str:
        """Path of its documentation in this project's repository, with the anchor that GitHub and GitLab derive."""
        return f"docs/rules.md#{self.name.replace('/', '')}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A place that breaks a rule, as the rule's function yields it.

    `hint` replaces the rule's fix where more is known; `environments` replaces the name of the environment that was
    examined, for rules about several.
    """

    place: Place
    message: str
    hint: str = ""
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field that breaks a rule about one object. The message leaves out the object; `objects.violations` adds it."""

    path: FieldPath
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SchemaViolation(FieldViolation):
    """A field that the kind's schema refuses. Other violations at, above or below this field are suppressed.

    If the field's name is `misspelt`, so are those of its sibling fields.
    """

    misspelt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A violation with its rule and the names of its environments, ready to be reported."""

    rule: Rule
    place: Place
    message: str
    hint: str = ""
    environments: tuple[str, ...] = ()


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings sorted by place; equal findings of several environments become one that names them all."""
    by_key: dict[tuple[Place, str, str], Finding] = {}
    for finding in findings:
        key = (finding.place, finding.rule.name, finding.message)
        other = by_key.get(key)
        names = tuple(dict.fromkeys((*(other.environments if other else ()), *finding.environments)))
        by_key[key] = Finding(
            rule=finding.rule, place=finding.place, message=finding.message, hint=finding.hint, environments=names
        )
    return [by_key[key] for key in sorted(by_key, key=lambda key: (key[0], key[1], key[2]))]


def as_errors(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with their severity raised to error (`--strict`)."""
    return [replace(finding, rule=replace(finding.rule, severity=Severity.ERROR)) for finding in findings]
