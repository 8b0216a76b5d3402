"""Contexts: the input of rules. An environment with its files and render, at a time, at a server, or beside others."""

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
from bootstrap.kustomize import graph
from bootstrap.kustomize.accumulator import Gathering
from bootstrap.kustomize.graph import Graph
from bootstrap.kustomize.provenance import Trace
from bootstrap.validate.rule import Check
from bootstrap.validate.violation import Rule, Violation
from bootstrap.yamltools.positions import Place

CLUSTERS = "clusters"
T = TypeVar("T")
_OVERLAY = re.compile(rb"overlays/([\w.-]+)", re.ASCII)


class ClusterFiles:
    """Files of `clusters/` by environment: a file concerns the overlays that it names, or all if it names none."""

    def __init__(self, clusters: Mapping[str, bytes]) -> None:
        self._files: dict[bytes, set[str]] = defaultdict(set)
        for path, data in clusters.items():
            for name in set(_OVERLAY.findall(data)) or {b""}:
                self._files[name].add(path)

    def of(self, environment: Environment) -> set[str]:
        """Paths of the files that concern an environment, and of its own sync file even if that is missing."""
        matching = (self._files.get(name, set()) for name in (b"", environment.name.encode()))
        return {environment.sync_file}.union(*matching)


@dataclass(frozen=True, kw_only=True)
class Context:
    """Input of the rules of one scope. (No slots: it caches.)"""

    model: Model
    _facts: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def environments(self) -> tuple[str, ...]:
        """Names of the environments that a violation is about, unless it names others."""
        return ()

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Memoize: the value of a key, made at the first call."""
        if key not in self._facts:
            self._facts[key] = make()
        value: T = self._facts[key]
        return value

    def forget(self) -> None:
        """Clear the memo: its values refer to the context, so only the cycle collector would free either."""
        self._facts.clear()

    def violations(self, check: Check[Any]) -> tuple[Violation, ...]:
        """Violations of a rule in this context, memoized."""
        return self.once(check, lambda: tuple(check(self)))

    def reports(self, check: Check[Any]) -> bool:
        """Whether a rule has a violation here that is not exempted."""
        return any(not self.exempts(check.rule, violation.place) for violation in self.violations(check))

    def exempts(self, rule: Rule, place: Place) -> bool:
        """Whether taxiway.yaml switches off a rule at a place."""
        return any(exemption.covers(rule.names, self.environments, place.path) for exemption in self.model.exemptions)


@dataclass(frozen=True, kw_only=True)
class EnvironmentContext(Context):
    """One environment, as rules see it.

    `tree` holds every file that can concern it, by path in the repo: the overlay, `base/`, `clusters/`, `taxiway.yaml`.
    `rendered` is the output of kustomize, empty if the build failed: `failure` is then its message. `before` is the
    output at HEAD; None if unknown. `problems` are files that were not read. Values may have any type, as users wrote
    them: rules read them through `dig`, `mapping` and `items`.
    """

    environment: Environment
    tree: Tree = field(repr=False)
    rendered: bytes = field(default=b"", repr=False)
    failure: str | None = None
    before: bytes | None = field(default=None, repr=False)
    problems: tuple[Problem, ...] = ()

    @property
    def environments(self) -> tuple[str, ...]:
        """Name of the environment."""
        return (self.environment.name,)

    @cached_property
    def objects(self) -> tuple[Object, ...]:
        """Rendered objects that have a kind and a name."""
        return tuple(_well_formed(self.rendered))

    @cached_property
    def objects_before(self) -> tuple[Object, ...] | None:
        """Objects at HEAD; None if unknown."""
        return None if self.before is None else tuple(_well_formed(self.before))

    @cached_property
    def graph(self) -> Graph:
        """Files that kustomize reads for this environment."""
        return graph.read(self.tree, self.environment.overlay)

    @cached_property
    def trace(self) -> Trace:
        """Provenance: maps rendered fields to files and lines."""
        return Trace(self.tree, self.graph, self.environment.overlay)

    @cached_property
    def gathering(self) -> Gathering:
        """Objects that each kustomization has accumulated before it applies its own transformers."""
        return Gathering(self.graph, self.trace.origins, self.objects)

    def of_kind(self, *kinds: str) -> Iterator[Object]:
        """Rendered objects of these kinds."""
        return (obj for obj in self.objects if obj["kind"] in kinds)

    def find(self, kind: str, name: str) -> Object | None:
        """Object by the name that it has in the cluster; None if there is none."""
        return self._by_name.get((kind, name))

    def find_original(self, kind: str, name: str) -> Object | None:
        """Object by its original name, without the suffix of a hash or release."""
        return self._by_original_name.get((kind, name))

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Object]:
        return {(obj["kind"], obj["metadata"]["name"]): obj for obj in reversed(self.objects)}

    @cached_property
    def _by_original_name(self) -> dict[tuple[str, str], Object]:
        return {(obj["kind"], identify(obj).name): obj for obj in reversed(self.objects)}


@dataclass(frozen=True, kw_only=True)
class ServerContext(Context):
    """Output of kubectl for a server-side dry run of an environment's objects: stdout and stderr."""

    environment: EnvironmentContext
    out: str
    err: str

    @property
    def environments(self) -> tuple[str, ...]:
        """Name of the environment."""
        return self.environment.environments


@dataclass(frozen=True, kw_only=True)
class DatedContext(Context):
    """An environment at a point in time, for rules whose result changes without any file; never cached."""

    environment: EnvironmentContext
    now: datetime

    @property
    def environments(self) -> tuple[str, ...]:
        """Name of the environment."""
        return self.environment.environments


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A resource that only one environment of a cluster may use, such as a node port, and where it is declared.

    For the rule `fleet/dependency-cycle`, `what` is the name of a Kustomization that the environment depends on.
    """

    rule: str
    what: str
    path: str
    line: int


@dataclass(frozen=True, kw_only=True)
class FleetContext(Context):
    """All environments together, and the files that belong to none.

    `claims` are of the `chosen` environments, each with its environment's name. `exemptions_before` are those of the
    base commit; None if there is no commit. `overlays` are kustomization files directly below overlays/<name>/ and
    `clusters` files below clusters/ that may belong to no environment; `read` returns the bytes of a file. `rules` are
    the current rule names by every name that a rule has or had.
    """

    chosen: tuple[str, ...] = ()
    claims: Sequence[tuple[str, Claim]] = ()
    exemptions_before: Sequence[Exemption] | None = None
    overlays: Sequence[str] = ()
    clusters: Sequence[str] = ()
    read: Callable[[str], bytes] = field(default=lambda _: b"", repr=False)
    rules: Mapping[str, str] = field(default_factory=dict, repr=False)


ContextT = TypeVar("ContextT", bound=Context)


def shared(walk: Callable[[ContextT], Iterable[T]]) -> Callable[[ContextT], tuple[T, ...]]:
    """Memoize a generator over a context, so that several rules share its results."""

    @wraps(walk)
    def memoized(context: ContextT) -> tuple[T, ...]:
        return context.once(walk, lambda: tuple(walk(context)))

    return memoized


def _well_formed(rendered: bytes) -> Iterable[Object]:
    for obj in parse(rendered):
        metadata = obj.get("metadata")
        if isinstance(obj["kind"], str) and isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
            yield obj
