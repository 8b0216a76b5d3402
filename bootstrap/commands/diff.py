"""`taxiway diff`: compare the rendered objects of two commits, or of two environments."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from bootstrap.commands._environment_diffs import Sides, between, compare, over_time
from bootstrap.commands._session import Session
from bootstrap.config.parts import OVERLAYS
from bootstrap.core.result import Progress, Result
from bootstrap.diff import formats, markdown
from bootstrap.forges.hosting import BODY_LIMITS
from bootstrap.gitrepo import environment_repo, status
from bootstrap.gitrepo.snapshot import Commit, WorkTree
from bootstrap.pullrequests import comments


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The sides to compare; by default HEAD and the work tree. `form` is text, json, markdown or comment.

    With `since`, the old side is the merge base of HEAD and this commit, in place of `before`. With `comment`, the
    answer is posted on the pull request of that number.
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
    """Build both sides and compare them object by object. Writes nothing but the cache."""
    session = Session.open(request.directory, progress, cached=request.cached)
    with progress("building both sides"):
        if request.between:
            sides = [between(session.checkout, request.between, everything=request.everything)]
        else:
            sides = _over_time(session, request)
        diffs = compare(session.builder, sides)
    shown_by = command(request)
    if request.comment is not None:
        text = markdown.comment(diffs, BODY_LIMITS[session.model.forge], shown_by)
        return comments.post(session.top, session.model, request.comment, text, progress=progress)
    least = min(BODY_LIMITS.values())  # the forge that takes the comment later is not known here
    forms = {"markdown": markdown.markdown, "comment": lambda _: markdown.portable(diffs, least, shown_by)}
    return Result(
        status="changed" if any(diff.differs for diff in diffs) else "unchanged",
        data={"environments": [formats.data(diff) for diff in diffs]},
        lines=tuple(forms.get(request.form, formats.text)(diffs)),
    )


def _over_time(session: Session, request: Request) -> list[Sides]:
    before = Commit.of(session.top, status.merge_base(session.top, request.since) if request.since else request.before)
    old = environment_repo.open_commit(before, label=before.commit if request.since else request.before)
    commit = Commit.of(session.top, request.after) if request.after else None
    new = environment_repo.open_commit(commit, label=str(request.after)) if commit else session.checkout
    after = commit or WorkTree(session.top, [f"{OVERLAYS}/{name}" for name in request.environments] or None)
    return [*over_time(session.builder, old, before, new, after, request.environments)]


def command(request: Request) -> str:
    """The command line that shows this difference."""
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
