"""The `replacements` of a kustomization, which copy a value from one field to others, and their field paths."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import items, mapping
from bootstrap.kustomize.graph import Kustomization
from bootstrap.kustomize.selectors import Selector
from bootstrap.yamltools.positions import Document, FieldPath, Place, documents

_STEP = re.compile(r"\[([^\]]*)\]|((?:\\.|[^.\[\]])+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """One item of `replacements`, in the kustomization or in a file of its own; `base` is its path there."""

    path: str
    document: Document
    base: FieldPath
    order: int
    data: Mapping[str, Any]

    @property
    def source(self) -> Mapping[str, Any]:
        """The selector of the source object."""
        return mapping(self.data, "source")

    @property
    def field(self) -> str:
        """The field path of the source; by default the name of the object."""
        return str(self.source.get("fieldPath") or "metadata.name")

    @property
    def targets(self) -> list[tuple[int, Mapping[str, Any]]]:
        """Its targets with their indexes."""
        return [
            (number, target) for number, target in enumerate(items(self.data, "targets")) if isinstance(target, dict)
        ]

    def place(self, *path: str | int) -> Place:
        """File and line of one of its fields."""
        return Place(self.path, self.document.line((*self.base, *path)))


def read(tree: Tree, owner: Kustomization, order: int) -> Iterator[Replacement]:
    """The replacements of a kustomization, in their order."""
    for number, given in enumerate(owner.items("replacements")):
        if not isinstance(given, dict):
            continue
        if not isinstance(given.get("path"), str):
            where = ("replacements", number)
            yield Replacement(path=owner.path, document=owner.document, base=where, order=order, data=given)
            continue
        file = posixpath.normpath(posixpath.join(owner.folder, given["path"]))
        for document in documents(tree.files.get(file, b""))[:1]:
            listed = document.value if isinstance(document.value, list) else [document.value]
            for index, item in enumerate(listed):
                if isinstance(item, dict):
                    base: FieldPath = (index,) if isinstance(document.value, list) else ()
                    yield Replacement(path=file, document=document, base=base, order=order, data=item)


def fields(target: Mapping[str, Any]) -> list[str]:
    """The field paths of a target."""
    return [path for path in items(target, "fieldPaths") if isinstance(path, str)]


def selected(target: Mapping[str, Any]) -> Selector:
    """The `select` of a target."""
    return Selector.of(target.get("select"))


def rejected(target: Mapping[str, Any]) -> list[Selector]:
    """The `reject` selectors of a target."""
    return [Selector.of(selector) for selector in items(target, "reject")]


def resolve(value: Any, field: str) -> list[tuple[FieldPath, Any]]:
    """Paths in an object that a field path matches, with their values (kustomize: kyaml/utils, pathsplitter.go).

    Dots separate steps; `[name=scheduler]` selects list items, `[a.b]` is a key with dots, `*` matches every item.
    """
    matches: list[tuple[FieldPath, Any]] = [((), value)]
    for match in _STEP.finditer(field):
        bracket, plain = match.groups()
        step = bracket if bracket is not None else plain.replace("\\.", ".")
        matches = [
            ((*path, key), below) for path, item in matches for key, below in _below(item, step, bracket is not None)
        ]
    return [(path, item) for path, item in matches]


def _below(value: Any, step: str, bracket: bool) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, list):
        name, equals, expected = step.partition("=")
        for number, item in enumerate(value):
            picked = isinstance(item, dict) and str(item.get(name)) == expected if bracket and equals else False
            if step == "*" or picked or step == str(number):
                yield number, item
    elif isinstance(value, dict):
        if step in value:
            yield step, value[step]
        elif step == "*":
            yield from ((str(key), item) for key, item in value.items())
