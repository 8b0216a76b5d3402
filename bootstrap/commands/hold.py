"""`taxiway hold` and `taxiway unhold`: nothing is promoted into an environment that is on hold."""

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
    """Which environment; without a reason, its hold ends."""

    directory: Path
    environment: str
    reason: str | None = None


def run(request: Request, *, progress: Progress) -> Result:
    """Write the hold into taxiway.yaml, or take it out, in a commit of its own."""
    session = Session.open(request.directory, progress)
    base = base_commit.head(session.top)
    environment = base.model.find(request.environment)
    wanted: Hold | None = None
    if request.reason is not None:
        if not request.reason.strip():
            raise BadOption("a hold needs a reason", hint="say why, with --reason")
        wanted = Hold(reason=request.reason.strip(), author=repository.author(base.top), date=date.today().isoformat())
    now = environment.hold
    data = {"environment": environment.name, "hold": dict(wanted.fields) if wanted else None}
    if (now and now.reason) == (wanted and wanted.reason):
        said = f"on hold: {now}" if now else "not on hold"
        return Result(status="unchanged", data=data, lines=(f"{environment.name} is {said}; unchanged",))
    text = edit.hold(base.tree(model.PATH)[model.PATH], base.model, environment.name, wanted)
    message = f"Hold {environment.name}: {wanted.reason}" if wanted else f"Unhold {environment.name}"
    with progress("committing"):
        commit = local_commit.commit(base.top, ChangeSet(writes={model.PATH: text}), commit_line(message))
    said = f"on hold: {wanted}" if wanted else "open for promotions again"
    return Result(
        status="committed",
        data={**data, "commit": commit},
        lines=(f"{environment.name} is {said}", f"committed {commit[:12]}; push it, so that others see it"),
    )
