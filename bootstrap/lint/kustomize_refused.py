"""Rules about what is never handed to kustomize, since the build would fetch or run it, or may read it otherwise."""

from collections.abc import Iterator

from bootstrap.kustomize.inputs import Why
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.violation import Finding, Rule, Severity

REMOTE = Rule(
    name="kustomize/remote",
    severity=Severity.ERROR,
    title="Everything that an environment is made of stands in its repository.",
    why="What another server gives is in no pull request: it can change, or be away, at any sync, and a revert does not"
    " bring it back.",
    fix="Copy it into the repository, and name the copy.",
)
PROGRAM = Rule(
    name="kustomize/program",
    severity=Severity.ERROR,
    title="Only kustomize itself works on an environment.",
    why="A Helm chart or a plugin is a program, which runs as whoever builds: on a laptop, in CI, in the controller.",
    fix="Commit the objects that it makes, and name their files.",
)
OUTSIDE = Rule(
    name="kustomize/outside",
    severity=Severity.ERROR,
    title="A kustomization names files of its own repository.",
    why="What stands elsewhere differs from one machine to the next, and can be private.",
    fix="Copy it into the repository, and name the copy by a relative path.",
)
UNCLEAR = Rule(
    name="kustomize/unclear",
    severity=Severity.ERROR,
    title="A kustomization says the same to whoever reads it.",
    why="YAML parsers differ in merge keys, tags and texts without quotes, and kustomize takes Resources for resources:"
    " what a build would read is not known from the file.",
    fix="Write it plainly: each key as kustomize's documentation has it, each name as a text, without merge keys.",
)
RULES = (REMOTE, PROGRAM, OUTSIDE, UNCLEAR)

TOLD = {Why.REMOTE: REMOTE, Why.PROGRAM: PROGRAM, Why.OUTSIDE: OUTSIDE, Why.UNCLEAR: UNCLEAR}


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that is in the way of a build; what other rules tell as well is left to them."""
    for each in scene.graph.refusals:
        if each.why in TOLD:
            yield scene.finding(TOLD[each.why], each.place, each.message)
