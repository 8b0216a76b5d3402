"""`taxiway set`: one value of one environment, as a commit here or as a pull request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap import edits, git, promotion, release, repository
from bootstrap import ground as grounds
from bootstrap.commands import proposing
from bootstrap.commands.proposing import Proposed
from bootstrap.errors import BadOption
from bootstrap.model import Environment
from bootstrap.offer import Wishes
from bootstrap.promotion import ChangeSet, Plan
from bootstrap.result import Progress, Result
from bootstrap.trail import Kind, Route
from bootstrap.tree import Tree

Edit = Callable[[Tree, Environment], Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which edits to make of which environment (None: the first one); with wishes, as a pull request."""

    directory: Path
    edits: tuple[Edit, ...]
    command: str
    environment: str | None = None
    dry_run: bool = False
    wishes: Wishes | None = None


def run(request: Request, *, progress: Progress) -> Result:
    """Make the edits, try out what comes of them, and commit."""
    git.check_version()
    top = repository.find(request.directory)
    known = repository.working(top).model
    name = release.find(known, request.environment or known.environments[0].name).name
    folders = promotion.folders(known, name)
    if request.wishes and not request.dry_run:
        ground = grounds.shared(top, folders, progress=progress)
    else:
        ground = grounds.head(top)
    planned = _plan(ground.tree(*folders), release.find(ground.known, name), request.edits)
    proposed = Proposed(
        route=Route(kind=Kind.SET, target=name),
        planned=planned,
        after=ground.known,
        command=f"{request.command} --dry-run",
    )
    if request.wishes or request.dry_run:
        wishes = request.wishes or Wishes()
        return proposing.run(ground, proposed, wishes, dry_run=request.dry_run, progress=progress)
    return proposing.here(ground, proposed, progress=progress)


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
