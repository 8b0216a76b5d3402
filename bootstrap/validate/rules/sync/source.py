"""Rules about the controller's source: repository, branch and path."""

import posixpath
from collections.abc import Iterator
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.config.remote import Remote
from bootstrap.core.errors import BadOption
from bootstrap.kubernetes.objects import dig
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.references import suggest
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.sync import objects
from bootstrap.validate.rules.sync.objects import Synced
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import FieldPath, Place

# Created by `flux bootstrap`, in its own files.
_FLUX_SYSTEM = "flux-system"


@rule("sync/wrong-path", ERROR, fix="Set the path to overlays/<environment>.", after=("sync/missing-overlay",))
def wrong_path(env: EnvironmentContext) -> Iterator[Violation]:
    """The controller builds the environment's own overlay.

    It would stop at a path that is not there, or bring up another environment in this one's place.
    """
    for root, at in _sources(env):
        path = _path(root.get(*at, "path"))
        if path != env.environment.overlay:
            whose = next(
                (environment.name for environment in env.model.environments if environment.overlay == path), None
            )
            what = f"environment {whose}'s overlay" if whose else "not the overlay of this environment"
            message = f"{root} builds {path or 'no path'}, {what}"
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
        url = holder.get(*at)
        if not same_repository(url, env.model.remote):
            message = f"{holder} reads {url or 'no repository'}, but taxiway.yaml says {env.model.remote.url}"
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
    for holder, branch, place in _branches(env):
        if str(branch).removeprefix("refs/heads/") != env.model.branch:
            yield Violation(place, f"{holder} follows {branch}, but taxiway.yaml says {env.model.branch}")


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
            yield Violation(place, message, suggest(str(name), repositories))


def _sources(env: EnvironmentContext) -> Iterator[tuple[Synced, FieldPath]]:
    """Objects that hold the path to build, with the path of their source."""
    for root in objects.roots(env):
        if env.model.controller is Controller.FLUX:
            yield root, ("spec",)
            continue
        paths = list(objects.sources(root))
        # Only one of several sources has to be the overlay; others may be a chart's values.
        ours = [path for path in paths if _path(root.get(*path, "path")) == env.environment.overlay] or paths
        yield from ((root, path) for path in ours[:1])


def _repositories(env: EnvironmentContext) -> Iterator[tuple[Synced, FieldPath]]:
    """Objects that hold the repository's URL, with its field path."""
    if env.model.controller is Controller.ARGOCD:
        yield from ((root, (*at, "repoURL")) for root, at in _sources(env))
    else:
        yield from (
            (repository, ("spec", "url")) for _, repository in objects.flux_roots(env) if repository is not None
        )


def _branches(env: EnvironmentContext) -> Iterator[tuple[Synced, Any, Place]]:
    """Objects that hold the branch, with its value and line."""
    if env.model.controller is Controller.ARGOCD:
        for root, at in _sources(env):
            revision = root.get(*at, "targetRevision")
            if revision not in (None, "", "HEAD"):  # the default branch, which only the Git host knows
                yield root, revision, root.place(*at, "targetRevision")
        return
    for _, repository in objects.flux_roots(env):
        if repository is not None:
            reference = repository.get("spec", "ref")
            # Flux's order of precedence; its default is the branch master.
            fields = ("commit", "name", "semver", "tag", "branch")
            field = next((name for name in fields if dig(reference, name)), None)
            at = ("spec", "ref", field) if field else ("spec", "ref")
            yield repository, dig(reference, field) if field else "master", repository.place(*at)


def _path(value: Any) -> str:
    return posixpath.normpath(value).lstrip("/") if isinstance(value, str) and value else ""


def same_repository(url: Any, remote: Remote) -> bool:
    """Whether a URL is this repository's, over HTTPS or SSH, with or without `.git`."""
    try:
        other = Remote.parse(str(url))
    except BadOption:
        return False
    return (other.host, other.path.removesuffix(".git")) == (remote.host, remote.path.removesuffix(".git"))
