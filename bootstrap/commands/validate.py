"""`taxiway validate`: every reason why an environment would not work, before the merge."""

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
from bootstrap.validate.run import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to look at, and in which form to tell: `text`, `json`, `github`, `gitlab` or `sarif`.

    With `since`, only at the environments that differ from the commit where HEAD's history left this one's, by the
    rules that are switched off there: what a change switches off itself counts from its merge on. With
    `server`, the API server of a kubectl context (None: the current one) is asked too.
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
    """Examine the work tree; nothing is written but the cache. The status is `failed` where an error is found."""
    session = Session.open(request.directory, progress, cached=request.cached)
    environments = session.checkout.select(request.environments)
    with progress("looking for what changed"):
        overlays = [each.overlay for each in environments] if request.environments else None
        examiner = Examiner(
            model=session.model,
            first=environments[0].name,
            work=WorkTree(session.top, overlays),
            before=_before(session.top, request.since),
            builder=session.builder,
        )
        survey = Survey(
            checkout=session.checkout,
            chosen=environments,
            examiner=examiner,
            now=datetime.now(UTC),
            unassigned=None if request.environments or request.since else session.checkout.unassigned_files(),
            off=(examiner.off_before or ()) if request.since else session.model.exemptions,
        )
        if request.since:
            survey = survey.of_changed()
    found = survey.findings(progress=progress)
    if request.server:
        found = survey.judged([*found, *survey.asked(request.context, progress=progress)])
    found = violation.as_errors(found) if request.strict else found
    return formats.result(found, [each.name for each in survey.chosen], survey.off, request.form)


def _before(top: Path, since: str | None) -> Commit | None:
    """The commit that changes are measured against; None where there is none yet."""
    if since:
        return Commit.of(top, status.merge_base(top, since))
    try:
        return Commit.of(top, "HEAD")
    except BadOption:
        return None
