"""`taxiway rollback`: restore an earlier release of an environment and put it on hold, as a pull request."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bootstrap.commands._change import make_change
from bootstrap.commands._preview import preview_change
from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.config import model
from bootstrap.config.hold import Hold
from bootstrap.config.model import Model
from bootstrap.core.result import Progress, Result
from bootstrap.gitrepo import repository
from bootstrap.promotion import plan as promotion
from bootstrap.promotion import rollback
from bootstrap.pullrequests import release_history
from bootstrap.pullrequests.record import ChangeKind, ChangeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The environment, and its release to restore: at the commit `reference`, else `steps` changes of it ago."""

    directory: Path
    environment: str
    reference: str | None = None
    steps: int = 1
    reason: str | None = None
    options: ChangeOptions


def run(request: Request, *, progress: Progress) -> Result:
    """Restore the release of an earlier commit; secrets and the environment's own settings stay."""
    session = Session.open(request.directory, progress)
    folders = promotion.folders(session.model, request.environment)
    base = session.base(folders, request.options, clean=True)
    environment = base.model.find(request.environment)
    earlier = base.at(request.reference or release_history.earlier_commit(base, environment, request.steps))
    short = earlier.commit[:12]
    reason = request.reason or f"rolled back to {short}"
    hold = Hold(reason=reason, author=repository.author(session.top), date=date.today().isoformat())
    plan = rollback.plan(base.tree(*folders), base.model, environment.name, earlier.tree(*folders), hold)
    text = plan.changes.writes.get(model.PATH)
    preview = preview_change(
        session,
        base,
        plan,
        ChangeRef(kind=ChangeKind.ROLLBACK, target=environment.name),
        command=f"taxiway rollback {environment.name} --to {short} --dry-run",
        after=Model.parse(text) if text else None,
        notes=rollback.remarks(plan, environment.name),
    )
    return make_change(session, base, preview, request.options)
