"""Rules about the objects that the controller syncs by, and the order in which it brings an environment up."""

from collections.abc import Iterator

from bootstrap.lint import sync_order, sync_project, sync_source
from bootstrap.validate.context import Scene
from bootstrap.validate.violation import Finding, Rule

_PARTS = (sync_source, sync_project, sync_order)
RULES: tuple[Rule, ...] = tuple(rule for part in _PARTS for rule in part.RULES)


def check(scene: Scene) -> Iterator[Finding]:
    """All that keeps the controller from bringing the environment up."""
    for part in _PARTS:
        yield from part.check(scene)
