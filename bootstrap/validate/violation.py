"""Rules, their violations, and findings: violations as `taxiway validate` tells them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from bootstrap.yamltools.positions import FieldPath
from bootstrap.yamltools.positions import Place as Place


class Severity(StrEnum):
    """An error keeps the environment from working, now or at the next change; a warning is worth a look."""

    ERROR = "error"
    WARNING = "warning"


class Within(StrEnum):
    """How near another rule must be violated to explain a violation: in the same environment, file or line."""

    ENVIRONMENT = "environment"
    FILE = "file"
    LINE = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that must hold. `name` is `family/mistake`; `why` says what happens otherwise, `fix` what to do.

    `aliases` are names that it had before. `after` are rules, by name or as shell patterns, whose violations explain
    its own: `within` the same environment, file or line, only theirs are told.
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
        """Its name, and those that it had before."""
        return (self.name, *self.aliases)

    @property
    def page(self) -> str:
        """Where it is documented, in this project's repository; the anchor is as GitHub and GitLab make it."""
        return f"docs/rules.md#{self.name.replace('/', '')}"


@dataclass(frozen=True, slots=True)
class Violation:
    """A place where a rule is broken, as the rule's function yields it.

    `hint` says what to do here, where that is more than the rule's own fix; `environments` are the names of those that
    it is about, where that is not simply the one that was looked at.
    """

    place: Place
    message: str
    hint: str = ""
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of an object where a rule about one object is broken. The message does not name the object."""

    path: FieldPath
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SchemaViolation(FieldViolation):
    """A field that the schema of its kind refuses: it explains whatever else is wrong at, around or inside of it.

    Where its name is `misspelt`, it explains what is wrong with the fields beside it as well.
    """

    misspelt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A violation with its rule and its environments."""

    rule: Rule
    place: Place
    message: str
    hint: str = ""
    environments: tuple[str, ...] = ()


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by place, each once: what several environments share names them all."""
    found: dict[tuple[Place, str, str], Finding] = {}
    for each in findings:
        key = (each.place, each.rule.name, each.message)
        other = found.get(key)
        names = tuple(dict.fromkeys((*(other.environments if other else ()), *each.environments)))
        found[key] = Finding(rule=each.rule, place=each.place, message=each.message, hint=each.hint, environments=names)
    return [found[key] for key in sorted(found, key=lambda key: (key[0], key[1], key[2]))]


def as_errors(findings: Iterable[Finding]) -> list[Finding]:
    """The same findings, each one an error."""
    return [replace(each, rule=replace(each.rule, severity=Severity.ERROR)) for each in findings]
