"""`taxiway hold` and `taxiway unhold`: stop and resume promotions into an environment."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bootstrap.commands._session import Session
from bootstrap.config import edit, model
from bootstrap.config.hold import Hold
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadOption
from bootstrap.core.escaping import commit_line
from bootstrap.core.result import Progress, Result
from bootstrap.gitrepo import commit as local_commit
from bootstrap.gitrepo import repository
from bootstrap.pullrequests import base_commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The environment, and the reason of its hold; None ends the hold."""

    directory: Path
    environment: str
    reason: str | None = None


def run(request: Request, *, progress: Progress) -> Result:
    """Set or remove the hold in taxiway.yaml, and commit it."""
    session = Session.open(request.directory, progress)
    base = base_commit.head(session.top)
    environment = base.model.find(request.environment)
    hold: Hold | None = None
    if request.reason is not None:
        if not request.reason.strip():
            raise BadOption("a hold needs a reason", hint="say why, with --reason")
        hold = Hold(reason=request.reason.strip(), author=repository.author(base.top), date=date.today().isoformat())
    current = environment.hold
    data = {"environment": environment.name, "hold": dict(hold.fields) if hold else None}
    if (current and current.reason) == (hold and hold.reason):
        state = f"on hold: {current}" if current else "not on hold"
        return Result(status="unchanged", data=data, lines=(f"{environment.name} is {state}; unchanged",))
    text = edit.hold(base.tree(model.PATH)[model.PATH], base.model, environment.name, hold)
    message = f"Hold {environment.name}: {hold.reason}" if hold else f"Unhold {environment.name}"
    with progress("committing"):
        commit = local_commit.commit(base.top, ChangeSet(writes={model.PATH: text}), commit_line(message))
    state = f"on hold: {hold}" if hold else "open for promotions again"
    return Result(
        status="committed",
        data={**data, "commit": commit},
        lines=(f"{environment.name} is {state}", f"committed {commit[:12]}; push it, so that others see it"),
    )
