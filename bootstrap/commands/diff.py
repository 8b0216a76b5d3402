"""`taxiway diff`: what a change does to the rendered objects."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap import difference, git, impact, layout, listing, objects, ownership, repository, workspace
from bootstrap.builds import Builder
from bootstrap.cache import Cache
from bootstrap.fingerprint import OVERLAYS
from bootstrap.hosting import BODY_LIMITS
from bootstrap.layout import EnvironmentDiff
from bootstrap.model import Environment
from bootstrap.repository import Checkout
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


def run(request: Request, *, progress: Progress) -> Result:
    """Build both sides, compare them object by object, and say what the difference does; only the cache is written."""
    git.check_version()
    top = repository.find(request.directory)
    with progress("building both sides"):
        builder = Builder.find(Cache.find(wanted=request.cached))
        between = request.between and _between(repository.working(top), request, builder)
        diffs = [between] if between else _over_time(top, request, builder)
    if request.comment is not None:
        from bootstrap import offer

        known = repository.working(top).model
        text = layout.comment(diffs, BODY_LIMITS[known.forge])
        url, new = offer.comment(known, request.comment, text, progress=progress)
        said = f"{'told' if new else 'told before'}: {url}"
        return Result(status="commented" if new else "unchanged", data={"pullRequest": url}, lines=(said,))
    if request.form == "markdown":
        lines = layout.markdown(diffs)
    else:
        lines = [line for number, diff in enumerate(diffs) for line in ([""] * (number > 0) + layout.lines(diff))]
    changed = any(diff.changes for diff in diffs)
    data = {"environments": [layout.data(diff) for diff in diffs]}
    return Result(status="changed" if changed else "unchanged", data=data, lines=tuple(lines))


def _over_time(top: Path, request: Request, builder: Builder) -> list[EnvironmentDiff]:
    reference = request.before
    if request.since:
        reference = listing.fork(top, git.Repository(top).commit_of(request.since))
    with ThreadPoolExecutor() as pool:
        # Git looks at the files while it is read what the environments are.
        overlays = [f"{OVERLAYS}/{name}" for name in request.environments]
        work = None if request.after else pool.submit(WorkTree, top, overlays or None)
        old = repository.at(top, reference)
        new = repository.at(top, request.after) if request.after else repository.working(top)
    known = {each.name: each for each in (*old.model.environments, *new.model.environments)}
    chosen = new.choose(request.environments) if request.environments else tuple(known.values())
    now = work.result() if work else new.snapshot(chosen)
    sides = [(old.model.environments, old.snapshot(chosen)), (new.model.environments, now)]
    changed = [each for each in chosen if builder.differ(sides[0][1], sides[1][1], each.overlay)]
    wanted = [
        (side, each) for side in (0, 1) for each in changed if each.name in {there.name for there in sides[side][0]}
    ]
    texts = builder.render([(sides[side][1], each.overlay) for side, each in wanted])
    built = {(side, each.name): text for (side, each), text in zip(wanted, texts, strict=True)}
    return [_diff(each.name, built.get((0, each.name), b""), built.get((1, each.name), b"")) for each in chosen]


def _diff(name: str, before: bytes, after: bytes) -> EnvironmentDiff:
    changes = difference.compare(objects.parse(before), objects.parse(after))
    return EnvironmentDiff(environment=name, changes=changes, consequences=impact.consequences(changes))


def _between(checkout: Checkout, request: Request, builder: Builder) -> EnvironmentDiff:
    left, right = (checkout.choose([name])[0] for name in request.between or ())
    snapshot = checkout.snapshot((left, right))
    before, after = (objects.parse(text) for text in builder.render([(snapshot, e.overlay) for e in (left, right)]))
    moved = [ownership.as_if(each, left.namespace, right.namespace) for each in before]
    changes = difference.compare(moved, after)
    folded = 0
    if not request.everything:
        own = _own_settings(checkout, left) | _own_settings(checkout, right)
        changes, folded = ownership.fold(changes, own)
    return EnvironmentDiff(
        environment=f"{left.name} → {right.name}",
        changes=changes,
        consequences=impact.consequences(changes),
        folded=folded,
    )


def _own_settings(checkout: Checkout, environment: Environment) -> frozenset[str]:
    return ownership.settings(workspace.read_file(checkout.top, f"{environment.overlay}/airflow.env") or b"")
