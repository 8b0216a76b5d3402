"""Adding and removing an environment: the files of it alone, however many others there are."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bootstrap.config import edit, model
from bootstrap.config.model import Environment, Model
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadOption, BadTarget, TaxiwayError, raise_all
from bootstrap.core.tree import Tree
from bootstrap.promotion import images, release
from bootstrap.promotion.release import FOLDER, OWN_COMPONENTS
from bootstrap.scaffold import plan, readme
from bootstrap.yamltools.text import editing

README = "README.md"
FILES = (model.PATH, README)  # that list the environments
_COLUMNS = ("name", "namespace", "cluster", "airflow", "hold")
Row = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A new environment's files, and the components that its predecessor has of its own and that it begins without."""

    changes: ChangeSet
    known: Model
    left_out: tuple[str, ...]

    def remarks(self, after: str) -> tuple[str, ...]:
        """What the reviewer may want to add; `after` is the predecessor."""
        return tuple(f"{name} is {after}'s own component: list it here too, if wanted" for name in self.left_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What goes with an environment."""

    changes: ChangeSet
    known: Model


def add(tree: Tree, known: Model, new: Environment, *, after: str, source: Tree, sealed: Tree) -> Addition:
    """An environment right behind `after` in promotion order, with the release that `after` runs now.

    Its own files are those that `init` would write for it from the scaffold (`source`): nothing that another
    environment has of its own is copied, and `sealed` is its own `secrets/`. It runs a pinned copy of the base. `tree`
    needs the predecessor's overlay, the base if that is live, taxiway.yaml and README.md. The README is written anew
    where nobody edited it.

    Raises BadOption, all mistakes at once, for a name, namespace, cluster or port that can't be; BadTarget where files
    are in the way.
    """
    before = release.of(tree, known.find(after))
    place = [each.name for each in known.environments].index(after) + 1
    environments = (*known.environments[:place], new, *known.environments[place:])
    model.check(environments)
    _check_room(tree, new)
    wanted = replace(known, environments=environments)
    own = _own_files(known, new, after, source, sealed)
    fresh = Tree(
        {
            **own,
            **before.files.at(new.overlay).files,
            **before.base.at(f"{new.overlay}/base").files,
        }
    )
    kustomization = f"{new.overlay}/kustomization.yaml"
    with editing(kustomization):
        text = release.with_components(release.of(fresh, new), before.components, before.listed)
    writes = {
        **fresh,
        kustomization: text.encode(),
        model.PATH: edit.insert(tree[model.PATH], known, after, new),
        **_readme(tree, known, wanted),
    }
    left_out = tuple(name for name in before.listed if name in OWN_COMPONENTS)
    return Addition(changes=ChangeSet(writes=writes), known=wanted, left_out=left_out)


def remove(tree: Tree, known: Model, name: str) -> Removal:
    """Delete an environment's overlay and what makes the controller sync it; Git's history keeps both.

    `tree` needs its overlay, its sync file, taxiway.yaml and README.md. Raises BadOption for the last environment, and
    for the first one: the others run copies of a base, and only the first runs `base/` itself.
    """
    environment = known.find(name)
    names = [each.name for each in known.environments]
    if len(names) == 1:
        raise BadOption(f"{name!r} is the last environment", hint="delete the repository instead")
    if name == names[0]:
        raise BadOption(
            f"{name!r} is the first environment, which runs base/ itself: every change begins there",
            hint=f"the others can be removed: {', '.join(names[1:])}",
        )
    wanted = replace(known, environments=tuple(each for each in known.environments if each.name != name))
    prefix = f"{environment.overlay}/"
    deletes = frozenset(path for path in tree.files if path.startswith(prefix) or path == environment.sync_file)
    writes = {
        model.PATH: edit.remove(tree[model.PATH], known, name),
        **_readme(tree, known, wanted),
    }
    return Removal(changes=ChangeSet(writes=writes, deletes=deletes), known=wanted)


def removed_files(environment: Environment, removal: Removal) -> tuple[str, ...]:
    """What a removal would do, a line for each file."""
    return (
        f"removes {environment.name} (namespace {environment.namespace}, cluster {environment.cluster}):",
        *(f"  - {path}" for path in sorted(removal.changes.deletes)),
        *(f"  ~ {path}" for path in sorted(removal.changes.writes)),
        "nothing is removed yet: --yes does it",
    )


def rows(known: Model, read: Callable[[str], bytes]) -> list[Row]:
    """What there is to tell of each environment, in promotion order; `read` gives a file, empty where there is none."""
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
    """Rows below their head, in columns."""
    cells = [{column: column.upper() for column in _COLUMNS} | {"name": "ENVIRONMENT"}]
    cells += [{column: row[column] or "-" for column in _COLUMNS} for row in rows]
    widths = {column: max(len(row[column]) for row in cells) for column in _COLUMNS}
    return tuple("  ".join(f"{row[column]:{widths[column]}}" for column in _COLUMNS).rstrip() for row in cells)


def _airflow(kustomization: bytes) -> str | None:
    """The tag, or the digest, of Airflow's image in a release."""
    try:
        image = images.read(kustomization.decode()).get(images.AIRFLOW)
    except (ValueError, TaxiwayError):  # validate says what is wrong with it
        return None
    return (image.tag or image.digest) if image else None


def _own_files(known: Model, new: Environment, after: str, source: Tree, sealed: Tree) -> Tree:
    """What `init` writes for an environment, without what comes with a release."""
    # A model of two: the work must not grow with the number of environments.
    pair = replace(known, environments=(known.find(after), new))
    planned = plan.plan(source, pair, {new.name: sealed, after: Tree()})
    carried = tuple(f"{new.overlay}/{folder}/" for folder in (FOLDER, "base"))
    return Tree(
        {
            path: data
            for path, data in planned.items()
            if (path.startswith(f"{new.overlay}/") and not path.startswith(carried)) or path == new.sync_file
        }
    )


def _check_room(tree: Tree, new: Environment) -> None:
    prefix = f"{new.overlay}/"
    there = sorted(path for path in tree.files if path.startswith(prefix) or path == new.sync_file)
    raise_all(
        BadTarget(f"{path} is in the way", hint="git rm it, and commit, or choose another name") for path in there[:5]
    )


def _readme(tree: Tree, known: Model, wanted: Model) -> dict[str, bytes]:
    """The runbook for the new environments; nothing where it is not as taxiway wrote it, for then it is the user's."""
    if tree.files.get(README) != readme.render(known):
        return {}
    return {README: readme.render(wanted)}
