"""Rules about fields of kustomizations and YAML: duplicate, deprecated or without effect."""

import posixpath
from collections.abc import Iterator
from functools import lru_cache

from bootstrap.kubernetes.objects import dig
from bootstrap.kustomize.graph import Kustomization
from bootstrap.kustomize.inputs import Role, is_remote
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools import positions
from bootstrap.yamltools.positions import Place, mistake

# kustomize: api/types, kustomization.go (CheckDeprecatedFields).
_SUCCESSORS = {
    "bases": "Name the folders under resources.",
    "commonLabels": "Use labels; with includeSelectors: true where selectors have them already: those can't change.",
    "imageTags": "Use images.",
    "patchesJson6902": "Use patches, with the same target.",
    "patchesStrategicMerge": "Use patches, with each file as a path.",
    "vars": "Use replacements.",
}


@rule("kustomize/duplicate-key", ERROR, fix="Remove one of the two.")
def duplicate_key(env: EnvironmentContext) -> Iterator[Violation]:
    """A key stands once in a mapping.

    The last one silently wins, or the file is refused, depending on who reads it.
    """
    for path in env.graph.files:
        if path.endswith((".yaml", ".yml", "Kustomization")):
            for key, line in _doubled(env.tree.files.get(path, b"")):
                yield Violation(Place(path, line), f"{key} stands twice in the same mapping")
    for source in env.trace.origins.sources:
        if not source.made and source.document.above:
            for key, line in source.document.duplicates():
                yield Violation(Place(source.path, line), f"{key} stands twice in the same mapping")


@rule("kustomize/listed-twice", ERROR, fix="Remove one of the two.")
def listed_twice(env: EnvironmentContext) -> Iterator[Violation]:
    """A kustomization lists a file, a folder or an image once.

    A component is applied twice, and fails at what it has done before; of two entries for one image the later one
    counts.
    """
    for owner in env.graph.kustomizations:
        for key in ("resources", "components", "images", "replicas"):
            seen: set[str] = set()
            for number, name in _listed(owner, key):
                if name in seen:
                    yield Violation(owner.place(key, number), f"{key} lists {name} twice")
                seen.add(name)


@rule("kustomize/deprecated", WARNING, fix="Use the successor: `kustomize edit fix` rewrites the file.")
def deprecated(env: EnvironmentContext) -> Iterator[Violation]:
    """A kustomization uses fields that stay.

    Kustomize says that it will drop the field; with a version that has done so the overlay no longer builds.
    """
    for owner in env.graph.kustomizations:
        for field, successor in _SUCCESSORS.items():
            if field in owner.data:
                yield Violation(owner.place(field), f"{field} is deprecated", successor)


@rule("kustomize/empty-resource", ERROR, fix="Take it off the list, or put the object back.")
def empty_resource(env: EnvironmentContext) -> Iterator[Violation]:
    """A resource file holds an object.

    Kustomize passes over a file of nothing but comments, and the controller prunes what was in it before.
    """
    for use in env.graph.files.values():
        data = env.tree.files.get(use.path, b"")
        if use.role is Role.RESOURCE and not positions.documents(data) and mistake(data) is None:
            yield Violation(Place(use.owner, use.line), f"{use.path} holds no object")


@rule("kustomize/ignored-document", ERROR, fix="Join the documents.")
def ignored_document(env: EnvironmentContext) -> Iterator[Violation]:
    """A kustomization file holds one document.

    Kustomize reads the first one and passes over the others.
    """
    for owner in env.graph.kustomizations:
        for document in positions.documents(env.tree.files.get(owner.path, b""))[1:2]:
            yield Violation(Place(owner.path, document.line()), "kustomize reads only the first document of this file")


@lru_cache(maxsize=512)
def _doubled(data: bytes) -> tuple[tuple[str, int], ...]:
    return tuple(pair for document in positions.documents(data) for pair in document.duplicates())


def _listed(owner: Kustomization, key: str) -> Iterator[tuple[int, str]]:
    for number, entry in enumerate(owner.items(key)):
        name = dig(entry, "name") if isinstance(entry, dict) else entry
        if isinstance(name, str):
            is_path = key in ("resources", "components") and not is_remote(name)
            yield number, posixpath.normpath(name) if is_path else name
