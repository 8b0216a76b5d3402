"""`taxiway validate`: every reason why an environment would not work, before the merge."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bootstrap import listing, plumbing, workspace
from bootstrap.errors import BadOption
from bootstrap.fingerprint import OVERLAYS
from bootstrap.result import Progress, Result
from bootstrap.snapshot import Commit, WorkTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to look at, and in which form to tell: `text`, `json`, `github`, `gitlab` or `sarif`.

    With `since`, only at the environments that differ from the commit where HEAD's history left this one's. With
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
    plumbing.check_version()
    top = workspace.top_of(request.directory)
    with progress("looking for what changed"), ThreadPoolExecutor() as pool:
        # Git has much to look at in a large repo: it begins before taxiway.yaml is read and the code is imported.
        before = pool.submit(_before, top, request.since)
        overlays = [f"{OVERLAYS}/{name}" for name in request.environments]
        work = pool.submit(WorkTree, top, overlays or None)
        from bootstrap import repository

        checkout = repository.working(top, cached=request.cached)
        environments = checkout.choose(request.environments)
        strays = pool.submit(checkout.strays) if not request.environments and not request.since else None
        from bootstrap import survey as surveys
        from bootstrap import verdict
        from bootstrap.cache import Cache

        aging = surveys.aging(checkout, environments, datetime.now(UTC))
        survey = surveys.Survey.of(
            checkout,
            environments,
            work.result(),
            before.result(),
            Cache.find(wanted=request.cached),
            aging=aging,
            strays=strays.result() if strays else None,
            strict=request.strict,
        )
        if request.since:
            survey = survey.of_changed()
    found = survey.findings(progress=progress)
    if request.server:
        found.extend(survey.asked(request.context, progress=progress))
    findings = survey.judged(found)
    return verdict.result(findings, [each.name for each in survey.chosen], request.form)


def _before(top: Path, since: str | None) -> Commit | None:
    """The commit that changes are measured against; None where there is none yet."""
    if since:
        return Commit.of(top, listing.fork(top, since))
    try:
        return Commit.of(top, "HEAD")
    except BadOption:
        return None
