"""An environment repo as it is on disk or at a commit."""

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
class Strays:
    """Files that may belong to no environment: kustomizations of other overlays, and all that is in clusters/."""

    overlays: tuple[str, ...]
    clusters: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """An environment repo by its top folder, and the model that it holds: in its work tree, or at the commit `past`."""

    top: Path
    model: Model
    past: Commit | None = None

    def choose(self, names: Sequence[str]) -> tuple[Environment, ...]:
        """The environments of these names, all of them where none is given. Raises BadOption for an unknown one."""
        return tuple(map(self.model.find, dict.fromkeys(names))) or self.model.environments

    def snapshot(self, environments: Sequence[Environment]) -> Snapshot:
        """Its files, for a look at these environments."""
        whole = len(environments) == len(self.model.environments)
        return self.past or WorkTree(self.top, None if whole else [each.overlay for each in environments])

    def strays(self) -> Strays:
        """What Git does not ignore of what may belong to no environment."""
        known = {each.overlay for each in self.model.environments}
        folders = sorted(each for each in (self.top / OVERLAYS).glob("*/") if f"{OVERLAYS}/{each.name}" not in known)
        paths = [f"{OVERLAYS}/{folder.name}/{name}" for folder in folders for name in KUSTOMIZATIONS]
        found = repository.Repository(self.top).files("clusters/", *paths)
        return Strays(
            overlays=tuple(path for path in found if path.startswith(f"{OVERLAYS}/")),
            clusters=tuple(path for path in found if not path.startswith(f"{OVERLAYS}/")),
        )

    def read(self, path: str) -> bytes:
        """A file of the work tree; empty where there is none, or none that is read: who reads its folder tells why."""
        try:
            return reading.read(self.top, path) or b""
        except BadTarget:
            return b""


def top_of(start: Path) -> Path:
    """The top of the environment repo that a folder is in. Raises BadTarget outside of any."""
    folder = start.resolve()
    for each in (folder, *folder.parents):
        if os.path.lexists(each / MODEL):
            return each
    raise BadTarget(
        f"{folder} is in no environment repo: there is no {MODEL}", hint="go into one, or name it with --directory"
    )


def working(top: Path) -> Checkout:
    """The repo as it is in the work tree."""
    text = reading.read_plain(top, model.PATH)
    if text is None:
        raise BadTarget(f"{top / model.PATH} is missing")
    return Checkout(top=top, model=Model.parse(text))


def at(past: Commit, *, called: str) -> Checkout:
    """The repo as it was at a commit, which the user knows by what it is `called`.

    Raises BadTarget where it holds no environment repo.
    """
    text = files_of(past, model.PATH).get(model.PATH)
    if text is None:
        raise BadTarget(f"there is no {model.PATH} at {called}", hint="choose a commit after the repo's bootstrap")
    return Checkout(top=past.top, model=Model.parse(text), past=past)
