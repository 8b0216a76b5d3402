"""The steps of a promotion: each is planned, tried out and offered, or none of them is."""

from collections.abc import Sequence
from functools import partial

from bootstrap.commands import proposing
from bootstrap.commands.promote import Request
from bootstrap.commands.proposing import Proposed, Tried
from bootstrap.config import model
from bootstrap.config.model import Environment, Model
from bootstrap.core.errors import BadOption, TaxiwayError, attempt, raise_all
from bootstrap.core.result import Progress, Result
from bootstrap.kustomize.builder import Builder
from bootstrap.promotion import plan as promotion
from bootstrap.promotion.plan import ChangeSet, Part, Plan
from bootstrap.pullrequests import record
from bootstrap.pullrequests.base_commit import Ground
from bootstrap.pullrequests.record import Kind, Origin, Route, lineage

Step = tuple[Environment, Environment]


def check(known: Model, source: Environment, target: Environment) -> None:
    """Raise every reason why nothing at all may be carried this way."""
    raise_all(promotion.refusals(known, source.name, target.name))


def run(ground: Ground, builder: Builder, steps: Sequence[Step], request: Request, *, progress: Progress) -> Result:
    """Carry each release; a pull request a step. What is in step already is left as it is.

    Raises every reason against any of the steps at once; then nothing is pushed.
    """
    # No step is offered before all of them may be.
    errors: list[TaxiwayError] = []
    tried = [attempt(errors, partial(_step, ground, builder, *step, request, progress), None) for step in steps]
    raise_all(errors)
    finish = partial(proposing.conclude, ground, wishes=request.wishes, dry_run=request.dry_run, progress=progress)
    return proposing.joined([finish(tried=each) for each in tried if each])


def _step(
    ground: Ground,
    builder: Builder,
    source: Environment,
    target: Environment,
    request: Request,
    progress: Progress,
) -> Tried:
    planned = _plan(ground, source, target, request)
    pin = f" --pin {request.pin}" if request.pin else ""
    proposed = Proposed(
        route=Route(kind=Kind.PROMOTE, source=source.name, target=target.name),
        planned=planned,
        after=ground.known,
        reasons=tuple(promotion.refusals(ground.known, source.name, target.name, planned)),
        notes=promotion.remarks(ground.known, source.name, target.name),
        command=f"taxiway promote {source.name} {target.name}{pin} --dry-run",
        parts=tuple(sorted(request.only)),
        pin=request.pin,
    )
    return proposing.try_out(ground, proposed, builder, progress=progress)


def _plan(ground: Ground, source: Environment, target: Environment, request: Request) -> Plan:
    """The plan, part by part: each has its own last common state."""
    before = ground.tree(model.PATH, "base", source.overlay, target.overlay)
    older = ground.at(request.reference).tree("base", source.overlay) if request.reference else None
    if older is not None and f"{source.overlay}/kustomization.yaml" not in older:
        raise BadOption(f"environment {source.name!r} was not there yet at {request.reference}")
    origins = _origins(ground, source, target)
    tree, plans = before, []
    groups: dict[Origin | None, set[Part]] = {}
    for part in sorted(request.only):
        groups.setdefault(origins.get(part), set()).add(part)
    for origin, parts in groups.items():
        common = [each for each in ground.known.environments if origin and each.name == origin.environment]
        plan = promotion.plan(
            tree,
            ground.known,
            source.name,
            target.name,
            only=frozenset(parts),
            pin=request.pin if Part.IMAGES in parts else None,
            older=older,
            ancestor=ground.at(origin.commit).tree("base", common[0].overlay) if origin and common else None,
            ancestor_of=origin.environment if origin and common else None,
        )
        tree = plan.changes.apply(tree)
        plans.append(plan)
    return Plan(
        changes=ChangeSet.between(before, tree),
        moved=tuple(each for plan in plans for each in plan.moved),
        kept=tuple(each for plan in plans for each in plan.kept),
        conflicts=tuple(each for plan in plans for each in plan.conflicts),
    )


def _origins(ground: Ground, source: Environment, target: Environment) -> dict[Part, Origin]:
    """Where each part of the target's release came from: as the records tell, else the commit that it began with."""
    history = ground.history(*record.written(target.overlay))
    if not history:
        return {}
    (last, newest), (start, _) = history[0], history[-1]
    found = dict.fromkeys(Part, Origin(commit=start, environment=target.name))
    found |= lineage(target.name, [(commit, block) for commit, block in history if block])
    # A forge may merge under a message of its own. What brought the target in step was a promotion all the same.
    if newest is None:
        tree = ground.at(last).tree("base", source.overlay, target.overlay)
        if promotion.in_step(tree, source, target):
            found = dict.fromkeys(Part, Origin(commit=last, environment=target.name))
    return found
