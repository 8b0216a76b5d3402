"""`taxiway validate`: every reason why an environment would not work, before the merge."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bootstrap import untracked, workspace
from bootstrap.config.exemptions import Exemption
from bootstrap.config.parts import OVERLAYS
from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.gitrepo import repository as git_repository
from bootstrap.gitrepo import status
from bootstrap.gitrepo.snapshot import Commit, WorkTree
from bootstrap.system.cache import Cache
from bootstrap.validate import violation
from bootstrap.validate.violation import Finding


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
    git_repository.check_version()
    top = workspace.top_of(request.directory)
    now = datetime.now(UTC)
    with progress("looking for what changed"), ThreadPoolExecutor() as pool:
        # Git has much to look at in a large repo: it begins before taxiway.yaml is read and the code is imported.
        before = pool.submit(_before, top, request.since)
        overlays = [f"{OVERLAYS}/{name}" for name in request.environments]
        cache = Cache.find(wanted=request.cached)
        work = pool.submit(WorkTree, top, overlays or None, memory=untracked.Memory(top=top, cache=cache))
        from bootstrap.gitrepo import environment_repo
        from bootstrap.kustomize.builder import Builder
        from bootstrap.memory import Memory

        checkout = environment_repo.working(top, cached=request.cached)
        environments = checkout.choose(request.environments)
        builder = Builder.find(cache)
        whole = not request.environments and not request.since
        memory = None
        if whole and not request.server:
            memory = Memory(work=work.result(), before=before.result(), builder=builder)
            if (known := memory.recall(now.timestamp())) is not None:
                return _told(known, [each.name for each in environments], checkout.model.exemptions, request)
        strays = pool.submit(checkout.strays) if whole else None
        from bootstrap.validate import run as surveys
        from bootstrap.validate.engine import Examiner

        aged = surveys.Aged.of(checkout, environments, now)
        examiner = Examiner(
            model=checkout.model,
            first=environments[0].name,
            work=work.result(),
            before=before.result(),
            builder=builder,
        )
        survey = surveys.Survey(
            checkout=checkout,
            chosen=environments,
            examiner=examiner,
            aged=aged,
            strays=strays.result() if strays else None,
            off=(examiner.off_before or ()) if request.since else checkout.model.exemptions,
            memory=memory,
        )
        if request.since:
            survey = survey.of_changed()
    found = survey.findings(progress=progress)
    if request.server:
        found = survey.judged([*found, *survey.asked(request.context, progress=progress)])
    return _told(found, [each.name for each in survey.chosen], survey.off, request)


def _told(
    findings: Sequence[Finding], environments: Sequence[str], off: Sequence[Exemption], request: Request
) -> Result:
    from bootstrap.validate import formats

    findings = violation.as_errors(findings) if request.strict else findings
    return formats.result(findings, environments, off, request.form)


def _before(top: Path, since: str | None) -> Commit | None:
    """The commit that changes are measured against; None where there is none yet."""
    if since:
        return Commit.of(top, status.fork(top, since))
    try:
        return Commit.of(top, "HEAD")
    except BadOption:
        return None
