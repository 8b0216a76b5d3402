"""The files of a commit: regular ones, within limits; and what else it holds."""

from collections.abc import Sequence
from pathlib import Path

from bootstrap.config import file_problems
from bootstrap.config.file_problems import Kind, NotFollowed, Problem
from bootstrap.core import limits
from bootstrap.gitrepo import repository, status
from bootstrap.gitrepo.object_ids import EXECUTABLE, FILE, LINK, Blob
from bootstrap.gitrepo.reading import Room

_LONGEST = 4096  # bytes of a path, on Linux


def read(top: Path, commit: str, parts: Sequence[str]) -> tuple[dict[str, Blob], list[Problem]]:
    """All files of these parts, checked out as Git would, and what is not read. Links are not followed."""
    entries = status.blobs(top, commit, *parts)
    problems: list[Problem] = []
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    room = Room()
    for path, entry in entries.items():
        if file_problems.git_refuses(path) or path.count("/") > limits.PATH_DEPTH:
            # Git checks no such file out, so that nobody else sees it.
            problems.append(Problem(path=path, kind=Kind.LEAVES, message="a path that Git would not check out"))
        elif entry.mode == LINK and entry.size <= _LONGEST:
            links[path] = entry.id
        elif entry.mode in (FILE, EXECUTABLE) and entry.size > limits.FILE_BYTES:
            problems.append(file_problems.too_large(path))
        elif entry.mode in (FILE, EXECUTABLE):
            room.take(entry.size)
            files[path] = entry.id
    contents = repository.Repository(top).contents(files | links) if entries else {}
    texts = {path: contents[path].decode(errors="surrogateescape") for path in links}
    for path in links:
        try:
            file_problems.follow(path, texts.get)
        except NotFollowed as err:
            problems.append(err.problem)
    return {path: Blob(entries[path].mode, contents[path]) for path in files}, problems


def read_first(top: Path, commit: str, paths: Sequence[str]) -> bytes | None:
    """What the first of these files holds that is there, and is read; None where none is."""
    files, _ = read(top, commit, paths)
    return next((files[path].data for path in paths if path in files), None)
