"""Rule decorator: `@rule(...)` makes a function a Check, with the rule's page taken from its docstring."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bootstrap.validate.violation import FieldViolation, Rule, Severity, Violation, Within

ERROR, WARNING = Severity.ERROR, Severity.WARNING
ContextT = TypeVar("ContextT")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Check(Generic[ContextT]):
    """A rule and its function, which yields the violations in one context of the class `scope`.

    It yields Violation; for the scope ObjectContext, FieldViolation.
    """

    rule: Rule
    run: Callable[[ContextT], Iterable[Any]]
    scope: type[ContextT]

    def __call__(self, context: ContextT) -> Iterable[Any]:
        """Yield every violation in this context."""
        return self.run(context)


def rule(
    name: str,
    severity: Severity,
    *,
    fix: str,
    aliases: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    within: Within = Within.ENVIRONMENT,
) -> Callable[[Callable[[ContextT], Iterable[Violation | FieldViolation]]], Check[ContextT]]:
    """Register a function as a rule.

    Its docstring is the rule's page, in two paragraphs: what must hold, and what happens otherwise. The annotation of
    its parameter is the class of context that it is called with.
    """

    def decorate(function: Callable[[ContextT], Iterable[Violation | FieldViolation]]) -> Check[ContextT]:
        title, why = (" ".join(text.split()) for text in (inspect.getdoc(function) or "").split("\n\n"))
        scope = next(iter(inspect.get_annotations(function).values()))
        page = Rule(
            name=name, severity=severity, title=title, why=why, fix=fix, aliases=aliases, after=after, within=within
        )
        return Check(rule=page, run=function, scope=scope)

    return decorate
