"""`taxiway validate`: every reason why an environment would not work, before the merge."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bootstrap import crew, finding, git, listing, repository, verdict
from bootstrap.builds import Builder
from bootstrap.cache import Cache
from bootstrap.examination import Examined, Examiner
from bootstrap.finding import Finding, Severity
from bootstrap.kubectl import Kubectl
from bootstrap.lint import fleet, registry, server
from bootstrap.model import Environment
from bootstrap.repository import Checkout
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
    git.check_version()
    checkout = repository.working(repository.find(request.directory))
    environments = checkout.choose(request.environments)
    registry.judged((), checkout.model.switched_off, strict=request.strict)  # a mistake there is told at once
    with progress("looking for what changed"):
        examiner = _examiner(checkout, environments, request)
        if request.since:
            environments = tuple(each for each in environments if examiner.differs(each))
    examined = dict(_examined(examiner, environments, progress))
    now = datetime.now(UTC)
    found = [each for environment in environments for each in examined[environment.name].findings]
    found.extend(each for environment in environments for each in examiner.aging(environment, now))
    claims = [(each.name, claim) for each in environments for claim in examined[each.name].claims]
    found.extend(fleet.check(checkout.model, claims))
    if not request.environments and not request.since:
        found.extend(fleet.strays(checkout.model, *checkout.strays(), checkout.read))
    if request.server:
        with progress("asking the API server"):
            found.extend(_asked(examiner, environments, Kubectl.find(request.context)))
    findings = finding.merged(registry.judged(found, checkout.model.switched_off, strict=request.strict))
    return _result(findings, environments, request.form)


def rules() -> Result:
    """Every rule, in one line each."""
    every = registry.every()
    width = max(len(rule.name) for rule in every)
    lines = tuple(f"{rule.name:{width}}  {rule.severity:7}  {rule.title}" for rule in every)
    return Result(status="listed", data={"rules": [verdict.rule(rule) for rule in every]}, lines=lines)


def explain(name: str) -> Result:
    """One rule, in full. Raises BadOption for an unknown one."""
    rule = registry.named(name)
    lines = (f"{rule.name} ({rule.severity})", "", rule.title, "", rule.why, "", f"To do: {rule.fix}")
    return Result(status="explained", data={"rules": [verdict.rule(rule)]}, lines=lines)


def _examiner(checkout: Checkout, environments: Sequence[Environment], request: Request) -> Examiner:
    top = checkout.top
    since = listing.fork(top, git.Repository(top).commit_of(request.since)) if request.since else "HEAD"
    return Examiner(
        model=checkout.model,
        first=environments[0].name,
        work=WorkTree(top, [each.overlay for each in environments] if request.environments else None),
        before=Commit.of(top, since) if request.since or listing.entries(top, since) else None,
        builder=Builder.find(Cache.find(wanted=request.cached)),
    )


def _examined(
    examiner: Examiner, environments: Sequence[Environment], progress: Progress
) -> Iterator[tuple[str, Examined]]:
    """What is in each environment: first all that is remembered, then the others as they get ready."""
    left: list[Environment] = []
    for each in environments:
        if remembered := examiner.remembered(each):
            yield each.name, remembered
        else:
            left.append(each)
    what = "building and examining the overlays"
    with progress(what) as tell:
        for number, (each, examined) in enumerate(crew.examine(examiner, left), 1):
            yield each.name, examined
            if tell:
                tell(f"{what}: {number} of {len(left)}")


def _asked(examiner: Examiner, environments: Sequence[Environment], kubectl: Kubectl) -> Iterator[Finding]:
    """What the API server says of those that build."""
    for each in environments:
        scene = examiner.scene(each)
        if scene.rendered:
            yield from server.check(scene, *kubectl.dry_run(scene.rendered))


def _result(findings: Sequence[Finding], environments: Sequence[Environment], form: str) -> Result:
    failed = any(each.rule.severity is Severity.ERROR for each in findings)
    names = [each.name for each in environments]
    status = "failed" if failed else "warned" if findings else "passed"
    return Result(status=status, data=verdict.data(findings, names), lines=tuple(verdict.lines(findings, names, form)))
