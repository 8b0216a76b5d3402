"""Rules about secrets."""

from collections.abc import Iterator

from bootstrap.finding import Finding, Rule
from bootstrap.lint.scene import Scene

RULES: tuple[Rule, ...] = ()


def check(scene: Scene) -> Iterator[Finding]:
    """Nothing yet."""
    yield from ()
