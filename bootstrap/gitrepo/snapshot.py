"""One state of an environment repo: its work tree, or a commit of it; part by part, and only what is asked for."""

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from bootstrap.config.file_problems import Problem
from bootstrap.config.parts import OVERLAYS, part_of
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import committed, reading, repository, status
from bootstrap.gitrepo.object_ids import EXECUTABLE, FILE, Blob, identity
from bootstrap.gitrepo.status import Look
from bootstrap.system import files

Stamp = tuple[int, int, int]

_HELD = 32  # parts of a commit that are kept for the next who asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A part of a repo, read. `identity` is Git's id of just these files, None where no id tells all that is read.

    `stamps` show later whether a file was changed in the meantime. `problems` are what is there and not read; `links`
    the symbolic links, each with where it leads.
    """

    tree: Tree
    identity: str | None
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(map(len, self.tree.files.values()))


class Snapshot(Protocol):
    """A part is an overlay, or an entry of the top folder that holds none."""

    @property
    def name(self) -> str:
        """What tells it from any other state of the same repo."""

    def identity(self, part: str) -> str | None:
        """Git's id of a part, empty where there is none; None where no id tells all that it holds."""

    def read(self, parts: Iterable[str]) -> dict[str, Reading]:
        """The files of these parts that Git does not ignore."""

    def folder(self, parts: Iterable[str]) -> AbstractContextManager[Path]:
        """A folder that holds these parts at least, for kustomize to build in."""

    def is_as(self, readings: Iterable[Reading]) -> bool:
        """Whether the files are still as they were read."""


def files_of(snapshot: Snapshot, part: str) -> Mapping[str, bytes]:
    """The files of one part, by their paths in the repo."""
    return snapshot.read([part])[part].tree.files


@contextlib.contextmanager
def written(snapshot: Snapshot, parts: Iterable[str]) -> Iterator[Path]:
    """A temporary folder that holds these parts; gone when the `with` ends."""
    with files.temporary_folder(Tree.union(each.tree for each in snapshot.read(parts).values())) as folder:
        yield folder


class WorkTree:
    """The files as they are on disk. What Git takes for unchanged is not read to know its id. Threads may share it."""

    name = "the work tree"

    def __init__(self, top: Path, overlays: Iterable[str] | None = None) -> None:
        """Look at the repo around these overlays; at all of it, where none are given."""
        self.top = top
        self._lock = threading.RLock()
        self._known: dict[str, dict[str, str]] = {}  # the files of altered parts
        self._shared: dict[str, Reading] = {}
        self._altered: dict[str, str | None] = {}
        self._seen: set[str] | None = set()
        there = {path.name for path in top.iterdir()} - {".git", OVERLAYS}
        parts = () if overlays is None else (*overlays, *sorted(there))
        with ThreadPoolExecutor(max_workers=1) as pool:  # the look is the longer of both
            look = pool.submit(status.look, top, *parts)
            self._ids = status.entries(top, "HEAD", OVERLAYS)
        self._take(look.result(), *parts)
        if overlays is None:
            self._seen = None

    def _take(self, look: Look, *parts: str) -> None:
        """What Git's look at these parts found, or at all of them: one look at many is quicker than many at one."""
        altered = sorted({part for path in look.altered if (part := part_of(path))})
        for path, mode in look.known(altered).items():
            self._known.setdefault(str(part_of(path)), {})[path] = mode
        self._altered |= {part: self._part(part).identity for part in altered}
        if self._seen is not None:
            self._seen.update(parts, altered)

    def parts(self) -> list[str]:
        """The entries of the top folder that Git does not ignore, but for the folder of overlays."""
        with self._lock:
            names = {*self._ids, *(part for part, identity in self._altered.items() if identity != "")}
        return sorted(name for name in names if "/" not in name and name != OVERLAYS)

    def identity(self, part: str) -> str | None:
        with self._lock:
            if self._seen is not None and part not in self._seen:
                self._take(status.look(self.top, part), part)
        return self._altered[part] if part in self._altered else self._ids.get(part, "")

    def read(self, parts: Iterable[str]) -> dict[str, Reading]:
        with self._lock:
            return {part: self._part(part) for part in parts}

    def _part(self, part: str) -> Reading:
        if part.startswith(OVERLAYS):
            return self._from_disk(part)
        if part not in self._shared:
            self._shared[part] = self._from_disk(part)
        return self._shared[part]

    def _from_disk(self, part: str) -> Reading:
        like = self._ids.get(part, "")
        known = self._known.get(part)
        found = reading.walk(self.top, part)
        if known is None:
            if not found.links and not found.problems:
                read = self._read(part, dict.fromkeys(found.files, ""), found, like)
                if read.identity == like:
                    return read
            # Git ignores some of the files, or hides a change of them, or knows their modes better (core.fileMode).
            known = status.known(self.top, part)
        return self._read(part, known, found, like)

    def _read(self, part: str, known: Mapping[str, str], found: reading.Found, like: str) -> Reading:
        blobs: dict[str, Blob] = {}
        stamps: dict[str, Stamp] = {}
        links = [path for path in found.links if path in known or f"{part}/".startswith(f"{path}/")]
        behind = reading.behind(self.top, links) if links else reading.Behind()
        problems = [*found.problems, *behind.problems]
        there = {path: path for path in found.files if path in known} | behind.files
        room = reading.Room(sum(each.size for each in self._shared.values()))
        with reading.reader(self.top) as files:
            for path, real in there.items():
                file = files.read(real, room)
                if isinstance(file, reading.File):
                    mode = known.get(path) or (EXECUTABLE if file.facts.st_mode & 0o100 else FILE)
                    blobs[path], stamps[path] = Blob(mode, file.data), _stamp(file.facts)
                elif file:
                    problems.append(replace(file, path=path))
        return Reading(
            tree=Tree({path: blob.data for path, blob in blobs.items()}),
            identity=None if links or problems else identity(part, blobs, like=like),
            stamps=stamps,
            problems=tuple(problems),
            links=behind.links,
        )

    def folder(self, parts: Iterable[str]) -> AbstractContextManager[Path]:  # noqa: ARG002
        return contextlib.nullcontext(self.top)

    def is_as(self, readings: Iterable[Reading]) -> bool:
        try:
            stamps = ((path, stamp) for each in readings for path, stamp in each.stamps.items())
            return all(stamp == _stamp(os.stat(f"{self.top}/{path}")) for path, stamp in stamps)  # noqa: PTH116
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Commit:
    """The files as a commit stores them: through no filter, with no line ends converted, without symbolic links."""

    top: Path
    commit: str
    ids: Mapping[str, str]
    _held: dict[str, Reading] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, top: Path, reference: str) -> "Commit":
        """The state at a commit. Raises BadOption where there is none of this name."""
        return _commit(top, repository.Repository(top).commit_of(reference))

    @property
    def name(self) -> str:
        """What tells it from any other state of the same repo."""
        return self.commit

    def parts(self) -> list[str]:
        """The entries of the top folder, but for the folder of overlays."""
        return sorted(path for path in self.ids if "/" not in path and path != OVERLAYS)

    def identity(self, part: str) -> str | None:
        return self.ids.get(part, "")

    def read(self, parts: Iterable[str]) -> dict[str, Reading]:
        wanted = [*dict.fromkeys(parts)]
        found = {part: held for part in wanted if (held := self._held.get(part))}
        found |= self._read([part for part in wanted if part not in found])
        self._held.update(found)
        for part in [*self._held][:-_HELD]:
            self._held.pop(part, None)
        return {part: found[part] for part in wanted}

    def _read(self, parts: Iterable[str]) -> dict[str, Reading]:
        """From Git, all at once."""
        there = [part for part in parts if part in self.ids]
        files, problems = committed.read(self.top, self.commit, there) if there else ({}, [])
        held: dict[str, dict[str, Blob]] = {part: {} for part in there}
        for path, blob in files.items():
            held[str(part_of(path))][path] = blob
        wrong = {part: tuple(each for each in problems if part_of(each.path) == part) for part in there}
        nothing = {part: Reading(tree=Tree(), identity="") for part in parts if part not in self.ids}
        return nothing | {
            part: Reading(
                tree=Tree({path: blob.data for path, blob in own.items()}),
                identity=None if wrong[part] else identity(part, own, like=self.ids[part]),
                problems=wrong[part],
            )
            for part, own in held.items()
        }

    def folder(self, parts: Iterable[str]) -> AbstractContextManager[Path]:
        return written(self, parts)

    def is_as(self, readings: Iterable[Reading]) -> bool:  # noqa: ARG002  (a commit never changes)
        return True


@lru_cache(maxsize=8)  # what was read of one is there for all who come to it by another name
def _commit(top: Path, commit: str) -> Commit:
    return Commit(top, commit, status.entries(top, commit, OVERLAYS))


def _stamp(facts: os.stat_result) -> Stamp:
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
