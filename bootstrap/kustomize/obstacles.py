"""What is in the way of a build: files that are not read, or that are beyond a limit."""

from collections.abc import Iterable, Iterator

from bootstrap.config.file_problems import DANGEROUS, Kind, Problem
from bootstrap.core.tree import Tree
from bootstrap.kustomize.graph import Graph
from bootstrap.kustomize.inputs import Role
from bootstrap.yamltools import loader

_NO_YAML = (Role.ENV, Role.FILE)


def in_the_way(tree: Tree, found: Graph, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Why an overlay is not handed to kustomize; `problems` are those of the parts of the repo that its build reads.

    kustomize follows links out of the repo, waits for a FIFO, and takes all its memory for a text that is large enough.
    """
    named = {use.path for use in (*found.files.values(), *found.missing)}
    for each in problems:
        if each.kind in DANGEROUS or (each.kind is Kind.LARGE and each.path in named):
            yield each
    yield from beyond(tree, (path for path, use in found.files.items() if use.role not in _NO_YAML))


def beyond(tree: Tree, paths: Iterable[str]) -> Iterator[Problem]:
    """The YAML files among these that are beyond a limit."""
    for path in paths:
        try:
            loader.check(tree[path])
        except loader.BeyondLimit as err:
            line = err.problem_mark.line + 1 if err.problem_mark else 1
            yield Problem(path=path, kind=Kind.YAML, message=f"not read as YAML: {err.problem}", line=line)
