"""Rules about files that are not read: symbolic links, special files, files and YAML over the limits."""

from collections.abc import Iterator

from bootstrap.config.file_problems import Kind, Problem
from bootstrap.kustomize import graph
from bootstrap.validate.context import EnvironmentContext, shared
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place

_YAML = (".yaml", ".yml", "Kustomization")


@shared
def _problems(env: EnvironmentContext) -> Iterator[Problem]:
    """Problems of all files that concern the environment and are not read."""
    texts = dict.fromkeys(path for path in env.tree.files if path.endswith(_YAML))
    beside = (path for path in texts if path not in env.graph.files)
    problems = (*env.problems, *graph.in_the_way(env.tree, env.graph, ()), *graph.beyond_limits(env.tree, beside))
    yield from dict.fromkeys(problems)


def _of(env: EnvironmentContext, kind: Kind) -> Iterator[Violation]:
    return (
        Violation(Place(problem.path, problem.line), problem.message)
        for problem in _problems(env)
        if problem.kind is kind
    )


@rule("files/link-leaves", ERROR, fix="Put the file itself there, or a relative link to one in the repository.")
def link_leaves(env: EnvironmentContext) -> Iterator[Violation]:
    """A symbolic link stays in the repository.

    It leads to another file on each machine, and one that nobody reviews. Nothing behind it is read, and an overlay
    beside it is not built.
    """
    return _of(env, Kind.LEAVES)


@rule("files/link-into-environment", ERROR, fix="Put a copy of the file there, or put the file into base/.")
def link_into_environment(env: EnvironmentContext) -> Iterator[Violation]:
    """No symbolic link leads into the folder of another environment.

    A change of that environment would be one of this one too, which no promotion shows. Nothing behind it is read,
    and an overlay beside it is not built.
    """
    return _of(env, Kind.ENVIRONMENT)


@rule("files/link-broken", WARNING, fix="Remove it, or make it lead to something.")
def link_broken(env: EnvironmentContext) -> Iterator[Violation]:
    """A symbolic link leads to a file or folder.

    What it leads to is missing, or it leads around in a circle: who reads it fails.
    """
    return _of(env, Kind.BROKEN)


@rule("files/not-regular", ERROR, fix="Remove it.")
def not_regular(env: EnvironmentContext) -> Iterator[Violation]:
    """There are regular files, folders and links, and nothing else.

    Git keeps no device, FIFO or socket, and who reads one may wait for good. An overlay beside it is not built.
    """
    return _of(env, Kind.SPECIAL)


@rule("files/too-large", WARNING, fix="Keep it elsewhere.")
def too_large(env: EnvironmentContext) -> Iterator[Violation]:
    """A file is smaller than 10 MiB.

    Kubernetes takes no object of that size. The file is not read, and an overlay that names it is not built.
    """
    return _of(env, Kind.LARGE)


@rule("files/yaml-limits", ERROR, fix="Write out what its aliases stand for, or cut the file into several.")
def yaml_limits(env: EnvironmentContext) -> Iterator[Violation]:
    """YAML keeps to limits of size, depth and aliases.

    A short text can stand for billions of values, and no manifest is like that. An overlay that names it is not
    built.
    """
    return _of(env, Kind.YAML)
