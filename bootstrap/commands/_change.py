"""Make a previewed change: show it (dry run), commit it on the current branch, or publish it as a pull request."""

from collections.abc import Sequence
from dataclasses import replace

from bootstrap.commands._session import ChangeOptions, Session
from bootstrap.core.errors import raise_all
from bootstrap.core.result import Result
from bootstrap.diff import formats
from bootstrap.forges.hosting import BODY_LIMITS
from bootstrap.gitrepo import commit as local_commit
from bootstrap.pullrequests import description, publish
from bootstrap.pullrequests.base_commit import BaseCommit
from bootstrap.pullrequests.preview import Preview

_UNLIMITED = 2**31  # characters


def make_change(session: Session, base: BaseCommit, preview: Preview, options: ChangeOptions) -> Result:
    """Make a change. Raises all problems of its preview at once, before anything is written."""
    raise_all(preview.problems)
    if not preview.plan.changes:
        return _unchanged_result(session, base, preview, options)
    if options.dry_run:
        return _planned_result(preview)
    title = description.title(preview.record.ref, preview.plan.moved)
    if options.pull_request is None:
        with session.progress("committing"):
            commit = local_commit.commit(base.top, preview.plan.changes, description.message(preview))
        lines = (f"committed {commit[:12]}; it is synced once it is pushed",)
        result = Result(status="committed", data={"commit": commit}, lines=lines)
    else:
        result = publish.publish(base, preview, options.pull_request, progress=session.progress)
    head = title if result.status != "unchanged" else f"{title}: unchanged"
    return replace(
        result,
        data={**preview.data, **result.data},
        lines=(head, *preview.consequences, *result.lines),
        notes=(*preview.notes, *result.notes),
    )


def join_results(results: Sequence[Result]) -> Result:
    """Join the results of several steps; the status is that of the first step that is not unchanged."""
    if len(results) == 1:
        return results[0]
    return Result(
        status=next((result.status for result in results if result.status != "unchanged"), "unchanged"),
        data={"steps": [{"status": result.status, **result.data} for result in results]},
        lines=tuple(line for number, result in enumerate(results) for line in ([""] * (number > 0) + [*result.lines])),
        notes=tuple(note for result in results for note in result.notes),
    )


def _unchanged_result(session: Session, base: BaseCommit, preview: Preview, options: ChangeOptions) -> Result:
    ref = preview.record.ref
    notes: tuple[str, ...] = ()
    if options.pull_request and not options.dry_run:
        notes = publish.withdraw(base, ref, options.pull_request, progress=session.progress)
    data: dict[str, object] = {"kind": ref.kind, "source": ref.source, "target": ref.target, "moved": []}
    return Result(status="unchanged", data=data, lines=(f"{ref}: unchanged",), notes=notes)


def _planned_result(preview: Preview) -> Result:
    text = description.render(preview, BODY_LIMITS[preview.model.forge])
    lines = [description.title(preview.record.ref, preview.plan.moved), "", *text.splitlines()]
    if text != description.render(preview, _UNLIMITED):  # the body was cut, so show the whole difference
        lines.extend(("", *formats.lines(preview.diff)))
    data = {**preview.data, "body": text, "difference": formats.data(preview.diff)}
    return Result(status="planned", data=data, lines=tuple(lines))
