"""From a rendered object back to the file and line where a user would change it."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from bootstrap.lint import aligned
from bootstrap.lint.graph import Graph
from bootstrap.lint.located import Document, Path, documents, get
from bootstrap.lint.origins import Origin, Origins
from bootstrap.objects import Object, identify
from bootstrap.tree import Tree
from bootstrap.validate.violation import Place


class Trace:
    """The way back from an environment's objects to its files."""

    def __init__(self, tree: Tree, graph: Graph, overlay: str) -> None:
        self._tree = tree
        self._graph = graph
        self._overlay = overlay

    @cached_property
    def origins(self) -> Origins:
        """What the files say."""
        return Origins(self._tree, self._graph)

    def overlay(self, *path: str | int) -> Place:
        """A line of the overlay's own kustomization."""
        own = self._graph.kustomizations[-1] if self._graph.kustomizations else None
        return Place(own.path, own.line(*path)) if own else Place(f"{self._overlay}/kustomization.yaml")

    def object(self, each: Object) -> Place:
        """Where an object is defined: its name in a resource file, or its generator."""
        identity = identify(each)
        for source in reversed(self.origins.made(identity)):
            return source.place(("metadata", "name"))
        for generator in sorted(self.origins.generators, key=lambda generator: not generator.is_first):
            if (generator.kind, generator.name) == (identity.kind, identity.name):
                return generator.place("name")
        return self.overlay()

    def field(self, each: Object, path: Path) -> Place:
        """Where a field gets its value; the nearest parent's place, where no file names the field."""
        return self.origin(each, path).place

    def data(self, each: Object, key: str, inner: Path | None = None) -> Place:
        """Where an entry of a ConfigMap gets its value; with `inner`, a place inside of the YAML that it holds."""
        if inner is None:
            return self.field(each, ("data", key))
        text = get(each, ("data", key))
        rendered = next(iter(documents(text.encode(errors="replace"))), None) if isinstance(text, str) else None
        value = rendered.value if rendered else None
        if (place := self.origins.copied(each, ("data", key), get(value, inner))) is not None:
            return place
        entry = self.written(each, ("data", key))
        for document in _inside(entry)[:1]:
            return Place(entry.place.path, document.line(aligned.path(value, document.value, inner)[0]))
        return entry.place

    def origin(self, each: Object, path: Path) -> Origin:
        """Where a field gets its value: what writes it, or what kustomize makes of that by a rule of its own."""
        value = get(each, path)
        if (place := self.origins.copied(each, path, value)) is not None:
            return Origin(place=place, value=value, whole=True)
        found = self.written(each, path)
        if found.whole and [*path[-1:]] == ["image"] and value != found.value:
            image, place = self.origins.imaged(found.value)
            if place is not None and image == value:
                return Origin(place=place, value=value, whole=True)
        for order, place in self._transformed(each, [*path], value):
            if order >= found.order or not found.whole:
                return Origin(place=place, value=value, whole=True, order=order)
        return found

    def written(self, each: Object, path: Path) -> Origin:
        """What the last document or generator says that sets a field; what stands nearest to it, where none does."""
        best: Origin | None = None
        entries = self.origins.entries(identify(each), str(path[1])) if _is_entry(path) else []
        for source in self.origins.of(each):
            if entries and (source.made or source.order < entries[0].order):
                break
            if source.operations:
                where = aligned.operation(each, source, path)
                whole = where is not None
            else:
                where, whole = aligned.path(each, source.document.value, path)
            if where is None:
                continue
            found = Origin(
                place=source.place(where or ("metadata", "name")),
                value=get(source.document.value, where) if whole else None,
                whole=whole,
                order=source.order,
                source=source,
                at=(*where,),
            )
            if whole:
                return found
            # A patch names its object; whatever no patch sets belongs into the object's own file.
            if best is None or len(where) > len(best.at) or (source.made and len(where) == len(best.at)):
                best = found
        return (entries[0] if entries else best) or Origin(place=self.object(each))

    def _transformed(self, each: Object, path: list[Any], value: Any) -> Iterator[tuple[int, Place]]:
        """The lines of kustomizations that set a field of objects which they do not name, the last one first."""
        names = self.origins.names(each) if path == ["spec", "replicas"] else frozenset[str]()
        for number, owner in reversed([*enumerate(self._graph.kustomizations)]):
            if path[-1:] == ["namespace"] and value is not None and owner.data.get("namespace") == value:
                yield number, Place(owner.path, owner.line("namespace"))
            for index, entry in enumerate(owner.items("replicas") if names else ()):
                if get(entry, ("name",)) in names and get(entry, ("count",)) == value:
                    yield number, Place(owner.path, owner.line("replicas", index, "count"))
            if len(path) > 1 and path[-2] in ("labels", "matchLabels", "selector", "annotations"):
                for pairs in _pairs(owner.data, path[-2]):
                    if value is not None and get(owner.data, (*pairs, path[-1])) == value:
                        yield number, Place(owner.path, owner.line(*pairs, path[-1]))


def _pairs(data: Any, field: str) -> Iterator[tuple[str | int, ...]]:
    """Where a kustomization says which labels or annotations all its objects get."""
    if field == "annotations":
        yield ("commonAnnotations",)
        return
    yield ("commonLabels",)
    listed = data.get("labels")
    yield from (("labels", number, "pairs") for number in range(len(listed) if isinstance(listed, list) else 0))


def _is_entry(path: Path) -> bool:
    return len(path) > 1 and path[0] in ("data", "stringData", "binaryData")


def _inside(entry: Origin) -> tuple[Document, ...]:
    """The documents of a YAML text that is an entry's value, with the lines of the file that it stands in."""
    if entry.source is not None:
        return entry.source.document.inside(entry.at)
    return documents(entry.value.encode(errors="replace")) if isinstance(entry.value, str) else ()
