"""`taxiway diff`: what a change does to the rendered objects."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap import listing, plumbing, repository
from bootstrap.builds import Builder
from bootstrap.cache import Cache
from bootstrap.fingerprint import OVERLAYS
from bootstrap.model import Environment
from bootstrap.result import Progress, Result
from bootstrap.snapshot import WorkTree


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What both sides render to, empty where an environment is not there; `between` are two of them at one time."""

    name: str
    before: bytes
    after: bytes
    between: tuple[Environment, Environment] | None = None


def run(request: Request, *, progress: Progress) -> Result:
    """Build both sides, compare them object by object, and say what the difference does; only the cache is written."""
    plumbing.check_version()
    top = repository.find(request.directory)
    with progress("building both sides"), ThreadPoolExecutor(max_workers=1) as pool:
        builder = Builder.find(Cache.find(wanted=request.cached))
        build = _between if request.between else _over_time
        pairs = pool.submit(build, top, request, builder)
        # While Git and kustomize work: the rest of the code.
        from bootstrap.commands import diffing

        diffs = diffing.compare(top, pairs.result(), everything=request.everything)
    if request.comment is not None:
        known = repository.working(top, cached=request.cached).model
        return diffing.comment(known, diffs, request.comment, progress=progress)
    return diffing.told(diffs, request.form)


def _over_time(top: Path, request: Request, builder: Builder) -> list[Pair]:
    reference = request.before
    if request.since:
        reference = listing.fork(top, plumbing.Repository(top).commit_of(request.since))
    with ThreadPoolExecutor() as pool:
        # Git looks at the files while it is read what the environments are.
        overlays = [f"{OVERLAYS}/{name}" for name in request.environments]
        work = None if request.after else pool.submit(WorkTree, top, overlays or None)
        cached = request.cached
        old = repository.at(top, reference, cached=cached)
        after = request.after
        new = repository.at(top, after, cached=cached) if after else repository.working(top, cached=cached)
        known = {each.name: each for each in (*old.model.environments, *new.model.environments)}
        chosen = new.choose(request.environments) if request.environments else tuple(known.values())
        before = old.snapshot(chosen)
        if len(overlays) == 1 and chosen[0] in old.model.environments:  # who names one expects it to be changed
            builder.begin(before, overlays[0])
        now = work.result() if work else new.snapshot(chosen)
    sides = [(old.model.environments, before), (new.model.environments, now)]
    changed = [each for each in chosen if builder.differ(before, now, each.overlay)]
    wanted = [
        (side, each) for side in (0, 1) for each in changed if each.name in {there.name for there in sides[side][0]}
    ]
    texts = builder.render([(sides[side][1], each.overlay) for side, each in wanted])
    built = {(side, each.name): text for (side, each), text in zip(wanted, texts, strict=True)}
    return [
        Pair(name=each.name, before=built.get((0, each.name), b""), after=built.get((1, each.name), b""))
        for each in chosen
    ]


def _between(top: Path, request: Request, builder: Builder) -> list[Pair]:
    checkout = repository.working(top, cached=request.cached)
    left, right = (checkout.choose([name])[0] for name in request.between or ())
    snapshot = checkout.snapshot((left, right))
    before, after = builder.render([(snapshot, each.overlay) for each in (left, right)])
    return [Pair(name=f"{left.name} → {right.name}", before=before, after=after, between=(left, right))]
