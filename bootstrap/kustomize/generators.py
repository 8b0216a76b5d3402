"""Generators: the items of `configMapGenerator` and `secretGenerator`, and the entries that they make."""

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import items
from bootstrap.kustomize.graph import Graph, Kustomization
from bootstrap.yamltools import envfile
from bootstrap.yamltools.positions import Place

FIELDS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """One generator of a kustomization. `order` is the number of the kustomization in the build."""

    owner: Kustomization
    order: int
    field: str
    number: int
    data: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The kind that it generates."""
        return FIELDS[self.field]

    @property
    def name(self) -> str:
        """The name that it generates, without the hash."""
        return str(self.data.get("name"))

    @property
    def is_first(self) -> bool:
        """Whether it creates the object, and does not merge into or replace that of another generator."""
        return self.data.get("behavior") not in ("merge", "replace")

    def place(self, *path: str | int) -> Place:
        """File and line of one of its fields."""
        return Place(self.owner.path, self.owner.line(self.field, self.number, *path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A generated key with its value; None where kustomize takes the value from its own environment variables."""

    key: str
    value: str | None
    place: Place


def read(graph: Graph) -> Iterator[Generator]:
    """All generators, in the order in which they are applied."""
    for order, owner in enumerate(graph.kustomizations):
        for field in FIELDS:
            for number, data in enumerate(owner.items(field)):
                if isinstance(data, dict):
                    yield Generator(owner=owner, order=order, field=field, number=number, data=data)


def entries(tree: Tree, generator: Generator) -> Iterator[Entry]:
    """The entries of a generator, in the order in which kustomize adds them: it refuses a key that comes twice."""
    data, folder = generator.data, generator.owner.folder
    for name in (*(name for _, name in _names(data, "envs")), data.get("env")):
        if isinstance(name, str):
            path = posixpath.normpath(posixpath.join(folder, name))
            for setting in envfile.settings(tree.files.get(path, b"").decode(errors="replace")):
                yield Entry(key=setting.key, value=setting.value, place=Place(path, setting.line))
    for _, name in _names(data, "files"):
        key, equals, file = name.partition("=")
        path = posixpath.normpath(posixpath.join(folder, file if equals else name))
        text = tree.files.get(path, b"").decode(errors="replace")
        yield Entry(key=key if equals else posixpath.basename(name), value=text, place=Place(path))
    for index, literal in _names(data, "literals"):
        key, _, value = literal.partition("=")
        yield Entry(key=key, value=value, place=generator.place("literals", index))


def _names(data: Mapping[str, Any], field: str) -> list[tuple[int, str]]:
    return [(index, name) for index, name in enumerate(items(data, field)) if isinstance(name, str)]
