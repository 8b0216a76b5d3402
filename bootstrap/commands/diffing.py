"""The two sides of a difference, compared and told."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from bootstrap import difference, impact, layout, objects, ownership, workspace
from bootstrap.commands.diff_sides import Pair
from bootstrap.hosting import BODY_LIMITS
from bootstrap.layout import EnvironmentDiff
from bootstrap.model import Environment
from bootstrap.result import Progress, Result


def compare(top: Path, pairs: Iterable[Pair], *, everything: bool) -> list[EnvironmentDiff]:
    """What differs, pair by pair; between two environments without what is each one's own, unless `everything`."""
    return [_compare(top, each, everything) for each in pairs]


def told(diffs: Sequence[EnvironmentDiff], form: str) -> Result:
    """The differences as the answer, in this form."""
    if form == "markdown":
        lines = layout.markdown(diffs)
    else:
        lines = [line for number, diff in enumerate(diffs) for line in ([""] * (number > 0) + layout.lines(diff))]
    changed = any(map(bool, diffs))
    data = {"environments": [layout.data(diff) for diff in diffs]}
    return Result(status="changed" if changed else "unchanged", data=data, lines=tuple(lines))


def comment(top: Path, diffs: Sequence[EnvironmentDiff], number: int, *, cached: bool, progress: Progress) -> Result:
    """The differences as a comment on a pull request."""
    from bootstrap import offer, repository

    known = repository.working(top, cached=cached).model
    url, new = offer.comment(known, number, layout.comment(diffs, BODY_LIMITS[known.forge]), progress=progress)
    said = f"{'told' if new else 'told before'}: {url}"
    return Result(status="commented" if new else "unchanged", data={"pullRequest": url}, lines=(said,))


def _compare(top: Path, pair: Pair, everything: bool) -> EnvironmentDiff:
    before, after = objects.parse(pair.before), objects.parse(pair.after)
    folded = 0
    if pair.between is None:
        changes = difference.compare(before, after)
    else:
        left, right = pair.between
        moved = [ownership.as_if(each, left.namespace, right.namespace) for each in before]
        changes = difference.compare(moved, after)
        if not everything:
            changes, folded = ownership.fold(changes, _own_settings(top, left) | _own_settings(top, right))
    consequences = (*pair.beside, *impact.consequences(changes))
    return EnvironmentDiff(environment=pair.name, changes=changes, consequences=consequences, folded=folded)


def _own_settings(top: Path, environment: Environment) -> frozenset[str]:
    return ownership.settings(workspace.read_file(top, f"{environment.overlay}/airflow.env") or b"")
