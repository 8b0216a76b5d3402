"""`taxiway diff`: what a change does to the rendered objects."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap import listing, plumbing, repository
from bootstrap.builds import Builder
from bootstrap.cache import Cache
from bootstrap.fingerprint import OVERLAYS
from bootstrap.model import Environment
from bootstrap.result import Progress, Result
from bootstrap.snapshot import Commit, Snapshot, WorkTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which sides to compare; by default the work tree with HEAD. `form` is `text`, `json` or `markdown`.

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


Side = tuple[Snapshot, str]  # a state of the repo, and the overlay to build there


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What both sides render to, empty where an environment is not there; `between` are two of them at one time."""

    name: str
    before: bytes
    after: bytes
    between: tuple[Environment, Environment] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """A Pair before it is built."""

    name: str
    before: Side | None = None
    after: Side | None = None
    between: tuple[Environment, Environment] | None = None

    def pair(self, texts: Iterator[bytes]) -> Pair:
        """With what the sides that are there render to, in their order."""
        before, after = (next(texts) if side else b"" for side in (self.before, self.after))
        return Pair(name=self.name, before=before, after=after, between=self.between)


def run(request: Request, *, progress: Progress) -> Result:
    """Build both sides, compare them object by object, and say what the difference does; only the cache is written."""
    plumbing.check_version()
    top = repository.find(request.directory)
    with progress("building both sides"), ThreadPoolExecutor() as pool:
        builder = Builder.find(Cache.find(wanted=request.cached))
        wanted = _between(top, request) if request.between else _over_time(top, request, builder, pool)
        built = pool.submit(builder.render, [side for each in wanted for side in (each.before, each.after) if side])
        # While kustomize works: the rest of the code.
        from bootstrap.commands import diffing

        texts = iter(built.result())
        diffs = diffing.compare(top, [each.pair(texts) for each in wanted], everything=request.everything)
    if request.comment is not None:
        known = repository.working(top, cached=request.cached).model
        return diffing.comment(known, diffs, request.comment, progress=progress)
    return diffing.told(diffs, request.form)


def _over_time(top: Path, request: Request, builder: Builder, pool: Executor) -> list[_Sides]:
    named = [f"{OVERLAYS}/{name}" for name in request.environments]
    work = None if request.after else pool.submit(WorkTree, top, named or None)  # Git looks at the files meanwhile
    reference, after = request.before, request.after
    if request.since:
        reference = listing.fork(top, plumbing.Repository(top).commit_of(request.since))
    before = Commit.of(top, reference)
    # Who names one expects it to be changed: kustomize begins before it is read what the environments are.
    alone = named[0] if len(named) == 1 else ""
    if before.identity(alone):
        builder.begin(before, alone)
    now: Snapshot = work.result() if work else Commit.of(top, after or "")
    if now.identity(alone) and now.identity(alone) != before.identity(alone):
        builder.begin(now, alone)
    old = repository.at(top, reference, cached=request.cached)
    new = repository.at(top, after, cached=request.cached) if after else repository.working(top, cached=request.cached)
    known = {each.name: each for each in (*old.model.environments, *new.model.environments)}
    chosen = new.choose(request.environments) if request.environments else tuple(known.values())
    there = [{each.name for each in side.model.environments} for side in (old, new)]
    return [
        _Sides(
            name=each.name,
            before=(before, each.overlay) if each.name in there[0] else None,
            after=(now, each.overlay) if each.name in there[1] else None,
        )
        if builder.differ(before, now, each.overlay)
        else _Sides(name=each.name)
        for each in chosen
    ]


def _between(top: Path, request: Request) -> list[_Sides]:
    checkout = repository.working(top, cached=request.cached)
    left, right = (checkout.choose([name])[0] for name in request.between or ())
    snapshot = checkout.snapshot((left, right))
    before, after = ((snapshot, each.overlay) for each in (left, right))
    return [_Sides(name=f"{left.name} → {right.name}", before=before, after=after, between=(left, right))]
