"""Build overlays through the content-addressed cache: the key is the object ids of all parts that a build reads."""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from bootstrap import __version__
from bootstrap.config.file_problems import Problem
from bootstrap.core.errors import BuildFailed
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import object_ids
from bootstrap.gitrepo.snapshot import PartFiles, Snapshot
from bootstrap.kustomize import graph
from bootstrap.kustomize.build import Kustomize
from bootstrap.kustomize.graph import Graph
from bootstrap.kustomize.inputs import Role
from bootstrap.system import process
from bootstrap.system.cache import Cache
from bootstrap.yamltools import positions

_LAYOUT = "1"  # format version of the cache entries
_NOT_KEPT = b""  # cache entry of a build whose parts are known, but whose output is not stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The parts of the repo that an overlay's build reads, and their files.

    `whole` if the build surely reads nothing else, so that the parts' ids determine its output. With any `problems` the
    overlay is not built.
    """

    parts: tuple[str, ...]
    readings: tuple[PartFiles, ...]
    tree: Tree
    graph: Graph
    whole: bool
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """Result of a build: the YAML stream, or the reason why it failed.

    `sound` if it was surely built from the files that were read for it, so that it may be cached under their ids.
    """

    rendered: bytes = b""
    failure: str | None = None
    sound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Builds overlays with one kustomize program. `code` identifies the version of taxiway that finds the parts."""

    kustomize: Kustomize
    cache: Cache
    renderer: str
    code: str

    @classmethod
    def find(cls, cache: Cache) -> "Builder":
        """A builder with the program on PATH. Raises MissingTool where there is none."""
        kustomize = Kustomize.find()
        return cls(kustomize=kustomize, cache=cache, renderer=kustomize.identity(), code=program())

    def hint(self, snapshot: Snapshot, overlay: str) -> list[str] | None:
        """The parts that the last build of this overlay read; None if the overlay's own files were never built.

        Changes in other parts may add more, so the list is complete only if the cache has an entry for their ids.
        """
        name = self._hint_name(snapshot, overlay)
        cached = self.cache.get(name) if name else None
        return None if cached is None else [str(part) for part in json.loads(cached)]

    def parts(self, snapshot: Snapshot, overlay: str) -> Sequence[str] | None:
        """All parts that an overlay's build reads; None if their ids do not determine its output."""
        hint = self.hint(snapshot, overlay)
        key = self._key(snapshot, overlay, hint) if hint else None
        if key and self.cache.has(key):
            return hint
        sources = self.sources(snapshot, overlay)
        if not sources.whole:
            return None
        self._remember(snapshot, overlay, sources, _NOT_KEPT)
        return sources.parts

    def sources(self, snapshot: Snapshot, overlay: str) -> Sources:
        """Read all that an overlay's build reads."""
        readings: dict[str, PartFiles] = {}
        to_read, astray = {overlay}, False
        while to_read - readings.keys():
            readings |= snapshot.read(sorted(to_read - readings.keys()))
            tree = Tree.union(files.tree for files in readings.values())
            overlay_graph = graph.read(tree, overlay)
            named = {object_ids.part_of(use.path) for use in (*overlay_graph.files.values(), *overlay_graph.missing)}
            astray = None in named
            to_read |= {part for part in named if part is not None}
        parts = (overlay, *sorted(readings.keys() - {overlay}))
        ids = {part: snapshot.object_id(part) for part in parts}
        same = all(readings[part].object_id is not None and readings[part].object_id == ids[part] for part in parts)
        whole = same and not astray and _understood(tree, overlay_graph)
        read = tuple(readings[part] for part in parts)
        problems = tuple(
            graph.in_the_way(tree, overlay_graph, [problem for files in read for problem in files.problems])
        )
        return Sources(parts=parts, readings=read, tree=tree, graph=overlay_graph, whole=whole, problems=problems)

    def build(self, snapshot: Snapshot, overlay: str, sources: Sources) -> Built:
        """Build an overlay and cache the result."""
        if sources.problems:
            return Built(failure=f"{overlay} is not built: {sources.problems[0]}")
        with snapshot.folder(sources.parts) as folder:
            try:
                rendered = self.kustomize.build(folder, overlay, sources.graph)
            except BuildFailed as err:
                return Built(failure=err.message)
        sound = sources.whole and snapshot.is_unchanged(sources.readings)
        if sound:
            # Plaintext Secrets are never copied into the cache.
            self._remember(snapshot, overlay, sources, _NOT_KEPT if b"\nkind: Secret\n" in rendered else rendered)
        return Built(rendered=rendered, sound=sound)

    def remembered(self, snapshot: Snapshot, overlay: str) -> Built | None:
        """The cached build of an overlay from the same files; None if there is none."""
        hint = self.hint(snapshot, overlay)
        key = self._key(snapshot, overlay, hint) if hint else None
        cached = self.cache.get(key) if key else None
        return None if cached in (None, _NOT_KEPT) else Built(rendered=cached or b"", sound=True)

    def rendered(self, snapshot: Snapshot, overlay: str) -> Built:
        """The cached build of an overlay, or a new one."""
        return self.remembered(snapshot, overlay) or self.build(snapshot, overlay, self.sources(snapshot, overlay))

    def rendered_all(self, overlays: Sequence[tuple[Snapshot, str]]) -> list[Built]:
        """Build overlays, one per core at a time; a failure is in its result."""
        with ThreadPoolExecutor(max_workers=process.cores()) as pool:
            return list(pool.map(lambda pair: self.rendered(*pair), overlays))

    def render(self, overlays: Sequence[tuple[Snapshot, str]]) -> list[bytes]:
        """The YAML streams of overlays. Raises BuildFailed for the first that fails."""
        built = self.rendered_all(overlays)
        for result in built:
            if result.failure is not None:
                raise BuildFailed(result.failure)
        return [result.rendered for result in built]

    def differ(self, old: Snapshot, new: Snapshot, overlay: str) -> bool:
        """Whether an overlay may render differently in another state of the repo; compares ids, builds nothing."""
        parts = self.parts(new, overlay)
        return parts is None or identities(old, parts) != identities(new, parts)

    def _remember(self, snapshot: Snapshot, overlay: str, sources: Sources, rendered: bytes) -> None:
        name, key = self._hint_name(snapshot, overlay), self._key(snapshot, overlay, sources.parts)
        if name and key:
            self.cache.put(name, json.dumps(sources.parts).encode())
            self.cache.put(key, rendered)

    def _hint_name(self, snapshot: Snapshot, overlay: str) -> str | None:
        identity = snapshot.object_id(overlay)
        return object_ids.cache_key("parts", _LAYOUT, self.code, overlay, identity) if identity else None

    def _key(self, snapshot: Snapshot, overlay: str, parts: Sequence[str]) -> str | None:
        ids = identities(snapshot, parts)
        return object_ids.cache_key("render", _LAYOUT, self.renderer, overlay, parts, ids) if ids else None


def identities(snapshot: Snapshot, parts: Sequence[str]) -> list[str] | None:
    """The object ids of parts; None if one has no id that covers all of its files."""
    ids = [object_id for part in parts if (object_id := snapshot.object_id(part)) is not None]
    return ids if len(ids) == len(parts) else None


def _understood(tree: Tree, overlay_graph: Graph) -> bool:
    """Whether the graph surely lists all that kustomize reads."""
    if overlay_graph.missing or overlay_graph.refusals:
        return False
    followed = {kustomization.path for kustomization in overlay_graph.kustomizations}
    named = {path for path, use in overlay_graph.files.items() if use.role is Role.KUSTOMIZATION}
    return bool(followed) and named <= followed and not any(positions.mistake(tree[path]) for path in followed)


def program() -> str:
    """Cache key of taxiway itself: its version and files, and those of Python and PyYAML."""
    folder = Path(__file__).parents[1]
    facts = [
        (path.relative_to(folder).as_posix(), path.stat())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    ]
    files = [f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in facts]
    return object_ids.cache_key(__version__, sys.version, yaml.__version__, files)
