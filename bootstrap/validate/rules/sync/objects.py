"""Sync file of an environment, in `clusters/`: its Application and AppProject, or Kustomization and GitRepository."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.kubernetes.objects import dig, items
from bootstrap.validate.context import EnvironmentContext
from bootstrap.yamltools.positions import Document, FieldPath, Place, documents

# Kind of each controller's object that syncs an overlay.
ROOT = {Controller.ARGOCD: "Application", Controller.FLUX: "Kustomization"}
_GROUPS = {
    "Application": "argoproj.io/",
    "AppProject": "argoproj.io/",
    "Kustomization": "kustomize.toolkit.fluxcd.io/",
    "GitRepository": "source.toolkit.fluxcd.io/",
}


@dataclass(frozen=True, slots=True)
class Synced:
    """An object of the sync file."""

    path: str
    document: Document

    def get(self, *path: str | int) -> Any:
        """Value at a path; None if there is none."""
        return dig(self.document.value, *path)

    def place(self, *path: str | int) -> Place:
        """Line of a value; if it is missing, of its nearest parent."""
        return Place(self.path, self.document.line(path))

    @property
    def name(self) -> str:
        """Name in its metadata."""
        return str(self.get("metadata", "name"))

    def __str__(self) -> str:
        return f"{self.get('kind')}/{self.name}"


def of_kind(env: EnvironmentContext, kind: str) -> list[Synced]:
    """Objects of a kind in the environment's sync file, by apiVersion too: kustomize has a Kustomization as well."""
    return [
        Synced(env.environment.sync_file, document)
        for document in documents(env.tree.files.get(env.environment.sync_file, b""))
        if dig(document.value, "kind") == kind and str(dig(document.value, "apiVersion")).startswith(_GROUPS[kind])
    ]


def roots(env: EnvironmentContext) -> list[Synced]:
    """Applications, or Flux Kustomizations, of the environment."""
    return of_kind(env, ROOT[env.model.controller])


def git_repositories(env: EnvironmentContext) -> dict[str, Synced]:
    """Flux GitRepositories in the environment's sync file, by name."""
    return {repository.name: repository for repository in of_kind(env, "GitRepository")}


def flux_roots(env: EnvironmentContext) -> Iterator[tuple[Synced, Synced | None]]:
    """Flux Kustomizations of the environment, with their GitRepository if it is in the sync file."""
    repositories = git_repositories(env)
    for root in roots(env) if env.model.controller is Controller.FLUX else ():
        name = root.get("spec", "sourceRef", "name")
        yield root, repositories.get(name) if isinstance(name, str) else None


def sources(application: Synced) -> Iterator[FieldPath]:
    """Paths of an Application's sources: `source` and all of `sources`."""
    if isinstance(application.get("spec", "source"), dict):
        yield ("spec", "source")
    for number in range(len(items(application.get("spec", "sources")))):
        yield ("spec", "sources", number)


def entry(env: EnvironmentContext, *path: str) -> Place:
    """Line of the environment's entry in taxiway.yaml."""
    for document in documents(env.tree.files.get("taxiway.yaml", b""))[:1]:
        for number, environment in enumerate(items(document.value, "environments")):
            if str(dig(environment, "name")) == env.environment.name:
                return Place("taxiway.yaml", document.line(("environments", number, *path)))
    return Place("taxiway.yaml")
