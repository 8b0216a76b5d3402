"""The two sides of a difference, compared and told."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from bootstrap import comparison, layout, layout_markdown, objects, ownership, workspace
from bootstrap.commands.diff import Request
from bootstrap.commands.diff_sides import Pair
from bootstrap.forges.hosting import BODY_LIMITS
from bootstrap.layout import EnvironmentDiff
from bootstrap.model import Environment
from bootstrap.result import Progress, Result

# Of a comment that CI hands from one job to the next as base64 in a variable: Linux takes 128 KiB in one.
_HANDED_OVER = 90_000  # bytes


def compare(top: Path, pairs: Iterable[Pair], *, everything: bool) -> list[EnvironmentDiff]:
    """What differs, pair by pair; between two environments without what is each one's own, unless `everything`."""
    return [_compare(top, each, everything) for each in pairs]


def told(diffs: Sequence[EnvironmentDiff], request: Request) -> Result:
    """The differences as the answer, in the form that is asked for."""
    if request.form == "markdown":
        lines = layout_markdown.markdown(diffs)
    elif request.form == "comment":
        lines = _handed_over(diffs, request).split("\n")
    else:
        lines = layout.text(diffs)
    changed = any(diff.differs for diff in diffs)
    data = {"environments": [layout.data(diff) for diff in diffs]}
    return Result(status="changed" if changed else "unchanged", data=data, lines=tuple(lines))


def _handed_over(diffs: Sequence[EnvironmentDiff], request: Request) -> str:
    """The text that any forge takes as a comment, and any job as a variable."""
    limit, shown_by = min(BODY_LIMITS.values()), command(request)
    while len(text := layout_markdown.comment(diffs, limit, shown_by).encode()) > _HANDED_OVER:
        limit = limit * _HANDED_OVER // len(text)  # few characters, of several bytes each
    return text.decode().rstrip("\n")


def comment(
    top: Path, diffs: Sequence[EnvironmentDiff], request: Request, number: int, *, progress: Progress
) -> Result:
    """The differences as a comment on a pull request."""
    from bootstrap import offer, repository

    known = repository.working(top, cached=request.cached).model
    text = layout_markdown.comment(diffs, BODY_LIMITS[known.forge], command(request))
    url, new = offer.comment(top, known, number, text, progress=progress)
    said = f"{'told' if new else 'told before'}: {url}"
    return Result(status="commented" if new else "unchanged", data={"pullRequest": url}, lines=(said,))


def command(request: Request) -> str:
    """The command that shows all of this difference."""
    words = ["taxiway", "diff", *request.environments]
    if request.between:
        words += ["--between", *request.between]
    elif request.since:
        words += ["--since", request.since]
    elif request.before != "HEAD":
        words += ["--from", request.before]
    if request.after:
        words += ["--to", request.after]
    return shlex.join([*words, *(["--all"] if request.everything else [])])


def _compare(top: Path, pair: Pair, everything: bool) -> EnvironmentDiff:
    before, after = objects.parse(pair.before), objects.parse(pair.after)
    if pair.between is None:
        return comparison.over_time(pair.name, before, after, pair.beside)
    own = None if everything else frozenset[str]().union(*(_own_settings(top, each) for each in pair.between))
    return comparison.between(pair.name, before, after, own)


def _own_settings(top: Path, environment: Environment) -> frozenset[str]:
    return ownership.settings(workspace.read_file(top, f"{environment.overlay}/airflow.env") or b"")
