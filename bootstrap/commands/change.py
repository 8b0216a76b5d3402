"""`taxiway set`: one value of one environment, as a commit here or as a pull request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap import workspace
from bootstrap.config.model import Environment
from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.core.tree import Tree
from bootstrap.forges.pull_request import PullRequestOptions
from bootstrap.gitrepo import environment_repo
from bootstrap.gitrepo import repository as git_repository
from bootstrap.gitrepo.planned import Prospect
from bootstrap.kustomize.builder import Builder
from bootstrap.promotion import edits
from bootstrap.promotion import plan as promotion
from bootstrap.promotion.plan import ChangeSet, Plan
from bootstrap.pullrequests import base_commit as grounds
from bootstrap.pullrequests.record import Kind, Route
from bootstrap.system.cache import Cache

Edit = Callable[[Tree, Environment], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which edits to make of which environment (None: the first one); with wishes, as a pull request."""

    directory: Path
    edits: tuple[Edit, ...]
    command: str
    environment: str | None = None
    dry_run: bool = False
    wishes: PullRequestOptions | None = None


def run(request: Request, *, progress: Progress) -> Result:
    """Make the edits, try out what comes of them, and commit."""
    git_repository.check_version()
    top = workspace.top_of(request.directory)
    known = environment_repo.working(top).model
    name = known.find(request.environment or known.environments[0].name).name
    folders = promotion.folders(known, name)
    if request.wishes and not request.dry_run:
        ground = grounds.shared(top, folders, progress=progress)
    else:
        ground = grounds.head(top)
    target = ground.known.find(name)
    planned = _plan(ground.tree(*folders), target, request.edits)
    builder = Builder.find(Cache.find())
    if planned.changes:
        builder.begin(Prospect(before=ground.snapshot, changes=planned.changes), target.overlay)
    # While kustomize works: the rest of the code.
    from bootstrap.commands import proposing

    proposed = proposing.Proposed(
        route=Route(kind=Kind.SET, target=name),
        planned=planned,
        after=ground.known,
        command=f"{request.command} --dry-run",
    )
    dry_run = request.dry_run
    return proposing.carry_out(ground, proposed, request.wishes, builder, dry_run=dry_run, progress=progress)


def _plan(tree: Tree, environment: Environment, wanted: Sequence[Edit]) -> Plan:
    before, plans = tree, []
    for edit in wanted:
        plans.append(edit(tree, environment))
        tree = plans[-1].changes.apply(tree)
    moved = tuple(move for plan in plans for move in plan.moved)
    return Plan(changes=ChangeSet.between(before, tree), moved=moved)


def image(text: str) -> Edit:
    """`NAME=IMAGE` as an edit."""
    name, equals, reference = text.partition("=")
    if not equals:
        raise BadOption(f"{text!r} is not of the form NAME=IMAGE", hint="for example airflow=apache/airflow:3.3.2")
    return lambda tree, environment: edits.image(tree, environment, name, reference)


def dags(reference: str) -> Edit:
    """A branch, tag or commit of the DAGs as an edit."""
    return lambda tree, environment: edits.dags(tree, environment, reference)


def config(setting: str) -> Edit:
    """`NAME=VALUE` or `NAME-` as an edit."""
    return lambda tree, environment: edits.config(tree, environment, setting)
