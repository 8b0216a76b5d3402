"""Release history of an environment in Git: the ancestors of its parts, and its earlier releases."""

from bootstrap.config import model
from bootstrap.config.model import Environment
from bootstrap.core.errors import BadOption
from bootstrap.promotion import plan as promotion
from bootstrap.promotion.merge import Part
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests.base_commit import BaseCommit
from bootstrap.pullrequests.record import Ancestor, ancestors, release_paths


def plan_promotion(
    base: BaseCommit,
    source: Environment,
    target: Environment,
    *,
    only: frozenset[Part],
    pin: str | None,
    reference: str | None,
) -> Plan:
    """Plan a promotion on a base commit, each part with its ancestor from the history; see `promotion.plan`.

    With a `reference`, the source's release at that commit. Raises BadOption where the source did not exist there.
    """
    before = base.tree(model.PATH, "base", source.overlay, target.overlay)
    older = base.at(reference).tree("base", source.overlay) if reference else None
    if older is not None and f"{source.overlay}/kustomization.yaml" not in older:
        raise BadOption(f"environment {source.name!r} was not there yet at {reference}")
    by_part = _ancestors(base, source, target)
    groups: dict[Ancestor | None, set[Part]] = {}
    for part in sorted(only):
        groups.setdefault(by_part.get(part), set()).add(part)
    tree, plans = before, []
    for ancestor, parts in groups.items():
        known = [
            environment
            for environment in base.model.environments
            if ancestor and environment.name == ancestor.environment
        ]
        plan = promotion.plan(
            tree,
            base.model,
            source.name,
            target.name,
            only=frozenset(parts),
            pin=pin if Part.IMAGES in parts else None,
            older=older,
            ancestor=base.at(ancestor.commit).tree("base", known[0].overlay) if ancestor and known else None,
            ancestor_of=ancestor.environment if ancestor and known else None,
        )
        tree = plan.changes.apply(tree)
        plans.append(plan)
    return Plan.joined(before, tree, plans)


def earlier_commit(base: BaseCommit, environment: Environment, steps: int) -> str:
    """The commit before the last `steps` changes of an environment's release; BadOption where there are fewer."""
    overlay = environment.overlay
    pinned = bool(base.tree(overlay).under(f"{overlay}/base"))
    parents = base.parents(
        f"{overlay}/release", f"{overlay}/base" if pinned else "base", f"{overlay}/kustomization.yaml"
    )
    if steps < 1 or len(parents) <= steps:
        raise BadOption(
            f"{environment.name} has no release {steps} step{'s' * (steps != 1)} back: its release changed "
            f"{max(len(parents) - 1, 0)} times since it was made",
            hint=f"git log -- {overlay}/release shows each; --to COMMIT names one",
        )
    return parents[steps - 1]


def _ancestors(base: BaseCommit, source: Environment, target: Environment) -> dict[Part, Ancestor]:
    """The ancestor of each part of the target's release: from the records, else the commit that created the target."""
    history = base.history(*release_paths(target.overlay))
    if not history:
        return {}
    (last, newest), (start, _) = history[0], history[-1]
    result = dict.fromkeys(Part, Ancestor(commit=start, environment=target.name))
    result |= ancestors(target.name, [(commit, record) for commit, record in history if record])
    # A forge may merge with a message of its own, without the record. A commit after which the target is in step with
    # the source was a promotion all the same.
    if newest is None:
        tree = base.at(last).tree("base", source.overlay, target.overlay)
        if promotion.in_step(tree, source, target):
            result = dict.fromkeys(Part, Ancestor(commit=last, environment=target.name))
    return result
