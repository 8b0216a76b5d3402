"""Accumulated resources: the objects that a kustomization's patches and replacements can select.

kustomize calls this ResAccumulator (api/internal/accumulator).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from bootstrap.kubernetes.objects import Identity, Object, dig, identify, name_of
from bootstrap.kustomize import replacements
from bootstrap.kustomize.graph import Graph
from bootstrap.kustomize.origins import Origins
from bootstrap.kustomize.selectors import NO_NAMESPACE, Subject, strings
from bootstrap.yamltools.positions import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """An accumulated object, as written. `order` is the number of the kustomization that adds it; `generated` is true
    if a generator makes it. `find` returns its place; it is a function because few callers need the place."""

    subject: Subject
    identity: Identity
    order: int
    find: Callable[[], Place]
    generated: bool = False

    def __str__(self) -> str:
        return f"{self.subject.kind}/{min(self.subject.names)}"


class Gathering:
    """All objects in an environment's files, and those that a given kustomization can select."""

    def __init__(self, graph: Graph, origins: Origins, rendered: Iterable[Object]) -> None:
        self._graph = graph
        self._origins = origins
        self.all = (*_made(origins), *_generated(origins))
        self._found: dict[tuple[int, bool], list[Gathered]] = {}
        self._rendered: dict[tuple[str, str], set[str]] = defaultdict(set)
        for obj in rendered:
            identity = identify(obj)
            self._rendered[(identity.kind, identity.name)].add(name_of(obj))

    def before(self, order: int, *, late: bool = False) -> list[Gathered]:
        """The objects that the patches of the kustomization `order` can select; with `late`, its replacements.

        These come from the kustomizations below it and, for a component, from those before it in its parent. They have
        all names, namespaces and labels that the kustomizations before it gave them; with `late`, also its own.
        """
        if (order, late) not in self._found:
            around = self._around(order)
            visible = [
                resource
                for resource in self.all
                if resource.order <= order or (resource.order in around and not resource.generated)
            ]
            self._found[order, late] = self._changed(visible, order, late)
        return self._found[order, late]

    def _around(self, order: int) -> set[int]:
        """The chain of parents of a component: kustomize reads their resources before the component."""
        numbers = {kustomization.path: number for number, kustomization in enumerate(self._graph.kustomizations)}
        owners: set[int] = set()
        while self._graph.kustomizations[order].is_component:
            use = self._graph.files.get(self._graph.kustomizations[order].path)
            owner = numbers.get(use.owner) if use else None
            if owner is None or owner in owners:
                break
            owners.add(owner)
            order = owner
        return owners

    def _changed(self, resources: list[Gathered], order: int, late: bool) -> list[Gathered]:
        affixes: list[tuple[str, str]] = []
        namespaces: set[str] = set()
        labels: dict[str, str] = {}
        for owner in self._graph.kustomizations[: order + 1 if late else order]:
            affix = (str(owner.data.get("namePrefix") or ""), str(owner.data.get("nameSuffix") or ""))
            affixes += [affix] if any(affix) else []
            namespaces |= {str(owner.data["namespace"])} if owner.data.get("namespace") else set()
            labels.update(strings(owner.data.get("commonLabels")))
            for entry in owner.items("labels"):
                labels.update(strings(dig(entry, "pairs")))
        renaming = [
            replacements.selected(target)
            for replacement in self._origins.replacements
            for _, target in replacement.targets
            if replacement.order < order and "metadata.name" in replacements.fields(target)
        ]
        changed: list[Gathered] = []
        for resource in resources:
            subject, names = resource.subject, set(resource.subject.names)
            for prefix, suffix in affixes:
                names |= {f"{prefix}{name}{suffix}" for name in names}
            # Unlike a prefix, a replacement of metadata.name does not keep the previous name for selectors.
            if any(selector.selects(subject) for selector in renaming):
                names = self._rendered.get((subject.kind, resource.identity.name)) or names
            subject = replace(
                subject,
                names=frozenset(names),
                namespaces=subject.namespaces | namespaces,
                labels={**subject.labels, **labels},
            )
            changed.append(replace(resource, subject=subject))
        return changed


def _made(origins: Origins) -> Iterator[Gathered]:
    for source in origins.sources:
        if source.made and source.identity is not None and source.subject is not None:
            find = partial(source.place, ("metadata", "name"))
            yield Gathered(subject=source.subject, identity=source.identity, order=source.order, find=find)


def _generated(origins: Origins) -> Iterator[Gathered]:
    for generator in origins.generators:
        if generator.is_first:
            options = generator.data.get("options")
            subject = Subject(
                group="",
                version="v1",
                kind=generator.kind,
                names=frozenset({generator.name}),
                namespaces=frozenset({str(generator.data.get("namespace") or NO_NAMESPACE)}),
                labels=strings(dig(options, "labels")),
                annotations=strings(dig(options, "annotations")),
            )
            identity = Identity(generator.kind, "", generator.name)
            find = partial(generator.place, "name")
            yield Gathered(subject=subject, identity=identity, order=generator.order, find=find, generated=True)
