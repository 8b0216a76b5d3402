"""Rules about env files of generators."""

import re
from collections.abc import Iterator

from bootstrap.kustomize import generators
from bootstrap.kustomize.inputs import Role
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools import envfile
from bootstrap.yamltools.positions import Place

_COMMENT = re.compile(r"\s#(\s|$)")


@rule("kustomize/setting-without-value", ERROR, fix="Write NAME=value; NAME= for an empty value.")
def setting_without_value(env: EnvironmentContext) -> Iterator[Violation]:
    """Each line of an env file has a name, an equals sign and a value.

    For a name alone kustomize takes the value from the environment of whoever builds: it differs between a laptop,
    CI and the controller, and can be a secret.
    """
    for place, setting in _settings(env):
        if setting.value is None:
            yield Violation(place, f"{setting.key.rstrip()} has no value, and gets that of the machine which builds")


@rule("kustomize/setting-value", WARNING, fix="Write the bare value; a comment goes on a line of its own.")
def setting_value(env: EnvironmentContext) -> Iterator[Violation]:
    """The value in an env file is what the program is to read.

    Kustomize takes everything after the equals sign as it stands, unlike a shell: quotes, a comment after it and
    blanks at the end become part of it.
    """
    for place, setting in _settings(env):
        if setting.value and (wrong := _wrong(setting.value)):
            yield Violation(place, f"the value of {setting.key} {wrong}, which the program gets to read")


@rule(
    "kustomize/repeated-setting",
    ERROR,
    fix="Remove one of the two; to override a setting of the base, use a generator with behavior: merge.",
)
def repeated_setting(env: EnvironmentContext) -> Iterator[Violation]:
    """A generator sets each key once.

    Kustomize refuses a key that one generator gets twice, from the same file or from two.
    """
    for generator in env.trace.origins.generators:
        first: dict[str, Place] = {}
        for entry in generators.entries(env.tree, generator):
            if entry.key in first:
                message = f"{generator.kind} {generator.name} gets {entry.key} twice: at {first[entry.key]} too"
                yield Violation(entry.place, message)
            first.setdefault(entry.key, entry.place)


def _settings(env: EnvironmentContext) -> Iterator[tuple[Place, envfile.Setting]]:
    for use in env.graph.files.values():
        if use.role is Role.ENV:
            for setting in envfile.settings(env.tree.files.get(use.path, b"").decode(errors="replace")):
                yield Place(use.path, setting.line), setting


def _wrong(value: str) -> str | None:
    bare = value.strip()
    # Quotes around a value are part of it; a JSON string needs them, other values do not.
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        return "is in quotes"
    if _COMMENT.search(value) and not bare.startswith(("{", "[")):
        return "ends in a comment"
    return "ends in blanks" if value != value.rstrip() else None
