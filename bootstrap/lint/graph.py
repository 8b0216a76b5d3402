"""What kustomize reads to build an overlay, in the order in which it applies it."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from bootstrap.finding import Place
from bootstrap.lint.located import Document, documents
from bootstrap.tree import Tree

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
FIELDS = (
    "apiVersion", "bases", "buildMetadata", "commonAnnotations", "commonLabels", "components", "configMapGenerator",
    "configurations", "crds", "generatorOptions", "generators", "helmCharts", "helmGlobals", "images", "kind", "labels",
    "metadata", "namePrefix", "nameSuffix", "namespace", "openapi", "patches", "patchesJson6902",
    "patchesStrategicMerge", "replacements", "replicas", "resources", "secretGenerator", "sortOptions", "transformers",
    "validators", "vars",
)  # fmt: skip
# What kustomize takes for a URL or a Git repository (api/internal/git, repospec.go).
_REMOTE = re.compile(
    r"(https?|ssh|git|file|oci)://|git::|gh:|[\w.-]+@[\w.-]+:|(github|gitlab|bitbucket)\.(com|org)[/:]|.*\?ref=", re.I
)


class Role(StrEnum):
    """What a file is read as."""

    KUSTOMIZATION = "kustomization"
    RESOURCE = "resource"
    PATCH = "patch"
    ENV = "env"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A file that a kustomization names, and the line where it does so. The file need not exist."""

    path: str
    role: Role
    owner: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kustomization:
    """One kustomization file: its path, its folder, what it says, and the files that it names itself."""

    path: str
    folder: str
    document: Document
    uses: tuple[Use, ...]

    @property
    def data(self) -> Mapping[str, Any]:
        """What the file says; empty where it is no mapping."""
        return self.document.value if isinstance(self.document.value, dict) else {}

    def items(self, key: str) -> list[Any]:
        """The items of one of its lists; none where that is no list."""
        value = self.data.get(key)
        return value if isinstance(value, list) else []

    def line(self, *path: str | int) -> int:
        """The line of something that it says."""
        return self.document.line(path)

    def place(self, *path: str | int) -> Place:
        """Where it says something."""
        return Place(self.path, self.document.line(path))

    @property
    def is_component(self) -> bool:
        """Whether it changes what the one that names it has gathered so far, and not only what it gathers itself."""
        return self.data.get("kind") == "Component"


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """An overlay and all that it takes in: kustomizations in the order of their effect, the overlay's own last.

    `missing` are folders and files that are named and not there, `remote` what has to come over the network. `files`
    are those that are read, each with the first place that names it.
    """

    kustomizations: tuple[Kustomization, ...] = ()
    missing: tuple[Use, ...] = ()
    remote: tuple[Use, ...] = ()
    files: Mapping[str, Use] = field(default_factory=dict)


def is_remote(name: str) -> bool:
    """Whether kustomize looks for this on the network."""
    return _REMOTE.match(name) is not None


def read(tree: Tree, overlay: str) -> Graph:
    """Follow everything that the overlay's kustomization names."""
    walk = _Walk(tree)
    walk.enter(overlay, Use(path=overlay, role=Role.KUSTOMIZATION, owner=overlay, line=1))
    return Graph(
        kustomizations=tuple(walk.found),
        missing=tuple(walk.missing),
        remote=tuple(walk.remote),
        files=walk.files,
    )


class _Walk:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.found: list[Kustomization] = []
        self.missing: list[Use] = []
        self.remote: list[Use] = []
        self.files: dict[str, Use] = {}
        self._entered: set[str] = set()

    def enter(self, folder: str, use: Use) -> None:
        """A folder with a kustomization; each is followed once."""
        path = next((p for name in NAMES if (p := posixpath.join(folder, name)) in self.tree.files), None)
        if path is None:
            self.missing.append(use)
            return
        if path in self._entered:
            return
        self._entered.add(path)
        self.files[path] = Use(path=path, role=Role.KUSTOMIZATION, owner=use.owner, line=use.line)
        document = next(iter(documents(self.tree.files[path])), None)
        if document is None or not isinstance(document.value, dict):
            return
        uses: list[Use] = []
        for name, role, line in _names(self.tree.files[path]):
            full = name if is_remote(name) else posixpath.normpath(posixpath.join(folder, name))
            use = Use(path=full, role=role, owner=path, line=line)
            if use.role is not Role.KUSTOMIZATION:
                uses.append(use)
                self._file(use)
            elif is_remote(use.path):
                self.remote.append(use)
            elif use.path in self.tree.files:
                uses.append(Use(path=use.path, role=Role.RESOURCE, owner=path, line=use.line))
                self._file(uses[-1])
            else:
                self.enter(use.path, use)
        self.found.append(Kustomization(path=path, folder=folder, document=document, uses=tuple(uses)))

    def _file(self, use: Use) -> None:
        if use.path in self.tree.files:
            self.files.setdefault(use.path, use)
        elif is_remote(use.path):
            self.remote.append(use)
        else:
            self.missing.append(use)


@lru_cache(maxsize=256)  # the copies of one base all say the same
def _names(text: bytes) -> tuple[tuple[str, Role, int], ...]:
    """What a kustomization names, as it stands there, each with its line."""
    return tuple(name for document in documents(text)[:1] for name in _named(document))


def _named(document: Document) -> Iterator[tuple[str, Role, int]]:
    data = document.value

    def use(name: Any, role: Role, *where: str | int) -> Iterator[tuple[str, Role, int]]:
        if isinstance(name, str) and name:
            yield name, role, document.line(where)

    for key in ("resources", "bases", "components", "generators", "transformers", "validators"):
        for number, name in enumerate(_list(data.get(key))):
            if isinstance(name, str) and "\n" not in name:
                yield from use(name, Role.KUSTOMIZATION, key, number)
    for key in ("configMapGenerator", "secretGenerator"):
        for number, generator in enumerate(_list(data.get(key))):
            if isinstance(generator, dict):
                yield from use(generator.get("env"), Role.ENV, key, number, "env")
                for index, name in enumerate(_list(generator.get("envs"))):
                    yield from use(name, Role.ENV, key, number, "envs", index)
                for index, name in enumerate(_list(generator.get("files"))):
                    if isinstance(name, str):
                        yield from use(name.partition("=")[2] or name, Role.FILE, key, number, "files", index)
    for number, name in enumerate(_list(data.get("patchesStrategicMerge"))):
        if isinstance(name, str) and "\n" not in name:
            yield from use(name, Role.PATCH, "patchesStrategicMerge", number)
    for key in ("patches", "patchesJson6902", "replacements"):
        role = Role.OTHER if key == "replacements" else Role.PATCH
        for number, item in enumerate(_list(data.get(key))):
            if isinstance(item, dict):
                yield from use(item.get("path"), role, key, number, "path")
    for key in ("configurations", "crds"):
        for number, name in enumerate(_list(data.get(key))):
            yield from use(name, Role.OTHER, key, number)
    openapi = data.get("openapi")
    if isinstance(openapi, dict):
        yield from use(openapi.get("path"), Role.OTHER, "openapi", "path")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
