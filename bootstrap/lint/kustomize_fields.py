"""Rules about what a kustomization and the YAML that it reads say: twice, in an old way, or not at all."""

import posixpath
from collections.abc import Iterator
from functools import lru_cache

from bootstrap.kustomize.graph import Kustomization
from bootstrap.kustomize.inputs import Role, is_remote
from bootstrap.validate.context import EnvironmentContext, dig
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools import positions
from bootstrap.yamltools.positions import Place, mistake

DUPLICATE_KEY = Rule(
    name="kustomize/duplicate-key",
    severity=Severity.ERROR,
    title="A key stands once in a mapping.",
    why="The last one silently wins, or the file is refused, depending on who reads it.",
    fix="Remove one of the two.",
)
LISTED_TWICE = Rule(
    name="kustomize/listed-twice",
    severity=Severity.ERROR,
    title="A kustomization lists a file, a folder or an image once.",
    why="A component is applied twice, and fails at what it has done before; of two entries for one image the later one"
    " counts.",
    fix="Remove one of the two.",
)
DEPRECATED = Rule(
    name="kustomize/deprecated",
    severity=Severity.WARNING,
    title="A kustomization uses fields that stay.",
    why="Kustomize says that it will drop the field; with a version that has done so the overlay no longer builds.",
    fix="Use the successor: `kustomize edit fix` rewrites the file.",
)
EMPTY_RESOURCE = Rule(
    name="kustomize/empty-resource",
    severity=Severity.ERROR,
    title="A resource file holds an object.",
    why="Kustomize passes over a file of nothing but comments, and the controller prunes what was in it before.",
    fix="Take it off the list, or put the object back.",
)
IGNORED_DOCUMENT = Rule(
    name="kustomize/ignored-document",
    severity=Severity.ERROR,
    title="A kustomization file holds one document.",
    why="Kustomize reads the first one and passes over the others.",
    fix="Join the documents.",
)
RULES = (DUPLICATE_KEY, LISTED_TWICE, DEPRECATED, EMPTY_RESOURCE, IGNORED_DOCUMENT)

# kustomize: api/types, kustomization.go (CheckDeprecatedFields).
_SUCCESSORS = {
    "bases": "Name the folders under resources.",
    "commonLabels": "Use labels; with includeSelectors: true where selectors have them already: those can't change.",
    "imageTags": "Use images.",
    "patchesJson6902": "Use patches, with the same target.",
    "patchesStrategicMerge": "Use patches, with each file as a path.",
    "vars": "Use replacements.",
}


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that is wrong with what is said."""
    yield from _duplicates(scene)
    for owner in scene.graph.kustomizations:
        yield from _twice(scene, owner)
        yield from _deprecated(scene, owner)
        yield from _documents(scene, owner)
    for use in scene.graph.files.values():
        data = scene.tree.files.get(use.path, b"")
        if use.role is Role.RESOURCE and not positions.documents(data) and mistake(data) is None:
            message = f"{use.path} holds no object"
            yield scene.finding(EMPTY_RESOURCE, Place(use.owner, use.line), message)


def _duplicates(scene: EnvironmentContext) -> Iterator[Finding]:
    for path in scene.graph.files:
        if path.endswith((".yaml", ".yml", "Kustomization")):
            for key, line in _doubled(scene.tree.files.get(path, b"")):
                yield scene.finding(DUPLICATE_KEY, Place(path, line), f"{key} stands twice in the same mapping")
    for source in scene.trace.origins.sources:
        if not source.made and source.document.above:
            for key, line in source.document.duplicates():
                yield scene.finding(DUPLICATE_KEY, Place(source.path, line), f"{key} stands twice in the same mapping")


@lru_cache(maxsize=512)
def _doubled(data: bytes) -> tuple[tuple[str, int], ...]:
    return tuple(pair for document in positions.documents(data) for pair in document.duplicates())


def _twice(scene: EnvironmentContext, owner: Kustomization) -> Iterator[Finding]:
    for key in ("resources", "components", "images", "replicas"):
        seen: set[str] = set()
        for number, entry in enumerate(owner.items(key)):
            name = dig(entry, "name") if isinstance(entry, dict) else entry
            if not isinstance(name, str):
                continue
            if key in ("resources", "components") and not is_remote(name):
                name = posixpath.normpath(name)
            if name in seen:
                yield scene.finding(LISTED_TWICE, owner.place(key, number), f"{key} lists {name} twice")
            seen.add(name)


def _deprecated(scene: EnvironmentContext, owner: Kustomization) -> Iterator[Finding]:
    for field, successor in _SUCCESSORS.items():
        if field in owner.data:
            yield scene.finding(DEPRECATED, owner.place(field), f"{field} is deprecated", successor)


def _documents(scene: EnvironmentContext, owner: Kustomization) -> Iterator[Finding]:
    for document in positions.documents(scene.tree.files.get(owner.path, b""))[1:2]:
        message = "kustomize reads only the first document of this file"
        yield scene.finding(IGNORED_DOCUMENT, Place(owner.path, document.line()), message)
