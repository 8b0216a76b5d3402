"""Resource and patch documents of an environment, in the order in which kustomize applies them."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import Identity, dig, identify, items
from bootstrap.kustomize import images
from bootstrap.kustomize.graph import Graph, Kustomization
from bootstrap.kustomize.inputs import Role
from bootstrap.kustomize.selectors import Selector, Subject
from bootstrap.yamltools.positions import Document, FieldPath, Place, documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a JSON patch; `number` is its index. `path` is the JSON pointer, split and unescaped."""

    number: int
    name: str
    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A document that creates an object (`made`), or patches the object that it names or those of its `target`.

    `order` is the number of its kustomization; higher ones are applied later. `images` are those of all containers in
    it.
    """

    path: str
    document: Document
    order: int
    made: bool = False
    identity: Identity | None = None
    subject: Subject | None = None
    images: frozenset[str] = frozenset()
    target: Selector | None = None
    operations: tuple[Operation, ...] = ()

    def place(self, path: FieldPath = ()) -> Place:
        """File and line of one of its fields."""
        return Place(self.path, self.document.line(path))


def read(tree: Tree, graph: Graph) -> tuple[Source, ...]:
    """All sources: the resources first, then the patches in the order in which they are applied."""
    made = [source for number, owner in enumerate(graph.kustomizations) for source in _made(tree, owner, number)]
    patches = [source for number, owner in enumerate(graph.kustomizations) for source in _patches(tree, owner, number)]
    return (*made, *patches)


def texts(tree: Tree, owner: Kustomization, *path: str | int) -> tuple[str, tuple[Document, ...]]:
    """File and documents of the patch at `path` of a kustomization: inline, or a file that is named there."""
    given = dig(owner.data, *path)
    if isinstance(given, dict):
        if isinstance(given.get("patch"), str):
            return owner.path, owner.document.inside((*path, "patch"))
        given = given.get("path")
    elif isinstance(given, str) and "\n" in given:
        return owner.path, owner.document.inside(path)
    if not isinstance(given, str):
        return owner.path, ()
    file = posixpath.normpath(posixpath.join(owner.folder, given))
    return file, documents(tree.files.get(file, b""))


def named(value: Any) -> Identity | None:
    """Identity of a value; None if it is no object with metadata."""
    if isinstance(value, dict) and isinstance(metadata := value.get("metadata"), dict):
        return identify({"kind": str(value.get("kind")), "metadata": {"name": str(metadata.get("name"))}})
    return None


def _made(tree: Tree, owner: Kustomization, order: int) -> Iterator[Source]:
    for use in owner.uses:
        if use.role is Role.RESOURCE:
            for source in _read(tree.files.get(use.path, b"")):
                yield replace(source, path=use.path, order=order)


@lru_cache(maxsize=256)  # pinned copies of a base have mostly the same files
def _read(text: bytes) -> tuple[Source, ...]:
    """The objects in the text of a file; the caller sets `path` and `order`."""
    return tuple(
        Source(
            path="",
            document=document,
            order=-1,
            made=True,
            identity=(identity := named(document.value)),
            subject=Subject.of(document.value) if identity else None,
            images=_images(document.value),
        )
        for document in documents(text)
    )


def _images(value: Any) -> frozenset[str]:
    return frozenset(image for _, image in images.within(value))


def _patches(tree: Tree, owner: Kustomization, order: int) -> Iterator[Source]:
    for key in ("patchesStrategicMerge", "patches", "patchesJson6902"):
        for number, given in enumerate(owner.items(key)):
            target = given.get("target") if isinstance(given, dict) else None
            file, patch_documents = texts(tree, owner, key, number)
            for document in patch_documents:
                yield Source(
                    path=file,
                    document=document,
                    order=order,
                    identity=named(document.value),
                    images=_images(document.value),
                    target=Selector.of(target) if isinstance(target, dict) else None,
                    operations=tuple(_operations(document.value)),
                )


def _operations(value: Any) -> Iterator[Operation]:
    for number, operation in enumerate(items(value)):
        if isinstance(operation, Mapping) and isinstance(pointer := operation.get("path"), str):
            # RFC 6901: ~1 first, so that ~01 becomes ~1.
            path = tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
            yield Operation(number=number, name=str(operation.get("op")), path=path, value=operation.get("value"))
