"""An environment repo as it is on disk or at a commit, and what its overlays render to."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap import git, model, workspace
from bootstrap.errors import BadOption, BadTarget
from bootstrap.kustomize import Kustomize
from bootstrap.model import Environment, Model
from bootstrap.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The files of an environment repo in a folder, and the model that they hold."""

    top: Path
    model: Model

    def choose(self, names: Sequence[str]) -> tuple[Environment, ...]:
        """The environments of these names, all of them where none is given. Raises BadOption for an unknown one."""
        known = {each.name: each for each in self.model.environments}
        for name in names:
            if name not in known:
                raise BadOption(f"environment {name!r} is not in {model.PATH}", hint=f"known: {', '.join(known)}")
        return tuple(known[name] for name in names) or self.model.environments

    def render(self, environments: Sequence[Environment]) -> list[bytes]:
        """The overlays, built; as many at once as there are cores."""
        return Kustomize.find().build_all(self.top / each.overlay for each in environments)

    def shared_files(self) -> Tree:
        """Every file that belongs to no environment's own overlay."""
        return self._read(".", ":(exclude)overlays/")

    def overlay_files(self, overlay: str) -> Tree:
        """The files of an overlay."""
        return self._read(f"{overlay}/")

    def _read(self, *patterns: str) -> Tree:
        return Tree({path: (self.top / path).read_bytes() for path in git.Repository(self.top).files(*patterns)})


def find(start: Path) -> Path:
    """The top of the environment repo that a folder is in. Raises BadTarget outside of any."""
    folder = start.resolve()
    for each in (folder, *folder.parents):
        if (each / model.PATH).is_file():
            return each
    raise BadTarget(
        f"{folder} is in no environment repo: there is no {model.PATH}", hint="go into one, or name it with --directory"
    )


def working(top: Path) -> Checkout:
    """The repo as it is in the work tree."""
    text = workspace.read_file(top, model.PATH)
    if text is None:
        raise BadTarget(f"{top / model.PATH} is missing")
    return Checkout(top=top, model=Model.parse(text))


@contextlib.contextmanager
def at(top: Path, reference: str) -> Iterator[Checkout]:
    """The repo as it was at a commit, in a temporary folder.

    Raises BadOption where there is no such commit, BadTarget where it holds no environment repo.
    """
    tree = git.Repository(top).tree(reference)
    if model.PATH not in tree:
        raise BadTarget(f"there is no {model.PATH} at {reference}", hint="choose a commit after the repo's bootstrap")
    with workspace.scratch(tree) as folder:
        yield working(folder)
