"""The decorator that makes a function a rule."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bootstrap.validate.violation import FieldViolation, Rule, Severity, Violation, Within

ERROR, WARNING = Severity.ERROR, Severity.WARNING
Looked = TypeVar("Looked")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Check(Generic[Looked]):
    """A rule, and the function that yields its violations in a context of the class `scope`.

    They are of the class Violation; of a rule about one object, FieldViolation.
    """

    rule: Rule
    run: Callable[[Looked], Iterable[Any]]
    scope: type[Looked]

    def __call__(self, context: Looked) -> Iterable[Any]:
        """Every violation."""
        return self.run(context)


def rule(
    name: str,
    severity: Severity,
    *,
    fix: str,
    aliases: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    within: Within = Within.ENVIRONMENT,
) -> Callable[[Callable[[Looked], Iterable[Violation | FieldViolation]]], Check[Looked]]:
    """Make a function a rule.

    Its docstring is the rule's page, in two paragraphs: what must hold, and what happens otherwise. The class that its
    parameter is annotated with is what it looks at.
    """

    def made(function: Callable[[Looked], Iterable[Violation | FieldViolation]]) -> Check[Looked]:
        title, why = (" ".join(text.split()) for text in (inspect.getdoc(function) or "").split("\n\n"))
        scope = next(iter(inspect.get_annotations(function).values()))
        told = Rule(
            name=name, severity=severity, title=title, why=why, fix=fix, aliases=aliases, after=after, within=within
        )
        return Check(rule=told, run=function, scope=scope)

    return made
