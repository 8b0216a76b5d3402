"""Environment repo: its model and its files, in the work tree or at a commit."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap.config import model
from bootstrap.config.model import Environment, Model
from bootstrap.config.parts import KUSTOMIZATIONS, MODEL, OVERLAYS
from bootstrap.core.errors import BadTarget
from bootstrap.gitrepo import reading, repository
from bootstrap.gitrepo.snapshot import Commit, Snapshot, WorkTree, files_of


@dataclass(frozen=True, slots=True, kw_only=True)
class UnassignedFiles:
    """Files that may belong to no environment: kustomizations of overlays not in the model, and all in clusters/."""

    overlays: tuple[str, ...]
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """An environment repo, by its top folder, and its model: of the work tree, or of `commit` where there is one."""

    top: Path
    model: Model
    commit: Commit | None = None

    def select(self, names: Sequence[str]) -> tuple[Environment, ...]:
        """The environments of these names, or all where none is given. Raises BadOption for an unknown one."""
        return tuple(map(self.model.find, dict.fromkeys(names))) or self.model.environments

    def snapshot(self, environments: Sequence[Environment]) -> Snapshot:
        """Its files. In a large work tree, only the overlays of these environments are looked at first."""
        if self.commit:
            return self.commit
        are_all = len(environments) == len(self.model.environments)
        return WorkTree(self.top, None if are_all else [environment.overlay for environment in environments])

    def unassigned_files(self) -> UnassignedFiles:
        """Files that may belong to no environment, without those that Git ignores."""
        known = {environment.overlay for environment in self.model.environments}
        folders = sorted(path for path in (self.top / OVERLAYS).glob("*/") if f"{OVERLAYS}/{path.name}" not in known)
        paths = [f"{OVERLAYS}/{folder.name}/{name}" for folder in folders for name in KUSTOMIZATIONS]
        files = repository.Repository(self.top).files("clusters/", *paths)
        return UnassignedFiles(
            overlays=tuple(path for path in files if path.startswith(f"{OVERLAYS}/")),
            clusters=tuple(path for path in files if not path.startswith(f"{OVERLAYS}/")),
        )

    def read(self, path: str) -> bytes:
        """A file of the work tree; empty where there is none, or a problem, which the read of its part reports."""
        try:
            return reading.read(self.top, path) or b""
        except BadTarget:
            return b""


def find_top(start: Path) -> Path:
    """The top folder of the environment repo that a folder is in. Raises BadTarget where it is in none."""
    folder = start.resolve()
    for parent in (folder, *folder.parents):
        if os.path.lexists(parent / MODEL):
            return parent
    raise BadTarget(
        f"{folder} is in no environment repo: there is no {MODEL}", hint="go into one, or name it with --directory"
    )


def open_work_tree(top: Path) -> Checkout:
    """The repo in its work tree. Raises BadTarget where taxiway.yaml is missing, a link, or invalid."""
    text = reading.read_unlinked(top, model.PATH)
    if text is None:
        raise BadTarget(f"{top / model.PATH} is missing")
    return Checkout(top=top, model=Model.parse(text))


def open_commit(commit: Commit, *, label: str) -> Checkout:
    """The repo at a commit; `label` is what the user calls it. Raises BadTarget where it has no valid taxiway.yaml."""
    text = files_of(commit, model.PATH).get(model.PATH)
    if text is None:
        raise BadTarget(f"there is no {model.PATH} at {label}", hint="choose a commit after the repo's bootstrap")
    return Checkout(top=commit.top, model=Model.parse(text), commit=commit)
