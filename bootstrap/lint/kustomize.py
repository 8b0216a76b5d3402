"""Rules about what kustomize reads, and what it passes over in silence."""

from collections.abc import Iterator

from bootstrap.finding import Finding, Place, Rule, Severity
from bootstrap.lint import located
from bootstrap.lint.scene import Scene

BROKEN_BUILD = Rule(
    name="kustomize/build",
    severity=Severity.ERROR,
    title="Kustomize builds the overlay.",
    why="The controller builds it the same way: it would stay at the last commit that builds.",
    fix="Mend what kustomize complains of.",
)
DUPLICATE_KEY = Rule(
    name="kustomize/duplicate-key",
    severity=Severity.ERROR,
    title="A key stands once in a mapping.",
    why="The last one silently wins, or the file is refused, depending on who reads it.",
    fix="Remove one of the two.",
)
RULES = (BROKEN_BUILD, DUPLICATE_KEY)


def check(scene: Scene) -> Iterator[Finding]:
    """All that is wrong with the files that make up the overlay."""
    yield from _build(scene)
    yield from _duplicates(scene)


def _build(scene: Scene) -> Iterator[Finding]:
    if scene.failure is not None:
        yield scene.finding(BROKEN_BUILD, scene.trace.overlay(), scene.failure)


def _duplicates(scene: Scene) -> Iterator[Finding]:
    for path in scene.graph.files:
        if path.endswith((".yaml", ".yml")):
            for document in located.documents(scene.tree.files.get(path, b"")):
                for key, line in document.duplicates():
                    yield scene.finding(DUPLICATE_KEY, Place(path, line), f"{key} stands twice in the same mapping")
