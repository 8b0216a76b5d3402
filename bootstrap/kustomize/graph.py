"""Graph of the kustomizations and files that a build of an overlay reads, in the order in which they apply."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bootstrap.config.file_problems import DANGEROUS, Kind, Problem
from bootstrap.config.parts import KUSTOMIZATIONS
from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import items, mapping
from bootstrap.kustomize import inputs
from bootstrap.kustomize.inputs import Named, Obstacle, Role, Why, is_remote
from bootstrap.yamltools import loader
from bootstrap.yamltools.positions import Document, Place, documents

_DEEPEST = 64  # nested kustomizations


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Reference to a file: its path, the kustomization that names it, and the line. The file may not exist."""

    path: str
    role: Role
    owner: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Reason not to start kustomize: it would fetch or run something, or might read a text in another way.

    `field` is the name of an unknown field, if that is the reason.
    """

    why: Why
    place: Place
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kustomization:
    """A kustomization file: its path, folder and content, and the files that it names itself."""

    path: str
    folder: str
    document: Document
    uses: tuple[Use, ...]

    @property
    def data(self) -> Mapping[str, Any]:
        """The content of the file; empty where it is no mapping."""
        return mapping(self.document.value)

    def items(self, key: str) -> list[Any]:
        """The items of one of its lists; empty where the value is no list."""
        return items(self.document.value, key)

    def line(self, *path: str | int) -> int:
        """Line of one of its fields."""
        return self.document.line(path)

    def place(self, *path: str | int) -> Place:
        """File and line of one of its fields."""
        return Place(self.path, self.document.line(path))

    @property
    def is_component(self) -> bool:
        """Whether it is a Component, which also changes the resources that its parent has accumulated."""
        return self.data.get("kind") == "Component"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """All that a build of an overlay reads. `kustomizations` are in the order in which they apply, the overlay's last.

    `missing` are references to files that do not exist, `remote` those to the network. `files` maps the path of each
    file that is read to its first reference. With any of `refusals` (which include `remote`) kustomize is not started.
    """

    kustomizations: tuple[Kustomization, ...] = ()
    missing: tuple[Use, ...] = ()
    remote: tuple[Use, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    files: Mapping[str, Use] = field(default_factory=dict)


def read(tree: Tree, overlay: str) -> Graph:
    """Read the overlay's kustomization and, recursively, all that it names."""
    walk = _Walk(tree)
    walk.enter(overlay, Use(path=overlay, role=Role.KUSTOMIZATION, owner=overlay, line=1))
    return Graph(
        kustomizations=tuple(walk.found),
        missing=tuple(walk.missing),
        remote=tuple(walk.remote),
        refusals=tuple(dict.fromkeys(walk.refusals)),
        files=walk.files,
    )


class _Walk:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.found: list[Kustomization] = []
        self.missing: list[Use] = []
        self.remote: list[Use] = []
        self.refusals: list[Refusal] = []
        self.files: dict[str, Use] = {}
        self._entered: set[str] = set()
        self._depth = 0

    def enter(self, folder: str, use: Use) -> None:
        """Read the kustomization of a folder, once."""
        path = next((p for name in KUSTOMIZATIONS if (p := posixpath.join(folder, name)) in self.tree.files), None)
        if path is None:
            self.missing.append(use)
            return
        if path in self._entered:
            return
        self._entered.add(path)
        self.files[path] = Use(path=path, role=Role.KUSTOMIZATION, owner=use.owner, line=use.line)
        data = self.tree.files[path]
        document = next(iter(documents(data)), None)
        result = inputs.kustomization(data)
        self._refuse(path, result.obstacles)
        if document is None or not isinstance(document.value, dict):
            return
        uses: list[Use] = []
        self._depth += 1
        for named in result.named:
            self._use(folder, path, named, uses)
        self._depth -= 1
        self.found.append(Kustomization(path=path, folder=folder, document=document, uses=tuple(uses)))

    def _use(self, folder: str, owner: str, named: Named, uses: list[Use]) -> None:
        """Resolve a reference relative to a folder."""
        if is_remote(named.name):
            use = Use(path=named.name, role=named.role, owner=owner, line=named.line)
            self.remote.append(use)
            self._refuse(owner, [Obstacle(Why.REMOTE, use.line, f"{use.path} comes over the network")])
            return
        full = posixpath.normpath(posixpath.join(folder, named.name))
        use = Use(path=full, role=named.role, owner=owner, line=named.line)
        if posixpath.isabs(full) or full.split("/")[0] == "..":
            self._refuse(owner, [Obstacle(Why.OUTSIDE, use.line, f"{named.name} is outside of the repository")])
        elif use.role is Role.KUSTOMIZATION and full not in self.tree.files:
            if self._depth < _DEEPEST:
                self.enter(full, use)
            else:
                message = f"more than {_DEEPEST} kustomizations stand one below the other"
                self._refuse(owner, [Obstacle(Why.UNCLEAR, use.line, message)])
        else:
            if use.role is Role.KUSTOMIZATION:
                use = Use(path=full, role=Role.RESOURCE, owner=owner, line=named.line)
            uses.append(use)
            self._file(use)
            if use.role is Role.PLUGIN:
                self._plugins(folder, use, uses)

    def _plugins(self, folder: str, use: Use, uses: list[Use]) -> None:
        """Read the plugins in a file; their paths are relative to the kustomization that names the file."""
        if any(posixpath.join(use.path, name) in self.tree.files for name in KUSTOMIZATIONS):
            message = f"{use.path} is a folder: what its kustomization makes of plugins is not known without a build"
            self._refuse(use.owner, [Obstacle(Why.PROGRAM, use.line, message)])
        if use.path in self.tree.files:
            result = inputs.plugin(self.tree.files[use.path])
            self._refuse(use.path, result.obstacles)
            for named in result.named:
                self._use(folder, use.path, named, uses)

    def _file(self, use: Use) -> None:
        if use.path in self.tree.files:
            self.files.setdefault(use.path, use)
        else:
            self.missing.append(use)

    def _refuse(self, path: str, obstacles: Iterable[Obstacle]) -> None:
        self.refusals.extend(
            Refusal(why=obstacle.why, place=Place(path, obstacle.line), message=obstacle.message, field=obstacle.field)
            for obstacle in obstacles
        )


def in_the_way(tree: Tree, graph: Graph, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Problems that forbid to start kustomize, out of the `problems` of the parts that the build reads.

    kustomize follows links out of the repo, blocks on a FIFO, and runs out of memory on very large texts.
    """
    named = {use.path for use in (*graph.files.values(), *graph.missing)}
    for problem in problems:
        if problem.kind in DANGEROUS or (problem.kind is Kind.LARGE and problem.path in named):
            yield problem
    yield from beyond_limits(tree, (path for path, use in graph.files.items() if use.role not in (Role.ENV, Role.FILE)))


def beyond_limits(tree: Tree, paths: Iterable[str]) -> Iterator[Problem]:
    """The YAML files among these that are beyond a limit."""
    for path in paths:
        try:
            loader.check(tree[path])
        except loader.BeyondLimit as err:
            line = err.problem_mark.line + 1 if err.problem_mark else 1
            yield Problem(path=path, kind=Kind.YAML, message=f"not read as YAML: {err.problem}", line=line)
