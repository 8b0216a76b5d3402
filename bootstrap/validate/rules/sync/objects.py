"""The file in `clusters/` that makes a controller sync an environment."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.kubernetes.objects import dig, items
from bootstrap.validate.context import EnvironmentContext
from bootstrap.yamltools.positions import Document, FieldPath, Place, documents

# What tells each controller what to sync, and where.
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
        """A value of it; None where there is none."""
        return dig(self.document.value, *path)

    def place(self, *path: str | int) -> Place:
        """The line of a value; of its nearest parent, where the object does not say it."""
        return Place(self.path, self.document.line(path))

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.get("metadata", "name"))

    def __str__(self) -> str:
        return f"{self.get('kind')}/{self.name}"


def of_kind(env: EnvironmentContext, kind: str) -> list[Synced]:
    """The objects of a kind in the environment's sync file. Flux's Kustomization is not kustomize's."""
    return [
        Synced(env.environment.sync_file, each)
        for each in documents(env.tree.files.get(env.environment.sync_file, b""))
        if dig(each.value, "kind") == kind and str(dig(each.value, "apiVersion")).startswith(_GROUPS[kind])
    ]


def roots(env: EnvironmentContext) -> list[Synced]:
    """The Applications, or Flux Kustomizations, of the environment."""
    return of_kind(env, ROOT[env.model.controller])


def git_repositories(env: EnvironmentContext) -> dict[str, Synced]:
    """Flux's GitRepositories in the environment's sync file, by their names."""
    return {each.name: each for each in of_kind(env, "GitRepository")}


def flux_roots(env: EnvironmentContext) -> Iterator[tuple[Synced, Synced | None]]:
    """Each Flux Kustomization of the environment, with its GitRepository, where the file holds that."""
    repositories = git_repositories(env)
    for root in roots(env) if env.model.controller is Controller.FLUX else ():
        name = root.get("spec", "sourceRef", "name")
        yield root, repositories.get(name) if isinstance(name, str) else None


def sources(application: Synced) -> Iterator[FieldPath]:
    """The paths of an Application's sources, of which it has one, or a list."""
    if isinstance(application.get("spec", "source"), dict):
        yield ("spec", "source")
    for number in range(len(items(application.get("spec", "sources")))):
        yield ("spec", "sources", number)


def entry(env: EnvironmentContext, *path: str) -> Place:
    """The environment's line of taxiway.yaml."""
    for document in documents(env.tree.files.get("taxiway.yaml", b""))[:1]:
        for number, each in enumerate(items(document.value, "environments")):
            if str(dig(each, "name")) == env.environment.name:
                return Place("taxiway.yaml", document.line(("environments", number, *path)))
    return Place("taxiway.yaml")
