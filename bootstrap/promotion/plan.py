"""What a promotion does: the release of one environment into another, field by field.

Carried are the folder `release/` (images with tag and digest, DAG reference, shared settings, replacements), the base
and the list of its components. The environment's own stay byte for byte: `airflow.env`, `patches/`, `secrets/`,
`namespace.yaml`, all of `kustomization.yaml` but its list of components, and in that list `ingress`,
`external-database`, `external-object-store`, `generated-secrets` and `debug-logging` (see `release.OWN_COMPONENTS`).

The functions look at no other overlay: give them a tree of the folders that `folders` names, not of the whole repo.
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
from bootstrap.promotion.release_merge import Merge
from bootstrap.yamltools.text import editing

__all__ = [
    "ALL", "ChangeSet", "Conflict", "Kept", "Move", "Part", "Plan", "downgrade", "folders", "plan", "refusals",
    "remarks", "steps",
]  # fmt: skip

ALL = frozenset(Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to write, what moves by it, what stays as the target's own choice, and what nobody may guess.

    With conflicts it is a plan to show, not to carry out. Empty `changes` mean "unchanged".
    """

    changes: ChangeSet
    moved: tuple[Move, ...] = ()
    kept: tuple[Kept, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @classmethod
    def joined(cls, before: Tree, after: Tree, plans: Sequence["Plan"]) -> "Plan":
        """Plans that were made one upon the other, as one: from the tree before the first to that after the last."""
        return cls(
            changes=ChangeSet.between(before, after),
            moved=tuple(move for plan in plans for move in plan.moved),
            kept=tuple(kept for plan in plans for kept in plan.kept),
            conflicts=tuple(conflict for plan in plans for conflict in plan.conflicts),
        )


def folders(known: Model, *names: str) -> tuple[str, ...]:
    """The paths that a plan about these environments reads."""
    return (model.PATH, "base", *(known.find(name).overlay for name in names))


def steps(known: Model, names: Sequence[str], *, chain: bool) -> list[tuple[Environment, Environment]]:
    """The sources and targets: of a `chain` each environment and the next, else of one source and target.

    A target alone takes from its predecessor. Raises BadOption for an unknown name, and a wrong number of names.
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
    """Carry the release of `source`, in `tree` or in an `older` one, into `target`.

    `ancestor` is the tree in which the target was last in step: with the release of `ancestor_of` (by default the
    source) in it. After a promotion that is the tree that it was made from; after one with a pin, and after a
    rollback, the tree that it made, with `ancestor_of` the target. Where only some parts were carried since, plan each
    part by itself, one on what the other made. Without an ancestor the source's release counts as a whole. The base
    of an environment that runs `base/` itself stays as it is.

    `pin` is the Airflow image's tag in place of the source's. RELEASE, the id that the Jobs are named after, follows
    the images and Jobs: where they change it does, and where they are not all the source's it is an id of its own.

    Raises BadOption for an unknown environment and a bad tag, BadTarget where a file can't be read or edited.
    """
    ours = release.of(tree, known.find(target))
    theirs = release.of(older if older is not None else tree, known.find(source))
    base = _ancestor(known, ancestor, ancestor_of or source)
    if pin is not None:
        theirs = _pinned(theirs, pin)
    merge = Merge(ours=ours, theirs=theirs, base=base, only=only, pinned=pin is not None, with_base=ours.is_pinned)
    changes = merge.changes()
    done = merge.ledger
    return Plan(changes=changes, moved=tuple(done.moved), kept=tuple(done.kept), conflicts=tuple(done.conflicts))


def _ancestor(known: Model, tree: Tree | None, name: str) -> Release | None:
    environment = known.find(name)
    if tree is None or f"{environment.overlay}/kustomization.yaml" not in tree:
        return None
    return release.of(tree, environment)


def _pinned(theirs: Release, pin: str) -> Release:
    with editing(theirs.at(KUSTOMIZATION)):
        text = theirs.text(KUSTOMIZATION)
        image = theirs.images().get(images.AIRFLOW) or Image(repository=images.AIRFLOW)
        text = images.put(text, images.AIRFLOW, image.tagged(pin))
    return replace(theirs, files=Tree({**theirs.files, KUSTOMIZATION: text.encode()}))


def in_step(tree: Tree, source: Environment, target: Environment) -> bool:
    """Whether two environments have the very same release; not so where one of them is not there."""
    if any(f"{each.overlay}/kustomization.yaml" not in tree for each in (source, target)):
        return False
    one, other = release.of(tree, source), release.of(tree, target)
    return (one.files, one.base, one.components) == (other.files, other.base, other.components)


def refusals(known: Model, source: str, target: str, planned: Plan | None = None) -> list[TaxiwayError]:
    """Every reason why this promotion can't be carried out, each with what to do; the plan's own where one is given."""
    names = [each.name for each in known.environments]
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
        errors.extend(_conflict(each) for each in planned.conflicts)
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
    """What is unusual about a route, and no reason to refuse it."""
    names = [each.name for each in known.environments]
    start, end = names.index(source), names.index(target)
    if end < start:
        return (f"{target} comes before {source} in promotion order",)
    if skipped := names[start + 1 : end]:
        return (f"{', '.join(skipped)} is skipped" if len(skipped) == 1 else f"{', '.join(skipped)} are skipped",)
    return ()


def downgrade(planned: Plan) -> tuple[str, str] | None:
    """Airflow's image before and after, where the plan goes back to an older version of it."""
    for each in planned.moved:
        if each.field == images.AIRFLOW and each.part is Part.IMAGES and each.before and each.after:
            before, after = settings.release(each.before), settings.release(each.after)
            if before and after and after < before:
                return each.before, each.after
    return None


def _conflict(each: Conflict) -> TaxiwayError:
    return BadTarget(
        f"both sides changed {each}",
        hint="make the target's the source's by hand, or keep it apart for good in the overlay's own files",
    )
