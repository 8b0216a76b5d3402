"""Rules about what objects name: all of it must be there, in the same environment."""

from collections.abc import Iterator

from bootstrap.lint import (
    references_access,
    references_pods,
    references_selectors,
    references_services,
    references_variables,
)
from bootstrap.validate.context import Scene
from bootstrap.validate.violation import Finding, Rule

_PARTS = (references_pods, references_services, references_selectors, references_access, references_variables)
RULES: tuple[Rule, ...] = tuple(rule for part in _PARTS for rule in part.RULES)


def check(scene: Scene) -> Iterator[Finding]:
    """Every name that leads nowhere."""
    for part in _PARTS:
        yield from part.check(scene)
