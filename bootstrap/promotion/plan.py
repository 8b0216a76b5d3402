"""Plan of a promotion: the release of one environment is carried into another, field by field.

Carried are the folder `release/` (images with tag and digest, DAG reference, shared settings, replacements), the base,
and the list of its components. What belongs to the environment stays byte for byte: `airflow.env`, `patches/`,
`secrets/`, `namespace.yaml`, and `kustomization.yaml` except for its list of components; in that list, the components
of `release.OWN_COMPONENTS` stay too.

The functions read only the folders that `folders` names, so a tree need not hold the whole repo.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bootstrap.airflow import settings
from bootstrap.config import model
from bootstrap.config.model import Environment, Model
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadOption, BadTarget, TaxiwayError
from bootstrap.core.image import Image
from bootstrap.core.tree import Tree
from bootstrap.promotion import images, release
from bootstrap.promotion.merge import Conflict, Kept, Move, Part
from bootstrap.promotion.release import KUSTOMIZATION, Release
from bootstrap.promotion.release_merge import ReleaseMerge
from bootstrap.yamltools.text import editing

ALL = frozenset(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Planned change of an environment: the files to write, and the fields that move, are kept, or are in conflict.

    Empty `changes` mean "unchanged". A plan with conflicts must not be applied.
    """

    changes: ChangeSet
    moved: tuple[Move, ...] = ()
    kept: tuple[Kept, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @classmethod
    def joined(cls, before: Tree, after: Tree, plans: Sequence["Plan"]) -> "Plan":
        """Join successive plans into one, from the tree `before` the first to the tree `after` the last."""
        return cls(
            changes=ChangeSet.between(before, after),
            moved=tuple(move for plan in plans for move in plan.moved),
            kept=tuple(kept for plan in plans for kept in plan.kept),
            conflicts=tuple(conflict for plan in plans for conflict in plan.conflicts),
        )


def folders(known: Model, *names: str) -> tuple[str, ...]:
    """The paths that a plan for these environments reads."""
    return (model.PATH, "base", *(known.find(name).overlay for name in names))


def steps(known: Model, names: Sequence[str], *, chain: bool) -> list[tuple[Environment, Environment]]:
    """The (source, target) pairs to promote: with `chain` every environment and its successor, else one pair.

    `names` are a source and a target, or a target alone, whose source is its predecessor. Raises BadOption for an
    unknown name and for a wrong number of names.
    """
    environments = known.environments
    if chain:
        if names or len(environments) == 1:
            raise BadOption("--all takes no names, and two environments at least", hint="taxiway env list shows them")
        return list(itertools.pairwise(environments))
    if len(names) not in (1, 2):
        raise BadOption("a promotion needs a target", hint="taxiway promote SOURCE TARGET, promote TARGET, or --all")
    chosen = [known.find(name) for name in names]
    target = chosen[-1]
    return [(chosen[0] if len(chosen) == 2 else environments[environments.index(target) - 1], target)]


def plan(
    tree: Tree,
    known: Model,
    source: str,
    target: str,
    *,
    only: frozenset[Part] = ALL,
    pin: str | None = None,
    older: Tree | None = None,
    ancestor: Tree | None = None,
    ancestor_of: str | None = None,
) -> Plan:
    """Plan to carry the release of `source`, as in `tree` or in an `older` one, into `target`.

    `ancestor` is the merge base: the tree in which the target was last in step with the release of `ancestor_of` (by
    default the source). After a promotion that is the tree that it was made from; after a promotion with a pin, or a
    rollback, the tree that it made, with the target as `ancestor_of`. Where parts have different ancestors, plan each
    part by itself, on the tree that the plan before it makes. Without an ancestor, every difference is carried. The
    base of an environment that runs `base/` itself is never changed.

    `pin` replaces the tag of the source's Airflow image. RELEASE, the id in the names of the Jobs, changes with the
    images and Jobs; where these are not all the source's, it becomes an id of its own.

    Raises BadOption for an unknown environment or a bad tag, BadTarget where a file can't be read or edited.
    """
    ours = release.load(tree, known.find(target))
    theirs = release.load(older if older is not None else tree, known.find(source))
    base = _ancestor(known, ancestor, ancestor_of or source)
    if pin is not None:
        theirs = _pinned(theirs, pin)
    merge = ReleaseMerge(
        ours=ours, theirs=theirs, base=base, only=only, pinned=pin is not None, with_base=ours.is_pinned
    )
    changes = merge.changes()
    made = merge.decisions
    return Plan(changes=changes, moved=tuple(made.moved), kept=tuple(made.kept), conflicts=tuple(made.conflicts))


def _ancestor(known: Model, tree: Tree | None, name: str) -> Release | None:
    environment = known.find(name)
    if tree is None or f"{environment.overlay}/kustomization.yaml" not in tree:
        return None
    return release.load(tree, environment)


def _pinned(theirs: Release, pin: str) -> Release:
    with editing(theirs.at(KUSTOMIZATION)):
        text = theirs.text(KUSTOMIZATION)
        image = theirs.images().get(images.AIRFLOW) or Image(repository=images.AIRFLOW)
        text = images.put(text, images.AIRFLOW, image.tagged(pin))
    return replace(theirs, files=Tree({**theirs.files, KUSTOMIZATION: text.encode()}))


def in_step(tree: Tree, source: Environment, target: Environment) -> bool:
    """Whether two environments have the same release; False where one of them does not exist."""
    if any(f"{environment.overlay}/kustomization.yaml" not in tree for environment in (source, target)):
        return False
    one, other = release.load(tree, source), release.load(tree, target)
    return (one.files, one.base, one.components) == (other.files, other.base, other.components)


def refusals(known: Model, source: str, target: str, planned: Plan | None = None) -> list[TaxiwayError]:
    """Every reason to refuse a promotion; with a plan, its conflicts and a downgrade of Airflow too."""
    names = [environment.name for environment in known.environments]
    if unknown := [name for name in dict.fromkeys((source, target)) if name not in names]:
        return [
            BadOption(f"environment {name!r} is not in {model.PATH}", hint=f"known: {', '.join(names)}")
            for name in unknown
        ]
    errors: list[TaxiwayError] = []
    if source == target:
        errors.append(BadOption(f"{source!r} can't be promoted into itself", hint=f"known: {', '.join(names)}"))
    elif target == names[0]:
        errors.append(
            BadTarget(
                f"nothing is promoted into {target!r}, the first environment: it runs base/ as it is",
                hint="change it there, or with: taxiway set image|dags|config",
            )
        )
    if hold := known.find(target).hold:
        errors.append(BadTarget(f"{target} is on hold: {hold}", hint=f"taxiway unhold {target}"))
    if planned is not None:
        errors.extend(map(_conflict_error, planned.conflicts))
        if down := downgrade(planned):
            errors.append(
                BadTarget(
                    f"{target} would go from {down[0]} back to {down[1]}, which can't read a newer database",
                    hint="promote a newer release, or go back on purpose: taxiway rollback "
                    f"{target}, after `airflow db downgrade` or from a backup",
                )
            )
    return errors


def remarks(known: Model, source: str, target: str) -> tuple[str, ...]:
    """Remarks for the reviewer: a promotion that skips environments or goes backwards."""
    names = [environment.name for environment in known.environments]
    start, end = names.index(source), names.index(target)
    if end < start:
        return (f"{target} comes before {source} in promotion order",)
    if skipped := names[start + 1 : end]:
        return (f"{', '.join(skipped)} is skipped" if len(skipped) == 1 else f"{', '.join(skipped)} are skipped",)
    return ()


def downgrade(planned: Plan) -> tuple[str, str] | None:
    """Airflow's image before and after, where the plan goes to an older version; else None."""
    for move in planned.moved:
        if move.field == images.AIRFLOW and move.part is Part.IMAGES and move.before and move.after:
            before, after = settings.parse_release(move.before), settings.parse_release(move.after)
            if before and after and after < before:
                return move.before, move.after
    return None


def _conflict_error(conflict: Conflict) -> TaxiwayError:
    return BadTarget(
        f"both sides changed {conflict}",
        hint="make the target's the source's by hand, or keep it apart for good in the overlay's own files",
    )
