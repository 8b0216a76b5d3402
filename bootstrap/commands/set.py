"""`taxiway set`: one value of one environment, as a commit here or as a pull request."""

from dataclasses import dataclass
from pathlib import Path

from bootstrap.commands._change import make
from bootstrap.commands._preview import preview
from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.promotion import edits
from bootstrap.promotion import plan as promotion
from bootstrap.promotion.edits import Edit
from bootstrap.pullrequests.record import ChangeKind, ChangeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which edits to make of which environment (None: the first one); `command` makes them again."""

    directory: Path
    edits: tuple[Edit, ...]
    command: str
    environment: str | None = None
    options: ChangeOptions


def run(request: Request, *, progress: Progress) -> Result:
    """Make the edits, preview what comes of them, and commit or publish it."""
    session = Session.open(request.directory, progress)
    name = session.model.find(request.environment or session.model.environments[0].name).name
    folders = promotion.folders(session.model, name)
    base = session.base(folders, request.options)
    plan = edits.plan(base.tree(*folders), base.model.find(name), request.edits)
    ref = ChangeRef(kind=ChangeKind.SET, target=name)
    previewed = preview(session, base, plan, ref, command=f"{request.command} --dry-run")
    return make(session, base, previewed, request.options)


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
