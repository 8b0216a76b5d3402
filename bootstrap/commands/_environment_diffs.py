"""Rendered differences of environments: between two states of the repo, or between two environments of one state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bootstrap.config import model
from bootstrap.config.model import Environment
from bootstrap.config.parts import part_of
from bootstrap.diff import environment_diff, ownership
from bootstrap.diff.consequences import Consequence, repository
from bootstrap.diff.consequences.repository import State
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.gitrepo import reading
from bootstrap.gitrepo.environment_repo import Checkout
from bootstrap.gitrepo.snapshot import Snapshot, files_of
from bootstrap.kubernetes import objects
from bootstrap.kustomize.builder import Builder

Side = tuple[Snapshot, str]  # a state of the repo, and the overlay to build there


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The two builds to compare. A side is None where the environment does not exist or does not differ.

    `between` is true for two environments of one state; `own` are then the settings that each has for itself (None:
    compare all). `beside` are consequences of files that are not rendered.
    """

    name: str
    before: Side | None = None
    after: Side | None = None
    between: bool = False
    own: frozenset[str] | None = None
    beside: tuple[Consequence, ...] = ()


def over_time(
    builder: Builder, old: Checkout, before: Snapshot, new: Checkout, after: Snapshot, names: Sequence[str]
) -> Iterator[Sides]:
    """The comparisons of the named environments, or of all, between the repo `before` and `after` a change."""
    known = {environment.name: environment for environment in (*old.model.environments, *new.model.environments)}
    chosen = new.select(names) if names else tuple(known.values())
    was, will = ({environment.name for environment in side.model.environments} for side in (old, new))
    differing = {
        environment.overlay: environment.name not in was or _differs(before, after, environment.overlay)
        for environment in chosen
    }
    beside = repository.consequences(_state(old, before), _state(new, after), lambda part: differing.get(part, False))
    if model.PATH in beside:
        yield Sides(name=model.PATH, beside=beside[model.PATH])
    for environment in chosen:
        name, overlay = environment.name, environment.overlay
        differs = builder.differ(before, after, overlay)
        yield Sides(
            name=name,
            before=(before, overlay) if differs and name in was else None,
            after=(after, overlay) if differs and name in will else None,
            beside=beside.get(name, ()),
        )


def between(checkout: Checkout, names: tuple[str, str], *, everything: bool) -> Sides:
    """The comparison of two environments as they are now, without what each one owns unless `everything`."""
    left, right = (checkout.select([name])[0] for name in names)
    snapshot = checkout.snapshot((left, right))
    return Sides(
        name=f"{left.name} → {right.name}",
        before=(snapshot, left.overlay),
        after=(snapshot, right.overlay),
        between=True,
        own=None if everything else _own_settings(checkout, left) | _own_settings(checkout, right),
    )


def compare(builder: Builder, comparisons: Sequence[Sides]) -> list[EnvironmentDiff]:
    """Build all sides and compare them object by object. Raises BuildFailed for the first that does not build."""
    texts = iter(builder.render([side for sides in comparisons for side in (sides.before, sides.after) if side]))
    diffs = []
    for sides in comparisons:
        before, after = (objects.parse(next(texts) if side else b"") for side in (sides.before, sides.after))
        if sides.between:
            diffs.append(environment_diff.between(sides.name, before, after, sides.own))
        else:
            diffs.append(environment_diff.over_time(sides.name, before, after, sides.beside))
    return diffs


def _state(checkout: Checkout, snapshot: Snapshot) -> State:
    return State(model=checkout.model, read=lambda path: files_of(snapshot, str(part_of(path))).get(path, b""))


def _differs(before: Snapshot, after: Snapshot, part: str) -> bool:
    identity = after.object_id(part)
    return identity is None or identity != before.object_id(part)


def _own_settings(checkout: Checkout, environment: Environment) -> frozenset[str]:
    return ownership.settings(reading.read(checkout.top, f"{environment.overlay}/airflow.env") or b"")
