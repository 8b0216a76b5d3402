"""`taxiway validate`: examine the work tree with every rule."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bootstrap.commands._session import Session
from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.gitrepo import status
from bootstrap.gitrepo.snapshot import Commit, WorkTree
from bootstrap.validate import formats, violation
from bootstrap.validate.engine import Examiner
from bootstrap.validate.run import Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The environments to examine (none: all); `form` is text, json, github, gitlab or sarif.

    With `since`, only environments that differ from the merge base of HEAD and this commit, with the exemptions of the
    merge base: a change can't exempt itself. With `server`, the API server of a kubectl context (None: the current one)
    checks them too, by a dry run.
    """

    directory: Path
    environments: tuple[str, ...] = ()
    since: str | None = None
    strict: bool = False
    form: str = "text"
    cached: bool = True
    server: bool = False
    context: str | None = None


def run(request: Request, *, progress: Progress) -> Result:
    """Examine the work tree. Writes nothing but the cache. The status is `failed` where an error is found."""
    session = Session.open(request.directory, progress, cached=request.cached)
    environments = session.checkout.select(request.environments)
    with progress("looking for what changed"):
        overlays = [environment.overlay for environment in environments] if request.environments else None
        examiner = Examiner(
            model=session.model,
            first=environments[0].name,
            work=WorkTree(session.top, overlays),
            before=_before(session.top, request.since),
            builder=session.builder,
        )
        validation = Validation(
            checkout=session.checkout,
            chosen=environments,
            examiner=examiner,
            now=datetime.now(UTC),
            unassigned=None if request.environments or request.since else session.checkout.unassigned_files(),
            exemptions=(examiner.exemptions_before or ()) if request.since else session.model.exemptions,
        )
        if request.since:
            validation = validation.of_changed()
    findings = validation.findings(progress=progress)
    if request.server:
        asked = validation.server_findings(request.context, progress=progress)
        findings = validation.apply_exemptions([*findings, *asked])
    findings = violation.as_errors(findings) if request.strict else findings
    names = [environment.name for environment in validation.chosen]
    return formats.result(findings, names, validation.exemptions, request.form)


def _before(top: Path, since: str | None) -> Commit | None:
    """The commit that changes are measured against; None in a repo without commits."""
    if since:
        return Commit.of(top, status.merge_base(top, since))
    try:
        return Commit.of(top, "HEAD")
    except BadOption:
        return None
