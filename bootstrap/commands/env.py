"""`taxiway env remove` and `taxiway env list`."""

from dataclasses import dataclass, replace
from pathlib import Path

from bootstrap.commands._change import make_change
from bootstrap.commands._preview import preview_change
from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.core.result import Progress, Result
from bootstrap.gitrepo import environment_repo
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests.record import ChangeKind, ChangeRef
from bootstrap.scaffold import environments


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRequest:
    """The environment to remove."""

    directory: Path
    name: str
    options: ChangeOptions


def remove(request: RemoveRequest, *, progress: Progress) -> Result:
    """Remove an environment's files. What runs in the cluster stays."""
    session = Session.open(request.directory, progress)
    environment = session.model.find(request.name)
    folders = (*environments.FILES, environment.overlay, "clusters")
    base = session.base(folders, request.options)
    removal = environments.remove(base.tree(*folders), base.model, environment.name)
    if request.options.dry_run:
        data = {"environment": environment.name, "files": list(removal.changes.paths)}
        result = Result(status="planned", data=data, lines=environments.removal_lines(environment, removal))
    else:
        preview = preview_change(
            session,
            base,
            Plan(changes=removal.changes),
            ChangeRef(kind=ChangeKind.REMOVE, target=environment.name),
            after=removal.known,
            command=f"git log --stat -- {environment.overlay}",
        )
        result = make_change(session, base, preview, request.options)
    note = (
        f"what runs stays until: kubectl delete -f {environment.sync_file} (from an earlier commit), and then "
        f"kubectl delete namespace {environment.namespace}"
    )
    return replace(result, notes=(*result.notes, note))


def list_environments(directory: Path) -> Result:
    """List the environments in promotion order."""
    checkout = environment_repo.open_work_tree(environment_repo.find_top(directory))
    rows = environments.rows(checkout.model, checkout.read)
    return Result(status="listed", data={"environments": rows}, lines=environments.table(rows))
