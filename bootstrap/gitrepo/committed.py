"""Committed files: the regular files of a commit, within limits, and the problems of its other entries."""

from collections.abc import Sequence
from pathlib import Path

from bootstrap.config import file_problems
from bootstrap.config.file_problems import Kind, NotFollowed, Problem
from bootstrap.core import limits
from bootstrap.gitrepo import repository, status
from bootstrap.gitrepo.object_ids import EXECUTABLE, FILE, LINK, Blob
from bootstrap.gitrepo.reading import ReadBudget

_PATH_MAX = 4096  # bytes, on Linux


def read(top: Path, commit: str, parts: Sequence[str]) -> tuple[dict[str, Blob], list[Problem]]:
    """The files of these parts at a commit, and the problems of what is not read. Links are checked, not followed."""
    entries = status.tree_files(top, commit, *parts)
    problems: list[Problem] = []
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    budget = ReadBudget()
    for path, entry in entries.items():
        if file_problems.git_refuses(path) or path.count("/") > limits.PATH_DEPTH:
            # No clone ever has this file.
            problems.append(Problem(path=path, kind=Kind.LEAVES, message="a path that Git would not check out"))
        elif entry.mode == LINK and entry.size <= _PATH_MAX:
            links[path] = entry.id
        elif entry.mode in (FILE, EXECUTABLE) and entry.size > limits.FILE_BYTES:
            problems.append(file_problems.too_large(path))
        elif entry.mode in (FILE, EXECUTABLE):
            budget.spend(entry.size)
            files[path] = entry.id
    contents = repository.Repository(top).read_objects(files | links) if entries else {}
    texts = {path: contents[path].decode(errors="surrogateescape") for path in links}
    for path in links:
        try:
            file_problems.follow(path, texts.get)
        except NotFollowed as err:
            problems.append(err.problem)
    return {path: Blob(entries[path].mode, contents[path]) for path in files}, problems


def read_first(top: Path, commit: str, paths: Sequence[str]) -> bytes | None:
    """The content of the first of these files that exists and is read; None where none is."""
    files, _ = read(top, commit, paths)
    return next((files[path].data for path in paths if path in files), None)
