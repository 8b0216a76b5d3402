"""Rules about what the controller is told to sync: repository, branch, path and namespace."""

import posixpath
from collections.abc import Iterator
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.config.remote import Remote
from bootstrap.core.errors import BadOption
from bootstrap.kubernetes.objects import dig
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.references import near
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.sync import objects
from bootstrap.validate.rules.sync.objects import Synced
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import FieldPath, Place

# Made by `flux bootstrap`, in files that are its own.
_FLUX_SYSTEM = "flux-system"


@rule("sync/wrong-path", ERROR, fix="Set the path to overlays/<environment>.", after=("sync/missing-overlay",))
def wrong_path(env: EnvironmentContext) -> Iterator[Violation]:
    """The controller builds the environment's own overlay.

    It would stop at a path that is not there, or bring up another environment in this one's place.
    """
    for root, at in _sources(env):
        said = _path(root.get(*at, "path"))
        if said != env.environment.overlay:
            whose = next((each.name for each in env.model.environments if each.overlay == said), None)
            what = f"environment {whose}'s overlay" if whose else "not the overlay of this environment"
            message = f"{root} builds {said or 'no path'}, {what}"
            yield Violation(root.place(*at, "path"), message, f"its own is {env.environment.overlay}")


@rule(
    "sync/wrong-repository",
    ERROR,
    fix="Make the URL in clusters/ and `repository` in taxiway.yaml the same.",
    after=("sync/missing-overlay",),
)
def wrong_repository(env: EnvironmentContext) -> Iterator[Violation]:
    """The controller reads the repository that taxiway.yaml names.

    What is merged here never reaches the cluster.
    """
    for holder, at in _repositories(env):
        said = holder.get(*at)
        if not same_repository(said, env.model.remote):
            message = f"{holder} reads {said or 'no repository'}, but taxiway.yaml says {env.model.remote.url}"
            yield Violation(holder.place(*at), message)


@rule(
    "sync/wrong-branch",
    ERROR,
    fix="Make the branch in clusters/ and `branch` in taxiway.yaml the same.",
    after=("sync/missing-overlay",),
)
def wrong_branch(env: EnvironmentContext) -> Iterator[Violation]:
    """The controller follows the branch that taxiway.yaml names.

    What is merged into that branch never reaches the cluster.
    """
    for holder, said, place in _branches(env):
        if str(said).removeprefix("refs/heads/") != env.model.branch:
            yield Violation(place, f"{holder} follows {said}, but taxiway.yaml says {env.model.branch}")


@rule(
    "sync/missing-source",
    ERROR,
    fix="Make sourceRef and the GitRepository's name the same.",
    after=("sync/missing-overlay",),
)
def missing_source(env: EnvironmentContext) -> Iterator[Violation]:
    """The source of a Flux Kustomization is there.

    The Kustomization stays at `Source artifact not found, retrying`.
    """
    repositories = objects.git_repositories(env)
    for root, repository in objects.flux_roots(env):
        name = root.get("spec", "sourceRef", "name")
        if root.get("spec", "sourceRef", "kind") == "GitRepository" and repository is None and name != _FLUX_SYSTEM:
            message = f"{root} takes its files from GitRepository/{name}, which {root.path} does not hold"
            place = root.place("spec", "sourceRef", "name")
            yield Violation(place, message, near(str(name), repositories))


def _sources(env: EnvironmentContext) -> Iterator[tuple[Synced, FieldPath]]:
    """Each object that tells the controller what to build, and where in it."""
    for root in objects.roots(env):
        if env.model.controller is Controller.FLUX:
            yield root, ("spec",)
            continue
        found = list(objects.sources(root))
        # Of several sources, such as a chart's values, only one has to be the overlay.
        ours = [each for each in found if _path(root.get(*each, "path")) == env.environment.overlay] or found
        yield from ((root, each) for each in ours[:1])


def _repositories(env: EnvironmentContext) -> Iterator[tuple[Synced, FieldPath]]:
    """Each object that names the repository, and where in it."""
    if env.model.controller is Controller.ARGOCD:
        yield from ((root, (*at, "repoURL")) for root, at in _sources(env))
    else:
        yield from ((each, ("spec", "url")) for _, each in objects.flux_roots(env) if each is not None)


def _branches(env: EnvironmentContext) -> Iterator[tuple[Synced, Any, Place]]:
    """Each object that names the branch, what it says, and where."""
    if env.model.controller is Controller.ARGOCD:
        for root, at in _sources(env):
            revision = root.get(*at, "targetRevision")
            if revision not in (None, "", "HEAD"):  # the default branch, which only the forge knows
                yield root, revision, root.place(*at, "targetRevision")
        return
    for _, repository in objects.flux_roots(env):
        if repository is not None:
            reference = repository.get("spec", "ref")
            # The order in which they win over each other; master is Flux's default.
            fields = ("commit", "name", "semver", "tag", "branch")
            field = next((each for each in fields if dig(reference, each)), None)
            at = ("spec", "ref", field) if field else ("spec", "ref")
            yield repository, dig(reference, field) if field else "master", repository.place(*at)


def _path(value: Any) -> str:
    return posixpath.normpath(value).lstrip("/") if isinstance(value, str) and value else ""


def same_repository(said: Any, remote: Remote) -> bool:
    """Whether a URL leads to this repository; over HTTPS or SSH, with or without `.git`, it is the same one."""
    try:
        other = Remote.parse(str(said))
    except BadOption:
        return False
    return (other.host, other.path.removesuffix(".git")) == (remote.host, remote.path.removesuffix(".git"))
