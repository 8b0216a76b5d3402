"""From a rendered object back to the file and line where a user would change it."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bootstrap.finding import Place
from bootstrap.lint.graph import Graph, Kustomization, Role
from bootstrap.lint.located import Document, Path, documents
from bootstrap.objects import Identity, Object, identify
from bootstrap.tree import Tree

_MERGE_KEYS = ("name", "mountPath", "containerPort", "port", "key")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A document that makes or patches one object. `offset` is where it begins, if inside of another file's text."""

    path: str
    document: Document
    identity: Identity | None
    operations: tuple[tuple[Path, int], ...] = ()
    offset: int = 0

    def place(self, path: Path = ()) -> Place:
        return Place(self.path, self.document.line(path) + self.offset)


class Trace:
    """The sources of an overlay's objects, the last one applied first."""

    def __init__(self, tree: Tree, graph: Graph, overlay: str) -> None:
        self._tree = tree
        self._graph = graph
        self._overlay = overlay

    def overlay(self, *path: str | int) -> Place:
        """A line of the overlay's own kustomization."""
        own = self._graph.kustomizations[-1] if self._graph.kustomizations else None
        return Place(own.path, own.line(*path)) if own else Place(f"{self._overlay}/kustomization.yaml")

    def object(self, each: Object) -> Place:
        """Where an object is defined: its name in a resource file, or its generator."""
        identity = identify(each)
        for source in reversed(self._resources):
            if _same(source.identity, identity):
                return source.place(("metadata", "name"))
        for kustomization, key, number in self._generators(identity):
            return Place(kustomization.path, kustomization.line(key, number, "name"))
        return self.overlay()

    def field(self, each: Object, path: Path) -> Place:
        """Where a field gets its value; the nearest parent's place, where no file names the field."""
        identity = identify(each)
        if identity.kind in ("ConfigMap", "Secret") and len(path) > 1 and path[0] == "data":
            return self.data(each, str(path[1]))
        best: tuple[int, Place] | None = None
        for source in reversed(self._sources):
            if source.operations and _same(source.identity, identity):
                hit = next((line for to, line in source.operations if [*to] == [str(p) for p in path][: len(to)]), None)
                if hit is not None:
                    return Place(source.path, hit + source.offset)
            if not _same(source.identity, identity) or source.operations:
                continue
            aligned, whole = _aligned(each, source.document.value, path)
            if whole:
                return self._image(source, aligned) or source.place(aligned)
            if best is None or len(aligned) > best[0]:
                best = (len(aligned), source.place(aligned or ("metadata", "name")))
        if [*path] == ["metadata", "namespace"]:
            return self._namespace() or self.object(each)
        return best[1] if best else self.object(each)

    def data(self, each: Object, key: str, inner: Path | None = None) -> Place:
        """Where an entry of a ConfigMap gets its value; with `inner`, a place inside of the YAML that it holds."""
        identity = identify(each)
        for kustomization, field, number in self._generators(identity):
            if place := self._entry(kustomization, field, number, key, inner):
                return place
        for source in reversed(self._sources):
            if _same(source.identity, identity) and source.document.has(("data", key)):
                place = source.place(("data", key))
                held = _get(source.document.value, ("data", key))
                if inner is not None and isinstance(held, str):
                    for document in documents(held.encode())[:1]:
                        return Place(place.path, place.line + document.line(inner))
                return place
        return self.object(each)

    def _entry(self, owner: Kustomization, field: str, number: int, key: str, inner: Path | None) -> Place | None:
        """The line of a generator's entry, if this generator sets it; a later env file wins over an earlier one."""
        generator = owner.items(field)[number]
        for index, literal in enumerate(_list(generator.get("literals"))):
            if isinstance(literal, str) and literal.partition("=")[0] == key:
                return Place(owner.path, owner.line(field, number, "literals", index))
        for name in _list(generator.get("files")):
            if isinstance(name, str) and _file_key(name) == key:
                path = posixpath.normpath(posixpath.join(owner.folder, name.partition("=")[2] or name))
                for document in documents(self._tree.files.get(path, b""))[:1] if inner is not None else ():
                    return Place(path, document.line(inner or ()))
                return Place(path)
        for name in reversed([*_list(generator.get("envs")), generator.get("env")]):
            if isinstance(name, str):
                path = posixpath.normpath(posixpath.join(owner.folder, name))
                if line := setting_line(self._tree.files.get(path, b""), key):
                    return Place(path, line)
        return None

    def _generators(self, identity: Identity) -> Iterator[tuple[Kustomization, str, int]]:
        """The generator entries of a ConfigMap or Secret, the last one applied first."""
        field = {"ConfigMap": "configMapGenerator", "Secret": "secretGenerator"}.get(identity.kind)
        for kustomization in reversed(self._graph.kustomizations):
            for number, generator in enumerate(kustomization.items(field) if field else ()):
                if isinstance(generator, dict) and generator.get("name") == identity.name:
                    yield kustomization, str(field), number

    def _image(self, source: _Source, path: Path) -> Place | None:
        image = _get(source.document.value, path)
        if not path or path[-1] != "image" or not isinstance(image, str):
            return None
        for kustomization in reversed(self._graph.kustomizations):
            for number, entry in enumerate(kustomization.items("images")):
                if isinstance(entry, dict) and entry.get("name") == image_name(image):
                    field = next((f for f in ("newTag", "digest", "newName") if f in entry), "name")
                    return Place(kustomization.path, kustomization.line("images", number, field))
        return None

    def _namespace(self) -> Place | None:
        for kustomization in reversed(self._graph.kustomizations):
            if "namespace" in kustomization.data:
                return Place(kustomization.path, kustomization.line("namespace"))
        return None

    @cached_property
    def _resources(self) -> list[_Source]:
        return [source for source in self._sources if source.path in self._made]

    @cached_property
    def _made(self) -> set[str]:
        return {path for path, use in self._graph.files.items() if use.role is Role.RESOURCE}

    @cached_property
    def _sources(self) -> list[_Source]:
        found: list[_Source] = []
        for kustomization in self._graph.kustomizations:
            for use in kustomization.uses:
                if use.role is Role.RESOURCE or (
                    use.role is Role.PATCH and not self._is_targeted(kustomization, use.line)
                ):
                    texts = documents(self._tree.files.get(use.path, b""))
                    found.extend(_source(use.path, each, _identity(each.value)) for each in texts)
            for number, patch in enumerate(kustomization.items("patches")):
                if isinstance(patch, dict):
                    found.extend(self._patch(kustomization, number, patch))
        return found

    def _is_targeted(self, owner: Kustomization, line: int) -> bool:
        return any(
            isinstance(patch, dict) and "target" in patch and owner.line("patches", number, "path") == line
            for number, patch in enumerate(owner.items("patches"))
        )

    def _patch(self, owner: Kustomization, number: int, patch: dict[str, Any]) -> Iterator[_Source]:
        """An inline patch, or one with a target of its own."""
        target = patch.get("target") if isinstance(patch.get("target"), dict) else None
        text, offset, path = patch.get("patch"), 0, owner.path
        if isinstance(text, str):
            offset = owner.line("patches", number, "patch")
        elif target and isinstance(patch.get("path"), str):
            path = posixpath.normpath(posixpath.join(owner.folder, patch["path"]))
            text = self._tree.files.get(path, b"").decode(errors="replace")
        else:
            return
        for document in documents(text.encode()):
            named = _identity(document.value)
            if target:
                named = Identity(str(target.get("kind", "")), "", str(target.get("name", "")))
            yield _source(path, document, named, offset)


def image_name(image: str) -> str:
    """An image without its tag and digest."""
    name = image.partition("@")[0]
    head, _, tail = name.rpartition("/")
    return f"{head}/{tail.partition(':')[0]}" if head else tail.partition(":")[0]


def setting_line(data: bytes, key: str) -> int:
    """The line of an env file that sets a name last; 0 where none does."""
    found = 0
    for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
        text = line.strip()
        if not text.startswith("#") and text.partition("=")[0] == key:
            found = number
    return found


def _source(path: str, document: Document, identity: Identity | None, offset: int = 0) -> _Source:
    operations: list[tuple[Path, int]] = []
    if isinstance(document.value, list):
        for number, operation in enumerate(document.value):
            if isinstance(operation, dict) and isinstance(operation.get("path"), str):
                steps = [s.replace("~1", "/").replace("~0", "~") for s in operation["path"].split("/")[1:]]
                operations.append((steps, document.line((number, "path"))))
    return _Source(path=path, document=document, identity=identity, operations=tuple(operations), offset=offset)


def _identity(value: Any) -> Identity | None:
    if isinstance(value, dict) and isinstance(metadata := value.get("metadata"), dict):
        return identify({"kind": str(value.get("kind")), "metadata": {"name": str(metadata.get("name"))}})
    return None


def _same(one: Identity | None, other: Identity) -> bool:
    return one is not None and (one.kind, one.name) == (other.kind, other.name)


def _aligned(rendered: Any, source: Any, path: Path) -> tuple[list[str | int], bool]:
    """The rendered path as it stands in a source, as far as it leads there, and whether that is all of it."""
    found: list[str | int] = []
    for step in path:
        if isinstance(step, int):
            item = rendered[step] if isinstance(rendered, list) and step < len(rendered) else None
            index = _index(item, step, source) if isinstance(source, list) else None
            if index is None:
                return found, False
            rendered, source = item, source[index]
            found.append(index)
        else:
            if not isinstance(source, dict) or step not in source:
                return found, False
            rendered, source = (rendered.get(step) if isinstance(rendered, dict) else None), source[step]
            found.append(step)
    return found, True


def _index(item: Any, step: int, source: list[Any]) -> int | None:
    if isinstance(item, dict):
        for key in _MERGE_KEYS:
            if key in item and any(isinstance(other, dict) and key in other for other in source):
                return next((n for n, o in enumerate(source) if isinstance(o, dict) and o.get(key) == item[key]), None)
    if item in source:
        return source.index(item)
    return step if step < len(source) else None


def _get(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _file_key(name: str) -> str:
    return name.partition("=")[0] if "=" in name else posixpath.basename(name)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
