"""`taxiway diff`: what a change does to the rendered objects."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bootstrap import difference, git, impact, layout, objects, ownership, repository, workspace
from bootstrap.layout import EnvironmentDiff
from bootstrap.model import Environment
from bootstrap.repository import Checkout
from bootstrap.result import Progress, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which sides to compare; by default the work tree with HEAD. `form` is `text`, `json` or `markdown`."""

    directory: Path
    environments: tuple[str, ...] = ()
    before: str = "HEAD"
    after: str | None = None
    between: tuple[str, str] | None = None
    everything: bool = False
    form: str = "text"


def run(request: Request, *, progress: Progress) -> Result:
    """Build both sides, compare them object by object, and say what the difference does; nothing is written."""
    git.check_version()
    top = repository.find(request.directory)
    with progress("building both sides"):
        diffs = [_between(repository.working(top), request)] if request.between else _over_time(top, request)
    if request.form == "markdown":
        lines = layout.markdown(diffs)
    else:
        lines = [line for number, diff in enumerate(diffs) for line in ([""] * (number > 0) + layout.lines(diff))]
    changed = any(diff.changes for diff in diffs)
    data = {"environments": [layout.data(diff) for diff in diffs]}
    return Result(status="changed" if changed else "unchanged", data=data, lines=tuple(lines))


def _over_time(top: Path, request: Request) -> list[EnvironmentDiff]:
    with contextlib.ExitStack() as stack:
        old = stack.enter_context(repository.at(top, request.before))
        new = stack.enter_context(repository.at(top, request.after)) if request.after else repository.working(top)
        known = {each.name: each for each in (*old.model.environments, *new.model.environments)}
        names = [each.name for each in new.choose(request.environments)] if request.environments else list(known)
        before, after = (_rendered(side, names) for side in (old, new))
        return [_diff(name, before[name], after[name]) for name in names]


def _rendered(side: Checkout, names: Sequence[str]) -> dict[str, bytes]:
    """What each environment renders to on one side; nothing where it does not exist there."""
    there = [each for each in side.model.environments if each.name in names]
    built = dict(zip((each.name for each in there), side.render(there), strict=True))
    return {name: built.get(name, b"") for name in names}


def _diff(name: str, before: bytes, after: bytes) -> EnvironmentDiff:
    changes = difference.compare(objects.parse(before), objects.parse(after))
    return EnvironmentDiff(environment=name, changes=changes, consequences=impact.consequences(changes))


def _between(checkout: Checkout, request: Request) -> EnvironmentDiff:
    left, right = checkout.choose(request.between or ())
    before, after = (objects.parse(text) for text in checkout.render((left, right)))
    changes = difference.compare(ownership.as_if(before, left.namespace, right.namespace), after)
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
