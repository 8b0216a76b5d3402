"""Index of an environment's files by object: resources, patches, generators, images and replacements."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import Identity, Object, dig, identify, name_of
from bootstrap.kustomize import generators, images, resources
from bootstrap.kustomize import replacements as replaced
from bootstrap.kustomize.graph import Graph
from bootstrap.kustomize.resources import Source
from bootstrap.kustomize.selectors import NO_NAMESPACE, Selector, Subject
from bootstrap.yamltools.positions import FieldPath, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """File and line that a value comes from, and the value as written there.

    `whole` if that is the field itself and not a parent of it. For a value in a document, `source` is the document and
    `at` the path in it. `order` is the number of the kustomization that applies it.
    """

    place: Place
    value: Any = None
    whole: bool = False
    order: int = -1
    source: Source | None = None
    at: FieldPath = ()


class Origins:
    """Sources, generators and replacements of an environment, with look-up by object."""

    def __init__(self, tree: Tree, graph: Graph) -> None:
        self._tree = tree
        self._graph = graph
        self._subjects: dict[int, tuple[Object, Subject]] = {}  # with its object, which keeps the id its own

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """All documents that create or patch objects, in the order in which they are applied."""
        return resources.read(self._tree, self._graph)

    @cached_property
    def generators(self) -> tuple[generators.Generator, ...]:
        """All generators, in the order in which they are applied."""
        return tuple(generators.read(self._graph))

    @cached_property
    def replacements(self) -> tuple[replaced.Replacement, ...]:
        """All replacements, in the order in which they are made."""
        owners = enumerate(self._graph.kustomizations)
        return tuple(
            replacement for number, owner in owners for replacement in replaced.read(self._tree, owner, number)
        )

    def of(self, obj: Object) -> list[Source]:
        """The documents that create or patch an object, the last one applied first."""
        named = self._by_name.get(_key(identify(obj)), [])
        numbers = [*named, *(n for n, s in self._targeted if s.target is not None and self.picks(s.target, obj))]
        return [self.sources[number] for number in sorted(numbers, reverse=True)]

    def made(self, identity: Identity) -> list[Source]:
        """The documents that create an object."""
        numbers = self._by_name.get(_key(identity), [])
        return [source for number in numbers if (source := self.sources[number]).made]

    def entries(self, identity: Identity, key: str) -> list[Origin]:
        """Where generators set an entry of a ConfigMap or Secret, the last one first."""
        return self._entries.get((*_key(identity), key), [])

    def picks(self, selector: Selector, obj: Object) -> bool:
        """Whether a selector matches an object by any name or namespace that it has or had."""
        if id(obj) not in self._subjects:
            self._subjects[id(obj)] = obj, self._subject(obj)
        return selector.selects(self._subjects[id(obj)][1])

    def _subject(self, obj: Object) -> Subject:
        own = Subject.of(obj)
        return replace(own, names=self.names(obj), namespaces=own.namespaces | {NO_NAMESPACE})

    def names(self, obj: Object) -> frozenset[str]:
        """The names of an object, from the one in its file to the rendered one."""
        identity = identify(obj)
        written = (dig(source.document.value, "metadata", "name") for source in self.made(identity))
        return frozenset({name_of(obj), identity.name, *(str(name) for name in written)})

    def imaged(self, image: Any) -> tuple[Any, Place | None]:
        """An image after all `images:` entries, and the place of the last one that changed it."""
        place = None
        for owner in self._graph.kustomizations if isinstance(image, str) else ():
            for number, entry in enumerate(owner.items("images")):
                if isinstance(entry, dict) and images.is_named(image, str(entry.get("name"))):
                    image = images.changed(image, entry)
                    field = next((f for f in ("newTag", "digest", "newName") if f in entry), "name")
                    place = Place(owner.path, owner.line("images", number, field))
        return image, place

    def copied(self, obj: Object, path: FieldPath, value: Any) -> Place | None:
        """The source of a value that a replacement copies to this path; None if none does."""
        if not isinstance(value, str) or not value:
            return None
        for replacement, selector, fields in self._copies:
            if self.picks(selector, obj):
                places = (to for name in fields for to, _ in replaced.resolve(obj, name))
                if any([*path] == [*to] for to in places):
                    copied, place = self.copied_by(replacement)
                    if copied == value:
                        return place
        return None

    def copied_by(self, replacement: replaced.Replacement) -> tuple[Any, Place | None]:
        """The value that a replacement copies and its place; None for both if the files do not have it."""
        identity = Identity(str(replacement.source.get("kind")), "", str(replacement.source.get("name")))
        key = replacement.field.removeprefix("data.").removeprefix("[").removesuffix("]")
        for origin in self.entries(identity, key):
            return origin.value, origin.place
        for number in reversed(self._by_name.get(_key(identity), [])):
            source = self.sources[number]
            for path, written in replaced.resolve(source.document.value, replacement.field):
                image, place = self.imaged(written) if [*path[-1:]] == ["image"] else (written, None)
                return image, place or source.place(path)
        return None, None

    @cached_property
    def _copies(self) -> list[tuple[replaced.Replacement, Selector, list[str]]]:
        """Triples of a replacement, a target's selector and its field paths, the last replacement first."""
        pairs = (
            (replacement, target) for replacement in reversed(self.replacements) for _, target in replacement.targets
        )
        return [(replacement, replaced.selected(target), replaced.fields(target)) for replacement, target in pairs]

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], list[int]]:
        numbers_by_name: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, source in enumerate(self.sources):
            if source.identity is not None and source.target is None:
                numbers_by_name[_key(source.identity)].append(number)
        return numbers_by_name

    @cached_property
    def _targeted(self) -> list[tuple[int, Source]]:
        return [(number, source) for number, source in enumerate(self.sources) if source.target is not None]

    @cached_property
    def _entries(self) -> Mapping[tuple[str, str, str], list[Origin]]:
        origins: dict[tuple[str, str, str], list[Origin]] = defaultdict(list)
        for generator in self.generators:
            for entry in generators.entries(self._tree, generator):
                origin = Origin(place=entry.place, value=entry.value, whole=True, order=generator.order)
                origins[(generator.kind, generator.name, entry.key)].insert(0, origin)
        return origins


def _key(identity: Identity) -> tuple[str, str]:
    return identity.kind, identity.name
