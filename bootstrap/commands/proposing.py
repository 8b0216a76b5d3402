"""What promote, rollback, set and env have in common: a plan is tried out, told, and becomes a pull request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bootstrap import __version__, trial
from bootstrap.config.model import Model
from bootstrap.core.errors import TaxiwayError, raise_all
from bootstrap.core.escaping import visible
from bootstrap.core.result import Progress, Result
from bootstrap.diff import formats
from bootstrap.diff.consequences import Effect
from bootstrap.forges.hosting import BODY_LIMITS
from bootstrap.forges.pull_request import PullRequestOptions
from bootstrap.gitrepo import commit
from bootstrap.kustomize.builder import Builder
from bootstrap.promotion import release
from bootstrap.promotion.merge import Part
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests import description, publish
from bootstrap.pullrequests.base_commit import Ground
from bootstrap.pullrequests.description import Description
from bootstrap.pullrequests.publish import Offered
from bootstrap.pullrequests.record import Block, Kind, Route
from bootstrap.system import files
from bootstrap.trial import Trial

_ROOM_FOR_ALL = 2**31


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A change that is planned: `after` is taxiway.yaml as it will be, `reasons` speak against it.

    `command` shows all of it; `notes` are for the reviewer.
    """

    route: Route
    planned: Plan
    after: Model
    command: str
    reasons: tuple[TaxiwayError, ...] = ()
    notes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = tuple(Part)
    pin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A change that may be offered: tried out and described; None where there is nothing to do."""

    proposed: Proposed
    described: Description | None


def run(
    ground: Ground,
    proposed: Proposed,
    wishes: PullRequestOptions,
    builder: Builder,
    *,
    dry_run: bool,
    progress: Progress,
) -> Result:
    """Try the change out, and offer it. Raises every reason against it at once, before anything is pushed."""
    tried = try_out(ground, proposed, builder, progress=progress)
    return conclude(ground, tried, wishes, dry_run=dry_run, progress=progress)


def carry_out(
    ground: Ground,
    proposed: Proposed,
    wishes: PullRequestOptions | None,
    builder: Builder,
    *,
    dry_run: bool,
    progress: Progress,
) -> Result:
    """Try the change out, and offer it; without wishes, commit it on the branch that is checked out."""
    if wishes or dry_run:
        return run(ground, proposed, wishes or PullRequestOptions(), builder, dry_run=dry_run, progress=progress)
    return here(ground, proposed, builder, progress=progress)


def try_out(ground: Ground, proposed: Proposed, builder: Builder, *, progress: Progress) -> Tried:
    """Try the change out. Raises every reason against it at once; nothing is written."""
    planned = proposed.planned
    nothing = not planned.changes and not planned.conflicts
    return Tried(proposed=proposed, described=None if nothing else _tried(ground, proposed, builder, progress))


def conclude(ground: Ground, tried: Tried, wishes: PullRequestOptions, *, dry_run: bool, progress: Progress) -> Result:
    """Offer what was tried out; for a dry run, tell it."""
    described = tried.described
    route, planned = tried.proposed.route, tried.proposed.planned
    if described is None:
        notes = () if dry_run else publish.withdraw(ground, route, wishes, progress=progress)
        data: dict[str, Any] = {"kind": route.kind, "source": route.source, "target": route.target, "moved": []}
        return Result(status="unchanged", data=data, lines=(f"{_where(route)}: unchanged",), notes=notes)
    if dry_run:
        return _planned(ground, described)
    offered = publish.make(ground, planned.changes, described, wishes, progress=progress)
    return _offered(described, offered)


def here(ground: Ground, proposed: Proposed, builder: Builder, *, progress: Progress) -> Result:
    """Try the change out, and commit it on the branch that is checked out. Raises every reason against it at once."""
    route, planned = proposed.route, proposed.planned
    if not planned.changes:
        data = {"kind": route.kind, "target": route.target, "moved": []}
        return Result(status="unchanged", data=data, lines=(f"{_where(route)}: unchanged",))
    described = _tried(ground, proposed, builder, progress)
    with progress("committing"):
        made = commit.commit(ground.top, planned.changes, description.message(described))
    lines = (
        description.title(route, planned.moved),
        *_told(described),
        f"committed {made[:12]}; it is synced once it is pushed",
    )
    return Result(status="committed", data={**_data(described), "commit": made}, lines=lines, notes=described.notes)


def joined(results: Sequence[Result]) -> Result:
    """Several steps as one result: changed where one is."""
    if len(results) == 1:
        return results[0]
    status = next((each.status for each in results if each.status != "unchanged"), "unchanged")
    return Result(
        status=status,
        data={"steps": [{"status": each.status, **each.data} for each in results]},
        lines=tuple(line for number, each in enumerate(results) for line in ([""] * (number > 0) + [*each.lines])),
        notes=tuple(note for each in results for note in each.notes),
    )


def _tried(ground: Ground, proposed: Proposed, builder: Builder, progress: Progress) -> Description:
    raise_all(proposed.reasons)
    route, changes = proposed.route, proposed.planned.changes
    files.check(ground.top, changes.writes, changes.deletes)
    with progress("building both sides"):
        tried = trial.run(ground, builder, changes, proposed.after, route.target, route.source)
    raise_all(tried.reasons)
    return _described(ground, proposed, tried)


def _described(ground: Ground, proposed: Proposed, tried: Trial) -> Description:
    block = Block(
        route=proposed.route,
        commit=ground.commit,
        digest=proposed.planned.changes.digest,
        version=__version__,
        parts=proposed.parts,
        pin=proposed.pin,
    )
    return Description(
        known=ground.known,
        planned=proposed.planned,
        block=block,
        diff=tried.diff,
        command=proposed.command,
        notes=(*proposed.notes, *tried.notes),
        dags=_dags(ground, proposed),
    )


def _dags(ground: Ground, proposed: Proposed) -> str:
    """The repository that the environment will take its DAGs from."""
    if all(each.part is not Part.DAGS for each in proposed.planned.moved):
        return ""
    target = proposed.after.find(proposed.route.target)
    side = release.of(proposed.planned.changes.apply(ground.tree(target.overlay)), target)
    return side.settings(release.RELEASE_ENV).get("DAGS_REPOSITORY", "")


def _planned(ground: Ground, described: Description) -> Result:
    text = description.render(described, BODY_LIMITS[ground.known.forge])
    lines = [description.title(described.block.route, described.planned.moved), "", *text.splitlines()]
    if text != description.render(described, _ROOM_FOR_ALL):  # what had no room in the pull request has it here
        lines.extend(("", *formats.lines(described.diff)))
    data = {**_data(described), "body": text, "difference": formats.data(described.diff)}
    return Result(status="planned", data=data, lines=tuple(lines))


def _offered(described: Description, offered: Offered) -> Result:
    status = ("opened" if offered.pull else "pushed") if offered.changed else "unchanged"
    said = description.title(described.block.route, described.planned.moved)
    lines = [said if offered.changed else f"{said}: unchanged"]
    lines.extend(_told(described))
    where = offered.pull.url if offered.pull else f"branch {offered.branch}"
    lines.append(f"{'review and merge' if offered.changed else 'it is open already'}: {where}")
    data = {**_data(described), **publish.described_data(offered)}
    return Result(status=status, data=data, lines=tuple(lines), notes=(*described.notes, *offered.notes))


def _told(described: Description) -> list[str]:
    """What follows, a line each; of an environment that comes or goes as a whole, how large it is, and the worst."""
    told = formats.told(described.diff.consequences)
    whole = described.block.route.kind in (Kind.ADD, Kind.REMOVE)
    shown = [each for each in told if not whole or each.effect in (Effect.SECURITY, Effect.LOST)]
    counted = [f"  {len(described.diff.changes)} objects"] if whole else []
    return [*(visible(f"  {formats.told_line(each)}") for each in shown), *counted]


def _data(described: Description) -> Mapping[str, Any]:
    route = described.block.route
    return {
        "kind": route.kind.value,
        "source": route.source,
        "target": route.target,
        "digest": described.block.digest,
        "moved": [
            {
                "part": each.part.value,
                "path": each.path,
                "field": each.field,
                "before": each.before,
                "after": each.after,
            }
            for each in described.planned.moved
        ],
    }


def _where(route: Route) -> str:
    return f"{route.source} → {route.target}" if route.kind is Kind.PROMOTE else route.target
