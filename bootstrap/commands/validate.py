"""`taxiway validate`: every reason why an environment would not work, before the merge."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap import finding, git, repository, verdict
from bootstrap.errors import BuildFailed
from bootstrap.finding import Finding, Severity
from bootstrap.kustomize import Kustomize
from bootstrap.lint import fleet, registry
from bootstrap.lint.scene import Scene
from bootstrap.model import Environment
from bootstrap.repository import Checkout
from bootstrap.result import Progress, Result
from bootstrap.tree import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to look at, and in which form to tell: `text`, `json`, `github`, `gitlab` or `sarif`."""

    directory: Path
    environments: tuple[str, ...] = ()
    strict: bool = False
    form: str = "text"


def run(request: Request, *, progress: Progress) -> Result:
    """Examine the work tree; nothing is written. The status is `failed` where an error is found."""
    git.check_version()
    checkout = repository.working(repository.find(request.directory))
    environments = checkout.choose(request.environments)
    with progress("building and examining the overlays"):
        scenes = list(_scenes(checkout, environments))
        found = [each for scene in scenes for each in registry.examine(scene)]
        claims = [(scene.environment.name, claim) for scene in scenes for claim in fleet.claims(scene)]
        found.extend(fleet.check(checkout.model, claims))
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


def _scenes(checkout: Checkout, environments: Sequence[Environment]) -> Iterator[Scene]:
    kustomize, shared = Kustomize.find(), checkout.shared_files()
    for each in environments:
        rendered, failure = b"", None
        try:
            rendered = kustomize.build(checkout.top / each.overlay)
        except BuildFailed as err:
            failure = err.message
        tree = Tree.union((shared, checkout.overlay_files(each.overlay)))
        yield Scene(model=checkout.model, environment=each, tree=tree, rendered=rendered, failure=failure)


def _result(findings: Sequence[Finding], environments: Sequence[Environment], form: str) -> Result:
    failed = any(each.rule.severity is Severity.ERROR for each in findings)
    names = [each.name for each in environments]
    status = "failed" if failed else "warned" if findings else "passed"
    return Result(status=status, data=verdict.data(findings, names), lines=tuple(verdict.lines(findings, names, form)))
