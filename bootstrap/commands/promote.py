"""`taxiway promote`: carry the release of one environment into the next one, as a pull request."""

import shlex
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from bootstrap.commands._change import join_results, make_change
from bootstrap.commands._preview import preview_change
from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.config import model
from bootstrap.config.model import Environment
from bootstrap.core.errors import TaxiwayError, attempt, raise_all
from bootstrap.core.result import Progress, Result
from bootstrap.promotion import plan as promotion
from bootstrap.promotion.merge import Part
from bootstrap.pullrequests import release_history
from bootstrap.pullrequests.base_commit import BaseCommit
from bootstrap.pullrequests.preview import Preview
from bootstrap.pullrequests.record import ChangeKind, ChangeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to promote: `names` are a source and a target, or a target alone, whose source is its predecessor.

    With `chain`, every environment but the first is a target. With `reference`, the source's release at that commit.
    """

    directory: Path
    names: tuple[str, ...] = ()
    chain: bool = False
    only: frozenset[Part] = frozenset(Part)
    pin: str | None = None
    reference: str | None = None
    options: ChangeOptions


def run(request: Request, *, progress: Progress) -> Result:
    """Promote, one pull request for each step. Raises the problems of all steps at once; then nothing is pushed."""
    session = Session.open(request.directory, progress)
    steps = promotion.steps(session.model, request.names, chain=request.chain)
    if not request.chain:
        source, target = steps[0]
        raise_all(promotion.refusals(session.model, source.name, target.name))
    overlays = dict.fromkeys(environment.overlay for step in steps for environment in step)
    base = session.base(("clusters", model.PATH, "base", *overlays), request.options, clean=True)
    errors: list[TaxiwayError] = []
    previews = [attempt(errors, partial(_preview, session, base, *step, request), None) for step in steps]
    raise_all(errors)
    return join_results([make_change(session, base, preview, request.options) for preview in previews if preview])


def _preview(session: Session, base: BaseCommit, source: Environment, target: Environment, request: Request) -> Preview:
    """Preview one step. Raises all of its problems at once."""
    plan = release_history.plan_promotion(
        base, source, target, only=request.only, pin=request.pin, reference=request.reference
    )
    preview = preview_change(
        session,
        base,
        plan,
        ChangeRef(kind=ChangeKind.PROMOTE, source=source.name, target=target.name),
        command=_command(request, source, target),
        refusals=promotion.refusals(base.model, source.name, target.name, plan),
        notes=promotion.remarks(base.model, source.name, target.name),
        parts=tuple(sorted(request.only)),
        pin=request.pin,
    )
    raise_all(preview.problems)
    return preview


def _command(request: Request, source: Environment, target: Environment) -> str:
    options = [("--only", part.value) for part in sorted(request.only) if len(request.only) < len(Part)]
    options += [(name, value) for name, value in (("--pin", request.pin), ("--from", request.reference)) if value]
    return shlex.join(["taxiway", "promote", source.name, target.name, *chain(*options), "--dry-run"])
