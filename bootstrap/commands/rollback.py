"""`taxiway rollback`: an environment's release as it was, in a pull request, and a hold so that it stays."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bootstrap import models, workspace
from bootstrap.commands import proposing
from bootstrap.commands.proposing import Proposed
from bootstrap.config import model
from bootstrap.config.hold import Hold
from bootstrap.config.model import Environment
from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.forges.pull_request import PullRequestOptions
from bootstrap.gitrepo import environment_repo
from bootstrap.gitrepo import repository as git_repository
from bootstrap.kustomize.builder import Builder
from bootstrap.promotion import plan, rollback
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests import base_commit as grounds
from bootstrap.pullrequests.base_commit import Ground
from bootstrap.pullrequests.record import Kind, Route
from bootstrap.system.cache import Cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which environment goes back, and to where: a commit, or as many changes of its release as `steps`."""

    directory: Path
    environment: str
    reference: str | None = None
    steps: int = 1
    reason: str | None = None
    dry_run: bool = False
    wishes: PullRequestOptions = PullRequestOptions()  # noqa: RUF009  (frozen)


def run(request: Request, *, progress: Progress) -> Result:
    """Restore the release of an earlier commit; secrets and what is the environment's own stay as they are now."""
    git_repository.check_version()
    top = workspace.top_of(request.directory)
    known = environment_repo.working(top).model
    folders = plan.folders(known, request.environment)
    ground = grounds.proposed(top, folders, dry_run=request.dry_run, progress=progress)
    environment = ground.known.find(request.environment)
    commit = request.reference or _earlier(ground, environment, request.steps)
    earlier = ground.at(commit)
    reason = request.reason or f"rolled back to {earlier.commit[:12]}"
    hold = Hold(reason=reason, author=git_repository.author(top), date=date.today().isoformat())
    planned = rollback.plan(ground.tree(*folders), ground.known, environment.name, earlier.tree(*folders), hold)
    text = planned.changes.writes.get(model.PATH)
    proposed = Proposed(
        route=Route(kind=Kind.ROLLBACK, target=environment.name),
        planned=planned,
        after=models.read(text) if text else ground.known,
        command=f"taxiway rollback {environment.name} --to {earlier.commit[:12]} --dry-run",
        notes=_notes(environment, planned),
    )
    builder = Builder.find(Cache.find())
    return proposing.run(ground, proposed, request.wishes, builder, dry_run=request.dry_run, progress=progress)


def _earlier(ground: Ground, environment: Environment, steps: int) -> str:
    """The commit before the last `steps` changes of the release."""
    pinned = bool(ground.tree(environment.overlay).under(f"{environment.overlay}/base"))
    base = f"{environment.overlay}/base" if pinned else "base"
    paths = (f"{environment.overlay}/release", base, f"{environment.overlay}/kustomization.yaml")
    changed = git_repository.run(
        ground.top, "log", "--first-parent", "--format=%H %P", ground.commit, "--", *paths
    ).splitlines()
    if steps < 1 or len(changed) <= steps:
        raise BadOption(
            f"{environment.name} has no release {steps} step{'s' * (steps != 1)} back: its release changed "
            f"{max(len(changed) - 1, 0)} times since it was made",
            hint=f"git log -- {environment.overlay}/release shows each; --to COMMIT names one",
        )
    return changed[steps - 1].split()[1]


def _notes(environment: Environment, planned: Plan) -> tuple[str, ...]:
    if back := plan.downgrade(planned):
        return (
            f"The database of {environment.name} was migrated for {back[0]}, and {back[1]} can't read it: before the "
            "merge, run `airflow db downgrade` in the environment, or restore a backup from before that migration.",
        )
    return ()
