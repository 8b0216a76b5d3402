"""`taxiway promote`: the release of one environment into the next one, as one pull request."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bootstrap.commands._change import joined, make
from bootstrap.commands._preview import preview
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
    """What to promote where: `names` are a source and a target, or a target alone, which takes from its predecessor.

    With `chain`, each environment takes from its predecessor. `reference` is a commit whose source is promoted.
    """

    directory: Path
    names: tuple[str, ...] = ()
    chain: bool = False
    only: frozenset[Part] = frozenset(Part)
    pin: str | None = None
    reference: str | None = None
    options: ChangeOptions


def run(request: Request, *, progress: Progress) -> Result:
    """Promote each release; a pull request a step. What is in step already is left as it is.

    Raises every reason against any of the steps at once; then nothing is pushed.
    """
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
    return joined([make(session, base, previewed, request.options) for previewed in previews if previewed])


def _preview(session: Session, base: BaseCommit, source: Environment, target: Environment, request: Request) -> Preview:
    """One step. Raises every reason against it."""
    plan = release_history.plan_promotion(
        base, source, target, only=request.only, pin=request.pin, reference=request.reference
    )
    pin = f" --pin {request.pin}" if request.pin else ""
    previewed = preview(
        session,
        base,
        plan,
        ChangeRef(kind=ChangeKind.PROMOTE, source=source.name, target=target.name),
        command=f"taxiway promote {source.name} {target.name}{pin} --dry-run",
        refusals=promotion.refusals(base.model, source.name, target.name, plan),
        notes=promotion.remarks(base.model, source.name, target.name),
        parts=tuple(sorted(request.only)),
        pin=request.pin,
    )
    raise_all(previewed.problems)
    return previewed
