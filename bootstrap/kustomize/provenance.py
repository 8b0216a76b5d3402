"""From a rendered object back to the file and line where a user would change it."""

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

    def field(self, each: Object, path: FieldPath) -> Place:
        """Where a field gets its value; the nearest parent's place, where no file names the field."""
        return self.origin(each, path).place

    def data(self, each: Object, key: str, inner: FieldPath | None = None) -> Place:
        """Where an entry of a ConfigMap gets its value; with `inner`, a place inside of the YAML that it holds."""
        if inner is None:
            return self.field(each, ("data", key))
        text = dig(each, "data", key)
        rendered = next(iter(documents(text.encode(errors="replace"))), None) if isinstance(text, str) else None
        value = rendered.value if rendered else None
        if (place := self.origins.copied(each, ("data", key), dig(value, *inner))) is not None:
            return place
        entry = self.written(each, ("data", key))
        for document in _inside(entry)[:1]:
            return Place(entry.place.path, document.line(_written_path(value, document.value, inner)[0]))
        return entry.place

    def origin(self, each: Object, path: FieldPath) -> Origin:
        """Where a field gets its value: what writes it, or what kustomize makes of that by a rule of its own."""
        value = dig(each, *path)
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

    def written(self, each: Object, path: FieldPath) -> Origin:
        """What the last document or generator says that sets a field; what stands nearest to it, where none does."""
        best: Origin | None = None
        entries = self.origins.entries(identify(each), str(path[1])) if _is_entry(path) else []
        for source in self.origins.of(each):
            if entries and (source.made or source.order < entries[0].order):
                break
            if source.operations:
                where = _operation_path(each, source, path)
                whole = where is not None
            else:
                where, whole = _written_path(each, source.document.value, path)
            if where is None:
                continue
            found = Origin(
                place=source.place(where or ("metadata", "name")),
                value=dig(source.document.value, *where) if whole else None,
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
                if dig(entry, "name") in names and dig(entry, "count") == value:
                    yield number, Place(owner.path, owner.line("replicas", index, "count"))
            if len(path) > 1 and path[-2] in ("labels", "matchLabels", "selector", "annotations"):
                for pairs in _pairs(owner.data, path[-2]):
                    if value is not None and dig(owner.data, *pairs, path[-1]) == value:
                        yield number, Place(owner.path, owner.line(*pairs, path[-1]))


def _pairs(data: Any, field: str) -> Iterator[FieldPath]:
    """Where a kustomization says which labels or annotations all its objects get."""
    if field == "annotations":
        yield ("commonAnnotations",)
        return
    yield ("commonLabels",)
    yield from (("labels", number, "pairs") for number in range(len(items(data, "labels"))))


def _is_entry(path: FieldPath) -> bool:
    return len(path) > 1 and path[0] in ("data", "stringData", "binaryData")


def _inside(entry: Origin) -> tuple[Document, ...]:
    """The documents of a YAML text that is an entry's value, with the lines of the file that it stands in."""
    if entry.source is not None:
        return entry.source.document.inside(entry.at)
    return documents(entry.value.encode(errors="replace")) if isinstance(entry.value, str) else ()


def _written_path(rendered: Any, written: Any, wanted: FieldPath) -> tuple[list[str | int], bool]:
    """A rendered path as it stands in a document, as far as it leads there, and whether that is all of it."""
    found: list[str | int] = []
    for step in wanted:
        if isinstance(step, int):
            item = rendered[step] if isinstance(rendered, list) and 0 <= step < len(rendered) else None
            index = _index(item, step, written) if isinstance(written, list) else None
            if index is None:
                return found, False
            rendered, written = item, written[index]
            found.append(index)
        else:
            if not isinstance(written, dict) or step not in written:
                return found, False
            rendered, written = dig(rendered, step), written[step]
            found.append(step)
    return found, True


def _operation_path(rendered: Any, source: Source, wanted: FieldPath) -> list[str | int] | None:
    """Where a JSON patch says what stands at a rendered path; None where it does not."""
    for each in reversed(source.operations):
        if each.name not in ("add", "replace", "copy", "move") or len(each.path) > len(wanted) or not each.path:
            continue
        here = [*wanted[: len(each.path)]]
        if each.path[-1] == "-":  # appended: the item of the list that looks as the patch wants it
            reached = [str(step) for step in here[:-1]] == [*each.path[:-1]] and isinstance(here[-1], int)
            if not reached or not _covers(dig(rendered, *here), each.value):
                continue
        elif [str(step) for step in here] != [*each.path]:
            continue
        if len(here) == len(wanted):
            return [each.number, "value" if each.name in ("add", "replace") else "path"]
        below, whole = _written_path(dig(rendered, *here), each.value, wanted[len(here) :])
        if whole:
            return [each.number, "value", *below]
    return None


def _covers(rendered: Any, written: Any) -> bool:
    if isinstance(rendered, dict) and isinstance(written, dict):
        return all(key in rendered and _covers(rendered[key], each) for key, each in written.items())
    return bool(rendered == written)


def _index(item: Any, step: int, written: list[Any]) -> int | None:
    for key in MERGE_KEYS:
        wanted = merge_key(item, key)
        if wanted is not None and any(merge_key(other, key) is not None for other in written):
            return next((number for number, other in enumerate(written) if merge_key(other, key) == wanted), None)
    if item in written:
        return written.index(item)
    return step if step < len(written) else None
