"""`taxiway set`: change values of one environment, as a commit or as a pull request."""

from dataclasses import dataclass
from pathlib import Path

from bootstrap.commands._change import make_change
from bootstrap.commands._preview import preview_change
from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.core.result import Progress, Result
from bootstrap.promotion import edits
from bootstrap.promotion import plan as promotion
from bootstrap.promotion.edits import Edit
from bootstrap.pullrequests.record import ChangeKind, ChangeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The edits to make, in one environment (None: the first); `command` is the command line that makes them."""

    directory: Path
    edits: tuple[Edit, ...]
    command: str
    environment: str | None = None
    options: ChangeOptions


def run(request: Request, *, progress: Progress) -> Result:
    """Make the edits."""
    session = Session.open(request.directory, progress)
    name = session.model.find(request.environment or session.model.environments[0].name).name
    folders = promotion.folders(session.model, name)
    base = session.base(folders, request.options)
    plan = edits.plan(base.tree(*folders), base.model.find(name), request.edits)
    ref = ChangeRef(kind=ChangeKind.SET, target=name)
    preview = preview_change(session, base, plan, ref, command=f"{request.command} --dry-run")
    return make_change(session, base, preview, request.options)
