"""Rules about entries that are never passed to kustomize: remote, executable, outside of the repo, or ambiguous."""

from collections.abc import Iterator

from bootstrap.kustomize.inputs import Why
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Violation


@rule("kustomize/remote", ERROR, fix="Copy it into the repository, and name the copy.")
def remote(env: EnvironmentContext) -> Iterator[Violation]:
    """Everything that an environment is made of stands in its repository.

    What another server gives is in no pull request: it can change, or be away, at any sync, and a revert does not
    bring it back.
    """
    return _refusals(env, Why.REMOTE)


@rule("kustomize/program", ERROR, fix="Commit the objects that it makes, and name their files.")
def program(env: EnvironmentContext) -> Iterator[Violation]:
    """Only kustomize itself works on an environment.

    A Helm chart or a plugin is a program, which runs as whoever builds: on a laptop, in CI, in the controller.
    """
    return _refusals(env, Why.PROGRAM)


@rule("kustomize/outside", ERROR, fix="Copy it into the repository, and name the copy by a relative path.")
def outside(env: EnvironmentContext) -> Iterator[Violation]:
    """A kustomization names files of its own repository.

    What stands elsewhere differs from one machine to the next, and can be private.
    """
    return _refusals(env, Why.OUTSIDE)


@rule(
    "kustomize/unclear",
    ERROR,
    fix="Write it plainly: each key as kustomize's documentation has it, each name as a text, without merge keys.",
)
def unclear(env: EnvironmentContext) -> Iterator[Violation]:
    """A kustomization says the same to whoever reads it.

    YAML parsers differ in merge keys, tags and texts without quotes, and kustomize takes Resources for resources:
    what a build would read is not known from the file.
    """
    return _refusals(env, Why.UNCLEAR)


def _refusals(env: EnvironmentContext, why: Why) -> Iterator[Violation]:
    return (Violation(refusal.place, refusal.message) for refusal in env.graph.refusals if refusal.why is why)
