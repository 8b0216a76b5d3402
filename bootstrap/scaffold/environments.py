"""Add, remove and list environments. The work does not grow with the number of other environments."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bootstrap.config import edit, model
from bootstrap.config.model import Environment, Model
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadOption, BadTarget, TaxiwayError, raise_all
from bootstrap.core.tree import Tree
from bootstrap.promotion import images, release
from bootstrap.promotion.release import FOLDER, OWN_COMPONENTS
from bootstrap.scaffold import plan as scaffold
from bootstrap.scaffold import readme
from bootstrap.yamltools.text import editing

README = "README.md"
FILES = (model.PATH, README)  # those that list the environments
_COLUMNS = ("name", "namespace", "cluster", "airflow", "hold")
Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A new environment: its files, the updated model, and the predecessor's own components, which it does not get."""

    changes: ChangeSet
    known: Model
    left_out: tuple[str, ...]

    def remarks(self, after: str) -> tuple[str, ...]:
        """Remarks for the reviewer about the components that were left out; `after` is the predecessor."""
        return tuple(f"{name} is {after}'s own component: list it here too, if updated" for name in self.left_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A removed environment: the changes, and the updated model."""

    changes: ChangeSet
    known: Model


def add(tree: Tree, known: Model, new: Environment, *, after: str, source: Tree, sealed: Tree) -> Addition:
    """Add an environment after `after` in promotion order, with the release that `after` runs now.

    Its other files are those that `init` would write from the scaffold (`source`), so nothing that belongs to another
    environment is copied. It runs a pinned copy of the base; `sealed` is its `secrets/` folder. `tree` must hold the
    predecessor's overlay, `base/` if the predecessor runs that, taxiway.yaml and README.md. The README is rendered
    again unless somebody edited it.

    Raises BadOption, all mistakes at once, for an invalid name, namespace, cluster or port; BadTarget where files are
    in the way.
    """
    carried = release.load(tree, known.find(after))
    index = known.environments.index(known.find(after)) + 1
    environments = (*known.environments[:index], new, *known.environments[index:])
    model.check_environments(environments)
    _require_free(tree, new)
    updated = replace(known, environments=environments)
    own = _own_files(known, new, after, source, sealed)
    files = Tree(
        {
            **own,
            **carried.files.at(new.overlay).files,
            **carried.base.at(f"{new.overlay}/base").files,
        }
    )
    kustomization = f"{new.overlay}/kustomization.yaml"
    with editing(kustomization):
        text = release.with_components(release.load(files, new), carried.components, carried.listed)
    writes = {
        **files,
        kustomization: text.encode(),
        model.PATH: edit.insert(tree[model.PATH], known, after, new),
        **_readme(tree, known, updated),
    }
    left_out = tuple(name for name in carried.listed if name in OWN_COMPONENTS)
    return Addition(changes=ChangeSet(writes=writes), known=updated, left_out=left_out)


def remove(tree: Tree, known: Model, name: str) -> Removal:
    """Delete an environment's overlay and its file in `clusters/`.

    `tree` must hold both, taxiway.yaml and README.md. Raises BadOption for the only environment, and for the first one:
    it alone runs `base/`, which later ones get by promotion.
    """
    environment = known.find(name)
    names = [other.name for other in known.environments]
    if len(names) == 1:
        raise BadOption(f"{name!r} is the last environment", hint="delete the repository instead")
    if name == names[0]:
        raise BadOption(
            f"{name!r} is the first environment, which runs base/ itself: every change begins there",
            hint=f"the others can be removed: {', '.join(names[1:])}",
        )
    updated = replace(known, environments=tuple(other for other in known.environments if other.name != name))
    prefix = f"{environment.overlay}/"
    deletes = frozenset(path for path in tree.files if path.startswith(prefix) or path == environment.sync_file)
    writes = {
        model.PATH: edit.remove(tree[model.PATH], known, name),
        **_readme(tree, known, updated),
    }
    return Removal(changes=ChangeSet(writes=writes, deletes=deletes), known=updated)


def removal_lines(environment: Environment, removal: Removal) -> tuple[str, ...]:
    """A removal for people, one line for each file."""
    return (
        f"removes {environment.name} (namespace {environment.namespace}, cluster {environment.cluster}):",
        *(f"  - {path}" for path in sorted(removal.changes.deletes)),
        *(f"  ~ {path}" for path in sorted(removal.changes.writes)),
        "nothing is removed yet: --yes does it",
    )


def rows(known: Model, read: Callable[[str], bytes]) -> list[Row]:
    """The table of environments, in promotion order; `read` returns a file's content, empty where there is none."""
    return [
        {
            "name": environment.name,
            "namespace": environment.namespace,
            "cluster": environment.cluster,
            "airflow": _airflow(read(f"{environment.overlay}/{release.KUSTOMIZATION}")),
            "hold": str(environment.hold) if environment.hold else None,
        }
        for environment in known.environments
    ]


def table(rows: Sequence[Row]) -> tuple[str, ...]:
    """Rows as aligned text, below a header line."""
    cells = [{column: column.upper() for column in _COLUMNS} | {"name": "ENVIRONMENT"}]
    cells += [{column: row[column] or "-" for column in _COLUMNS} for row in rows]
    widths = {column: max(len(row[column]) for row in cells) for column in _COLUMNS}
    return tuple("  ".join(f"{row[column]:{widths[column]}}" for column in _COLUMNS).rstrip() for row in cells)


def _airflow(kustomization: bytes) -> str | None:
    """The tag, or the digest, of Airflow's image in a release."""
    try:
        image = images.read(kustomization.decode()).get(images.AIRFLOW)
    except (ValueError, TaxiwayError):  # `validate` reports it
        return None
    return (image.tag or image.digest) if image else None


def _own_files(known: Model, new: Environment, after: str, source: Tree, sealed: Tree) -> Tree:
    """The files that `init` writes for an environment, without its release and base."""
    # Only two environments, so that the work does not grow with their number.
    pair = replace(known, environments=(known.find(after), new))
    planned = scaffold.plan(source, pair, {new.name: sealed, after: Tree()})
    carried = tuple(f"{new.overlay}/{folder}/" for folder in (FOLDER, "base"))
    return Tree(
        {
            path: data
            for path, data in planned.items()
            if (path.startswith(f"{new.overlay}/") and not path.startswith(carried)) or path == new.sync_file
        }
    )


def _require_free(tree: Tree, new: Environment) -> None:
    prefix = f"{new.overlay}/"
    existing = sorted(path for path in tree.files if path.startswith(prefix) or path == new.sync_file)
    raise_all(
        BadTarget(f"{path} is in the way", hint="git rm it, and commit, or choose another name")
        for path in existing[:5]
    )


def _readme(tree: Tree, known: Model, updated: Model) -> dict[str, bytes]:
    """The README for the updated model; empty where somebody edited the current one."""
    if tree.files.get(README) != readme.render(known):
        return {}
    return {README: readme.render(updated)}
