"""Rules about the overlay and the sync file that every environment must have."""

from collections.abc import Iterator

from bootstrap.config.parts import KUSTOMIZATIONS
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.sync import objects
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place


@rule(
    "sync/missing-overlay",
    ERROR,
    fix="Add the overlay with its kustomization.yaml, or take the environment out of taxiway.yaml.",
)
def missing_overlay(env: EnvironmentContext) -> Iterator[Violation]:
    """Every environment of taxiway.yaml has an overlay.

    There is nothing to build, and every command that looks at all environments stops there.
    """
    overlay = env.environment.overlay
    if not any(f"{overlay}/{name}" in env.tree.files for name in KUSTOMIZATIONS):
        message = f"environment {env.environment.name} has no {overlay}/kustomization.yaml"
        yield Violation(objects.entry(env), message)


@rule(
    "sync/missing-file",
    ERROR,
    fix="Add the file clusters/<cluster>/<environment>.yaml, as another environment has it.",
    after=("sync/missing-overlay",),
)
def missing_file(env: EnvironmentContext) -> Iterator[Violation]:
    """Every environment has its file in clusters/, which makes the controller sync it.

    Nothing syncs the environment: what is merged stays in Git, and no error says so.
    """
    file, name = env.environment.sync_file, env.environment.name
    if file not in env.tree.files:
        message = f"{file} is not there, so nothing syncs environment {name}"
        yield Violation(objects.entry(env, "cluster"), message)
    elif not objects.roots(env):
        kind = objects.ROOT[env.model.controller]
        yield Violation(Place(file), f"{file} holds no {kind}, so nothing syncs {name}")
