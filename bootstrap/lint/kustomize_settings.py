"""Rules about the settings that generators read from env files."""

import re
from collections.abc import Iterator

from bootstrap.kustomize import generators
from bootstrap.kustomize.inputs import Role
from bootstrap.lint import envfile
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

NO_VALUE = Rule(
    name="kustomize/setting-without-value",
    severity=Severity.ERROR,
    title="Each line of an env file has a name, an equals sign and a value.",
    why="For a name alone kustomize takes the value from the environment of whoever builds: it differs between a"
    " laptop, CI and the controller, and can be a secret.",
    fix="Write NAME=value; NAME= for an empty value.",
)
BAD_VALUE = Rule(
    name="kustomize/setting-value",
    severity=Severity.WARNING,
    title="The value in an env file is what the program is to read.",
    why="Kustomize takes everything after the equals sign as it stands, unlike a shell: quotes, a comment after it and"
    " blanks at the end become part of it.",
    fix="Write the bare value; a comment goes on a line of its own.",
)
REPEATED = Rule(
    name="kustomize/repeated-setting",
    severity=Severity.ERROR,
    title="A generator sets each key once.",
    why="Kustomize refuses a key that one generator gets twice, from the same file or from two.",
    fix="Remove one of the two; to override a setting of the base, use a generator with behavior: merge.",
)
RULES = (NO_VALUE, BAD_VALUE, REPEATED)

_COMMENT = re.compile(r"\s#(\s|$)")


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that is wrong with the env files of an overlay."""
    for use in scene.graph.files.values():
        if use.role is Role.ENV:
            for each in envfile.settings(scene.tree.files.get(use.path, b"")):
                yield from _setting(scene, Place(use.path, each.line), each)
    for generator in scene.trace.origins.generators:
        yield from _repeated(scene, generator)


def _setting(scene: EnvironmentContext, place: Place, each: envfile.Setting) -> Iterator[Finding]:
    if each.value is None:
        message = f"{each.key.rstrip()} has no value, and gets that of the machine which builds"
        yield scene.finding(NO_VALUE, place, message)
    elif each.value and (wrong := _wrong(each.value)):
        yield scene.finding(BAD_VALUE, place, f"the value of {each.key} {wrong}, which the program gets to read")


def _wrong(value: str) -> str | None:
    bare = value.strip()
    # A text of JSON is in quotes for whoever reads it, a single word is not.
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        return "is in quotes"
    if _COMMENT.search(value) and not bare.startswith(("{", "[")):
        return "ends in a comment"
    return "ends in blanks" if value != value.rstrip() else None


def _repeated(scene: EnvironmentContext, generator: generators.Generator) -> Iterator[Finding]:
    first: dict[str, Place] = {}
    for entry in generators.entries(scene.tree, generator):
        if entry.key in first:
            message = f"{generator.kind} {generator.name} gets {entry.key} twice: at {first[entry.key]} too"
            yield scene.finding(REPEATED, entry.place, message)
        first.setdefault(entry.key, entry.place)
