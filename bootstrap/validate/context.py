"""What rules look at: one environment, its files, what it renders to, and the way back to the files."""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, wraps
from typing import Any, TypeVar

from bootstrap.config.exemptions import Exemption
from bootstrap.config.file_problems import Problem
from bootstrap.config.model import Environment, Model
from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import Object, identify, parse
from bootstrap.kubernetes.objects import dig as dig
from bootstrap.kubernetes.objects import items as items
from bootstrap.kubernetes.objects import mapping as mapping
from bootstrap.kustomize import graph
from bootstrap.kustomize.accumulator import Gathering
from bootstrap.kustomize.graph import Graph
from bootstrap.kustomize.provenance import Trace
from bootstrap.validate.rule import Check
from bootstrap.validate.violation import Rule, Violation
from bootstrap.yamltools.positions import Place

CLUSTERS = "clusters"
Found = TypeVar("Found")
_OVERLAY = re.compile(rb"overlays/([\w.-]+)", re.ASCII)


class Concerned:
    """Which files of the clusters have to do with which environment: those that name its overlay, or none at all."""

    def __init__(self, clusters: Mapping[str, bytes]) -> None:
        self._files: dict[bytes, set[str]] = defaultdict(set)
        for path, data in clusters.items():
            for name in set(_OVERLAY.findall(data)) or {b""}:
                self._files[name].add(path)

    def of(self, environment: Environment) -> set[str]:
        """Their paths, and that of the environment's own file, whether it is there or not."""
        told = (self._files.get(name, set()) for name in (b"", environment.name.encode()))
        return {environment.sync_file}.union(*told)


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the rules of one kind look at. (No slots: it caches.)"""

    model: Model
    _facts: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def environments(self) -> tuple[str, ...]:
        """The names of the environments that a violation is about, unless it says so itself."""
        return ()

    def once(self, key: Hashable, make: Callable[[], Found]) -> Found:
        """What is under a key, made at the first time that a rule asks for it."""
        if key not in self._facts:
            self._facts[key] = make()
        found: Found = self._facts[key]
        return found

    def forget(self) -> None:
        """Let go of what was made: it leads back to the context, so that only a look for cycles would free them."""
        self._facts.clear()

    def violations(self, check: Check[Any]) -> tuple[Violation, ...]:
        """Where a rule is broken here."""
        return self.once(check, lambda: tuple(check(self)))

    def told(self, check: Check[Any]) -> bool:
        """Whether a rule is broken here, and not switched off."""
        return any(not self.exempts(check.rule, each.place) for each in self.violations(check))

    def exempts(self, rule: Rule, place: Place) -> bool:
        """Whether taxiway.yaml switches a rule off at a place."""
        return any(each.covers(rule.names, self.environments, place.path) for each in self.model.exemptions)


@dataclass(frozen=True, kw_only=True)
class EnvironmentContext(Context):
    """One environment.

    `tree` holds every file that can have to do with it, by its path in the repo: the overlay, `base/`, `clusters/`,
    `taxiway.yaml`. `rendered` is what kustomize built, empty where it could not: `failure` then has its reason.
    `before` is the same as of HEAD; None where that is not known. `problems` are what is there beside the tree and was
    not read. Objects and files are whatever the user wrote: any
    value may have any type, so rules read them through `dig`, `mapping` and `items`.
    """

    environment: Environment
    tree: Tree = field(repr=False)
    rendered: bytes = field(default=b"", repr=False)
    failure: str | None = None
    before: bytes | None = field(default=None, repr=False)
    problems: tuple[Problem, ...] = ()

    @property
    def environments(self) -> tuple[str, ...]:
        """Its name."""
        return (self.environment.name,)

    @cached_property
    def objects(self) -> tuple[Object, ...]:
        """The rendered objects, those at least that have a kind and a name."""
        return tuple(_whole(self.rendered))

    @cached_property
    def objects_before(self) -> tuple[Object, ...] | None:
        """The same as of HEAD."""
        return None if self.before is None else tuple(_whole(self.before))

    @cached_property
    def graph(self) -> Graph:
        """What kustomize reads for this environment."""
        return graph.read(self.tree, self.environment.overlay)

    @cached_property
    def trace(self) -> Trace:
        """From rendered fields to files and lines."""
        return Trace(self.tree, self.graph, self.environment.overlay)

    @cached_property
    def gathering(self) -> Gathering:
        """Which objects each kustomization has before it."""
        return Gathering(self.graph, self.trace.origins, self.objects)

    def of_kind(self, *kinds: str) -> Iterator[Object]:
        """The objects of these kinds."""
        return (each for each in self.objects if each["kind"] in kinds)

    def find(self, kind: str, name: str) -> Object | None:
        """The object of this name as the cluster sees it. A SealedSecret's Secret always has the same name."""
        return self._named.get((kind, name))

    def called(self, kind: str, name: str) -> Object | None:
        """The object of this name without a hash or release."""
        return self._called.get((kind, name))

    @cached_property
    def _named(self) -> dict[tuple[str, str], Object]:
        return {(each["kind"], each["metadata"]["name"]): each for each in reversed(self.objects)}

    @cached_property
    def _called(self) -> dict[tuple[str, str], Object]:
        return {(each["kind"], identify(each).name): each for each in reversed(self.objects)}


@dataclass(frozen=True, kw_only=True)
class ServerContext(Context):
    """What kubectl says of a server-side dry run of an environment's objects, on stdout and on stderr."""

    environment: EnvironmentContext
    out: str
    err: str

    @property
    def environments(self) -> tuple[str, ...]:
        """The environment's name."""
        return self.environment.environments


@dataclass(frozen=True, kw_only=True)
class DatedContext(Context):
    """An environment at a point in time: for what becomes wrong though no file changes, so it is never cached."""

    environment: EnvironmentContext
    now: datetime

    @property
    def environments(self) -> tuple[str, ...]:
        """The environment's name."""
        return self.environment.environments


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Something that an environment takes and that no other one of its cluster may take.

    Of the rule `fleet/dependency-cycle`: the name of the Kustomization that it waits for.
    """

    rule: str
    what: str
    path: str
    line: int


@dataclass(frozen=True, kw_only=True)
class FleetContext(Context):
    """The environments beside each other, and what belongs to none of them.

    `claims` come with the name of their environment, of those `chosen`. `off_before` are the rules that were switched
    off at the commit before; None where there is none yet. `overlays` are kustomization files right below
    overlays/<name>/ and `clusters` files below clusters/ that may be strays; `read` gives the bytes of a file.
    `rules` are the present names of all rules, by each name that they have or had.
    """

    chosen: tuple[str, ...] = ()
    claims: Sequence[tuple[str, Claim]] = ()
    off_before: Sequence[Exemption] | None = None
    overlays: Sequence[str] = ()
    clusters: Sequence[str] = ()
    read: Callable[[str], bytes] = field(default=lambda _: b"", repr=False)
    rules: Mapping[str, str] = field(default_factory=dict, repr=False)


Seen = TypeVar("Seen", bound=Context)


def shared(walk: Callable[[Seen], Iterable[Found]]) -> Callable[[Seen], tuple[Found, ...]]:
    """Keep what a walk through a context finds: the rules that need it share it."""

    @wraps(walk)
    def kept(context: Seen) -> tuple[Found, ...]:
        return context.once(walk, lambda: tuple(walk(context)))

    return kept


def _whole(rendered: bytes) -> Iterable[Object]:
    for each in parse(rendered):
        metadata = each.get("metadata")
        if isinstance(each["kind"], str) and isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
            yield each
