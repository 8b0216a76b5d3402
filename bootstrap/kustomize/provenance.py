"""Provenance: the file and line where a user changes a rendered object or field."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import MERGE_KEYS, Object, dig, identify, items, merge_key
from bootstrap.kustomize.graph import Graph
from bootstrap.kustomize.origins import Origin, Origins
from bootstrap.kustomize.resources import Source
from bootstrap.yamltools.positions import Document, FieldPath, Place, documents


class Trace:
    """Traces the objects of an environment to its files."""

    def __init__(self, tree: Tree, graph: Graph, overlay: str) -> None:
        self._tree = tree
        self._graph = graph
        self._overlay = overlay

    @cached_property
    def origins(self) -> Origins:
        """The index of the environment's files."""
        return Origins(self._tree, self._graph)

    def overlay(self, *path: str | int) -> Place:
        """File and line of a field of the overlay's kustomization."""
        own = self._graph.kustomizations[-1] if self._graph.kustomizations else None
        return Place(own.path, own.line(*path)) if own else Place(f"{self._overlay}/kustomization.yaml")

    def object(self, obj: Object) -> Place:
        """Place of an object: its name in a resource file, else its generator, else the overlay."""
        identity = identify(obj)
        for source in reversed(self.origins.made(identity)):
            return source.place(("metadata", "name"))
        for generator in sorted(self.origins.generators, key=lambda generator: not generator.is_first):
            if (generator.kind, generator.name) == (identity.kind, identity.name):
                return generator.place("name")
        return self.overlay()

    def field(self, obj: Object, path: FieldPath) -> Place:
        """Place of a field; the nearest parent's, if no file sets the field."""
        return self.origin(obj, path).place

    def data(self, obj: Object, key: str, inner: FieldPath | None = None) -> Place:
        """Place of an entry of a ConfigMap; with `inner`, of that path in the YAML text of the entry."""
        if inner is None:
            return self.field(obj, ("data", key))
        text = dig(obj, "data", key)
        rendered = next(iter(documents(text.encode(errors="replace"))), None) if isinstance(text, str) else None
        value = rendered.value if rendered else None
        if (place := self.origins.copied(obj, ("data", key), dig(value, *inner))) is not None:
            return place
        entry = self.written(obj, ("data", key))
        for document in _inside(entry)[:1]:
            return Place(entry.place.path, document.line(_written_path(value, document.value, inner)[0]))
        return entry.place

    def origin(self, obj: Object, path: FieldPath) -> Origin:
        """Origin of a field: a replacement, a transformer such as `images:`, or the document that sets it."""
        value = dig(obj, *path)
        if (place := self.origins.copied(obj, path, value)) is not None:
            return Origin(place=place, value=value, whole=True)
        source_origin = self.written(obj, path)
        if source_origin.whole and [*path[-1:]] == ["image"] and value != source_origin.value:
            image, place = self.origins.imaged(source_origin.value)
            if place is not None and image == value:
                return Origin(place=place, value=value, whole=True)
        for order, place in self._transformed(obj, [*path], value):
            if order >= source_origin.order or not source_origin.whole:
                return Origin(place=place, value=value, whole=True, order=order)
        return source_origin

    def written(self, obj: Object, path: FieldPath) -> Origin:
        """The last document or generator that sets a field; the one with the nearest parent, if none does."""
        best: Origin | None = None
        entries = self.origins.entries(identify(obj), str(path[1])) if _is_entry(path) else []
        for source in self.origins.of(obj):
            if entries and (source.made or source.order < entries[0].order):
                break
            if source.operations:
                where = _operation_path(obj, source, path)
                whole = where is not None
            else:
                where, whole = _written_path(obj, source.document.value, path)
            if where is None:
                continue
            candidate = Origin(
                place=source.place(where or ("metadata", "name")),
                value=dig(source.document.value, *where) if whole else None,
                whole=whole,
                order=source.order,
                source=source,
                at=(*where,),
            )
            if whole:
                return candidate
            # A field that no patch sets belongs to the file of the object, not to a patch that only names it.
            if best is None or len(where) > len(best.at) or (source.made and len(where) == len(best.at)):
                best = candidate
        return (entries[0] if entries else best) or Origin(place=self.object(obj))

    def _transformed(self, obj: Object, path: list[Any], value: Any) -> Iterator[tuple[int, Place]]:
        """Numbers and places of kustomizations whose transformers set a field (such as namespace), last first."""
        names = self.origins.names(obj) if path == ["spec", "replicas"] else frozenset[str]()
        for number, owner in reversed([*enumerate(self._graph.kustomizations)]):
            if path[-1:] == ["namespace"] and value is not None and owner.data.get("namespace") == value:
                yield number, Place(owner.path, owner.line("namespace"))
            for index, entry in enumerate(owner.items("replicas") if names else ()):
                if dig(entry, "name") in names and dig(entry, "count") == value:
                    yield number, Place(owner.path, owner.line("replicas", index, "count"))
            if len(path) > 1 and path[-2] in ("labels", "matchLabels", "selector", "annotations"):
                for pairs in _pairs(owner.data, path[-2]):
                    if value is not None and dig(owner.data, *pairs, path[-1]) == value:
                        yield number, Place(owner.path, owner.line(*pairs, path[-1]))


def _pairs(data: Any, field: str) -> Iterator[FieldPath]:
    """Paths in a kustomization of the labels or annotations that it adds to all objects."""
    if field == "annotations":
        yield ("commonAnnotations",)
        return
    yield ("commonLabels",)
    yield from (("labels", number, "pairs") for number in range(len(items(data, "labels"))))


def _is_entry(path: FieldPath) -> bool:
    return len(path) > 1 and path[0] in ("data", "stringData", "binaryData")


def _inside(entry: Origin) -> tuple[Document, ...]:
    """The YAML documents in an entry's value, with line numbers of the file."""
    if entry.source is not None:
        return entry.source.document.inside(entry.at)
    return documents(entry.value.encode(errors="replace")) if isinstance(entry.value, str) else ()


def _written_path(rendered: Any, written: Any, path: FieldPath) -> tuple[list[str | int], bool]:
    """Translate a rendered path to the path in a document, as far as it exists, and whether it exists as a whole."""
    steps: list[str | int] = []
    for step in path:
        if isinstance(step, int):
            item = rendered[step] if isinstance(rendered, list) and 0 <= step < len(rendered) else None
            index = _index(item, step, written) if isinstance(written, list) else None
            if index is None:
                return steps, False
            rendered, written = item, written[index]
            steps.append(index)
        else:
            if not isinstance(written, dict) or step not in written:
                return steps, False
            rendered, written = dig(rendered, step), written[step]
            steps.append(step)
    return steps, True


def _operation_path(rendered: Any, source: Source, path: FieldPath) -> list[str | int] | None:
    """Path in a JSON patch of the operation that sets a rendered path; None if none does."""
    for operation in reversed(source.operations):
        if (
            operation.name not in ("add", "replace", "copy", "move")
            or len(operation.path) > len(path)
            or not operation.path
        ):
            continue
        here = [*path[: len(operation.path)]]
        if operation.path[-1] == "-":  # appended: match the list item that equals the patch's value
            reached = [str(step) for step in here[:-1]] == [*operation.path[:-1]] and isinstance(here[-1], int)
            if not reached or not _covers(dig(rendered, *here), operation.value):
                continue
        elif [str(step) for step in here] != [*operation.path]:
            continue
        if len(here) == len(path):
            return [operation.number, "value" if operation.name in ("add", "replace") else "path"]
        below, whole = _written_path(dig(rendered, *here), operation.value, path[len(here) :])
        if whole:
            return [operation.number, "value", *below]
    return None


def _covers(rendered: Any, written: Any) -> bool:
    if isinstance(rendered, dict) and isinstance(written, dict):
        return all(key in rendered and _covers(rendered[key], item) for key, item in written.items())
    return bool(rendered == written)


def _index(item: Any, step: int, written: list[Any]) -> int | None:
    for key in MERGE_KEYS:
        merge_value = merge_key(item, key)
        if merge_value is not None and any(merge_key(other, key) is not None for other in written):
            return next((number for number, other in enumerate(written) if merge_key(other, key) == merge_value), None)
    if item in written:
        return written.index(item)
    return step if step < len(written) else None
