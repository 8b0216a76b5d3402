"""Snapshot: the files of an environment repo in its work tree or at a commit, read part by part on demand."""

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
from bootstrap.gitrepo.object_ids import EXECUTABLE, FILE, Blob, object_id
from bootstrap.gitrepo.status import FileStatus
from bootstrap.system import files

Stamp = tuple[int, int, int]  # modification time, size, inode

_CACHED = 32  # parts of a commit


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFiles:
    """The files of a part of a repo. `object_id` is Git's id of just these files, None where there are other inputs.

    `stamps` show later whether a file has changed. `problems` are entries that are not read; `links` are the symbolic
    links, each with its target.
    """

    tree: Tree
    object_id: str | None
    stamps: Mapping[str, Stamp] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """The size of all files in bytes."""
        return sum(map(len, self.tree.files.values()))


class Snapshot(Protocol):
    """The files of a repo in one state. A part is an overlay, or an entry of the top folder but `overlays`."""

    @property
    def name(self) -> str:
        """A name that no other state of the same repo has."""

    def object_id(self, part: str) -> str | None:
        """Git's id of a part; empty where it does not exist, None where no id covers all its files."""

    def read(self, parts: Iterable[str]) -> dict[str, PartFiles]:
        """The files of these parts, without those that Git ignores."""

    def folder(self, parts: Iterable[str]) -> AbstractContextManager[Path]:
        """A folder on disk with at least these parts, in which kustomize builds."""

    def is_unchanged(self, readings: Iterable[PartFiles]) -> bool:
        """Whether the files on disk are still as they were read."""


def files_of(snapshot: Snapshot, part: str) -> Mapping[str, bytes]:
    """The files of one part, by their paths in the repo."""
    return snapshot.read([part])[part].tree.files


@contextlib.contextmanager
def written_out(snapshot: Snapshot, parts: Iterable[str]) -> Iterator[Path]:
    """A temporary folder with these parts, which is removed when the `with` ends."""
    with files.temporary_folder(Tree.union(part.tree for part in snapshot.read(parts).values())) as folder:
        yield folder


class WorkTree:
    """The files on disk. Ids of parts that are unchanged since HEAD come from Git, without reading. Thread-safe."""

    name = "the work tree"

    def __init__(self, top: Path, overlays: Iterable[str] | None = None) -> None:
        """Get the status of these overlays and of all other parts; of the whole repo where `overlays` is None."""
        self.top = top
        self._lock = threading.RLock()
        self._listed: dict[str, dict[str, str]] = {}  # the files of altered parts, with their modes
        self._shared: dict[str, PartFiles] = {}  # parts that several overlays may read
        self._altered: dict[str, str | None] = {}  # the object ids of parts that differ from HEAD
        self._checked: set[str] | None = set()  # the parts whose status is known, None for all
        entries = {path.name for path in top.iterdir()} - {".git", OVERLAYS}
        parts = () if overlays is None else (*overlays, *sorted(entries))
        with ThreadPoolExecutor(max_workers=1) as pool:  # the status takes longer
            file_status = pool.submit(status.file_status, top, *parts)
            self._head_ids = status.tree_entries(top, "HEAD", OVERLAYS)
        self._add(file_status.result(), *parts)
        if overlays is None:
            self._checked = None

    def _add(self, file_status: FileStatus, *parts: str) -> None:
        """Add the status of these parts: one for many parts is faster than one for each."""
        altered = sorted({part for path in file_status.altered if (part := part_of(path))})
        for path, mode in file_status.files(altered).items():
            self._listed.setdefault(str(part_of(path)), {})[path] = mode
        self._altered |= {part: self._part(part).object_id for part in altered}
        if self._checked is not None:
            self._checked.update(parts, altered)

    def parts(self) -> list[str]:
        """The entries of the top folder but `overlays`, without those that Git ignores."""
        with self._lock:
            names = {*self._head_ids, *(part for part, object_id in self._altered.items() if object_id != "")}
        return sorted(name for name in names if "/" not in name and name != OVERLAYS)

    def object_id(self, part: str) -> str | None:
        with self._lock:
            if self._checked is not None and part not in self._checked:
                self._add(status.file_status(self.top, part), part)
        return self._altered[part] if part in self._altered else self._head_ids.get(part, "")

    def read(self, parts: Iterable[str]) -> dict[str, PartFiles]:
        with self._lock:
            return {part: self._part(part) for part in parts}

    def _part(self, part: str) -> PartFiles:
        if part.startswith(OVERLAYS):
            return self._from_disk(part)
        if part not in self._shared:
            self._shared[part] = self._from_disk(part)
        return self._shared[part]

    def _from_disk(self, part: str) -> PartFiles:
        head_id = self._head_ids.get(part, "")
        modes = self._listed.get(part)
        listing = reading.walk(self.top, part)
        if modes is None:
            if not listing.links and not listing.problems:
                files = self._read(part, dict.fromkeys(listing.files, ""), listing, head_id)
                if files.object_id == head_id:
                    return files
            # Git ignores some of the files, or hides a change of them, or knows their modes better (core.fileMode).
            modes = status.listed_files(self.top, part)
        return self._read(part, modes, listing, head_id)

    def _read(self, part: str, modes: Mapping[str, str], listing: reading.Listing, head_id: str) -> PartFiles:
        """Read the listed files that have a mode; an empty mode is taken from the disk."""
        blobs: dict[str, Blob] = {}
        stamps: dict[str, Stamp] = {}
        links = [path for path in listing.links if path in modes or f"{part}/".startswith(f"{path}/")]
        linked = reading.follow_links(self.top, links) if links else reading.LinkedFiles()
        problems = [*listing.problems, *linked.problems]
        real_paths = {path: path for path in listing.files if path in modes} | linked.files
        budget = reading.ReadBudget(sum(shared.size for shared in self._shared.values()))
        with reading.reader(self.top) as files:
            for path, real in real_paths.items():
                file = files.read(real, budget)
                if isinstance(file, reading.File):
                    mode = modes.get(path) or (EXECUTABLE if file.stat.st_mode & 0o100 else FILE)
                    blobs[path], stamps[path] = Blob(mode, file.data), _stamp(file.stat)
                elif file:
                    problems.append(replace(file, path=path))
        return PartFiles(
            tree=Tree({path: blob.data for path, blob in blobs.items()}),
            object_id=None if links or problems else object_id(part, blobs, like=head_id),
            stamps=stamps,
            problems=tuple(problems),
            links=linked.links,
        )

    def folder(self, parts: Iterable[str]) -> AbstractContextManager[Path]:  # noqa: ARG002
        return contextlib.nullcontext(self.top)

    def is_unchanged(self, readings: Iterable[PartFiles]) -> bool:
        try:
            stamps = ((path, stamp) for part in readings for path, stamp in part.stamps.items())
            return all(stamp == _stamp(os.stat(f"{self.top}/{path}")) for path, stamp in stamps)  # noqa: PTH116
        except OSError:
            return False


@dataclass(frozen=True, slots=True)
class Commit:
    """The files as a commit stores them: no filter is run, no line end converted, no symbolic link followed."""

    top: Path
    commit: str
    ids: Mapping[str, str]
    _cache: dict[str, PartFiles] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, top: Path, reference: str) -> "Commit":
        """The snapshot of a branch, tag or commit id. Raises BadOption where there is none of this name."""
        return _commit(top, repository.Repository(top).commit_of(reference))

    @property
    def name(self) -> str:
        """The commit's id."""
        return self.commit

    def parts(self) -> list[str]:
        """The entries of the top folder but `overlays`."""
        return sorted(path for path in self.ids if "/" not in path and path != OVERLAYS)

    def object_id(self, part: str) -> str | None:
        return self.ids.get(part, "")

    def read(self, parts: Iterable[str]) -> dict[str, PartFiles]:
        unique = [*dict.fromkeys(parts)]
        read = {part: cached for part in unique if (cached := self._cache.get(part))}
        read |= self._read([part for part in unique if part not in read])
        self._cache.update(read)
        for part in [*self._cache][:-_CACHED]:
            self._cache.pop(part, None)
        return {part: read[part] for part in unique}

    def _read(self, parts: Iterable[str]) -> dict[str, PartFiles]:
        """Read parts from Git in one call."""
        existing = [part for part in parts if part in self.ids]
        files, problems = committed.read(self.top, self.commit, existing) if existing else ({}, [])
        blobs: dict[str, dict[str, Blob]] = {part: {} for part in existing}
        for path, blob in files.items():
            blobs[str(part_of(path))][path] = blob
        by_part = {part: tuple(problem for problem in problems if part_of(problem.path) == part) for part in existing}
        missing = {part: PartFiles(tree=Tree(), object_id="") for part in parts if part not in self.ids}
        return missing | {
            part: PartFiles(
                tree=Tree({path: blob.data for path, blob in own.items()}),
                object_id=None if by_part[part] else object_id(part, own, like=self.ids[part]),
                problems=by_part[part],
            )
            for part, own in blobs.items()
        }

    def folder(self, parts: Iterable[str]) -> AbstractContextManager[Path]:
        return written_out(self, parts)

    def is_unchanged(self, readings: Iterable[PartFiles]) -> bool:  # noqa: ARG002  (a commit never changes)
        return True


@lru_cache(maxsize=8)  # so that all names of a commit share its cache of parts
def _commit(top: Path, commit: str) -> Commit:
    return Commit(top, commit, status.tree_entries(top, commit, OVERLAYS))


def _stamp(info: os.stat_result) -> Stamp:
    return info.st_mtime_ns, info.st_size, info.st_ino
