"""`taxiway diff`: what a change does to the rendered objects."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap import workspace
from bootstrap.config.parts import OVERLAYS
from bootstrap.core.result import Progress, Result
from bootstrap.gitrepo import repository, status
from bootstrap.gitrepo.snapshot import Commit, WorkTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which sides to compare; by default the work tree with HEAD. `form` is one of report.DiffForm.

    With `since`, the old side is the commit where HEAD's history left this one's, in place of `before`. With `comment`,
    it is told to that pull request, in place of here.
    """

    directory: Path
    environments: tuple[str, ...] = ()
    before: str = "HEAD"
    since: str | None = None
    after: str | None = None
    between: tuple[str, str] | None = None
    everything: bool = False
    form: str = "text"
    cached: bool = True
    comment: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Git at work on what both sides are, while the code is read."""

    before: Future[Commit]
    after: Future[Commit] | Future[WorkTree]


def run(request: Request, *, progress: Progress) -> Result:
    """Build both sides, compare them object by object, and say what the difference does; only the cache is written."""
    repository.check_version()
    top = workspace.top_of(request.directory)
    with progress("building both sides"), ThreadPoolExecutor() as pool:
        looked = None if request.between else _look(top, request, pool)
        # While Git looks: what builds. While kustomize works: what compares.
        from bootstrap.commands import diff_sides

        wanted = diff_sides.over_time(top, request, looked) if looked else diff_sides.between(top, request)
        built = pool.submit(wanted.build)
        from bootstrap.commands import diffing

        diffs = diffing.compare(top, built.result(), everything=request.everything)
    if request.comment is not None:
        return diffing.comment(top, diffs, request, request.comment, progress=progress)
    return diffing.told(diffs, request)


def _look(top: Path, request: Request, pool: Executor) -> Looked:
    overlays = [f"{OVERLAYS}/{name}" for name in request.environments]
    before = pool.submit(_before, top, request, overlays)
    if request.after:
        return Looked(before=before, after=pool.submit(Commit.of, top, request.after))
    return Looked(before=before, after=pool.submit(WorkTree, top, overlays or None))


def _before(top: Path, request: Request, overlays: Sequence[str]) -> Commit:
    reference = request.before
    if request.since:
        reference = status.fork(top, request.since)
    before = Commit.of(top, reference)
    if len(overlays) == 1:
        before.read(overlays)  # it is there, then, when kustomize is to begin
    return before
