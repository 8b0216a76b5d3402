"""A planned change on its way to its pull request: commit, branch, forge. What is there already is not made again."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bootstrap.config.model import Model
from bootstrap.config.remote import Forge
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import GitFailed
from bootstrap.core.markdown import code
from bootstrap.core.result import Progress
from bootstrap.forges import client
from bootstrap.forges.client import PullRequests
from bootstrap.forges.hosting import BODY_LIMITS, Hosted
from bootstrap.forges.pull_request import Proposal, PullRequest, PullRequestOptions
from bootstrap.gitrepo import committed, remote, repository, worktree
from bootstrap.gitrepo.remote import PushRefused, Reason
from bootstrap.pullrequests import codeowners, description
from bootstrap.pullrequests import record as change_record
from bootstrap.pullrequests.base_commit import REMOTE, Ground
from bootstrap.pullrequests.description import Description
from bootstrap.pullrequests.record import Kind, Route
from bootstrap.system import signals

# What differs where the same secrets are sealed again: the values, of an RSA key's length at least, and the time.
_SEALED = re.compile(rb"(?m)^(    [\w.-]+: )[A-Za-z0-9+/=]{300,}$|(?<=: at=)[0-9TZ:-]+")
_OVERTAKEN = "Overtaken by {url}, which carries a newer state of the same change."


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What became of it: the branch and, with a forge, its pull request; `changed` where anything was written."""

    branch: str
    commit: str
    changed: bool
    pull: PullRequest | None = None
    notes: tuple[str, ...] = ()


def hosted(ground: Ground) -> Hosted | None:
    """The repository on its forge; None where the remote is a folder, which has none."""
    url = repository.Repository(ground.top).origin() or ""
    if url.startswith(("file://", ".")) or Path(url).expanduser().is_absolute():
        return None
    return Hosted.of(ground.known.remote, ground.known.forge, ground.known.web)


def make(
    ground: Ground, changes: ChangeSet, described: Description, wishes: PullRequestOptions, *, progress: Progress
) -> Offered:
    """Commit the change beside the user's checkout, push it to a branch of its own, open or update its pull request.

    What is still open of the same route goes on, on its branch; the same content changes nothing. Raises PushRefused,
    GitFailed or ForgeFailed, which say what was done by then.
    """
    with _pulls(ground, wishes, progress) as pulls:
        return _make(ground, changes, described, wishes, pulls, progress)


def _make(
    ground: Ground,
    changes: ChangeSet,
    described: Description,
    wishes: PullRequestOptions,
    pulls: PullRequests | None,
    progress: Progress,
) -> Offered:
    route, digest = described.block.route, described.block.digest
    opened = _opened(pulls, route, digest) if pulls else []
    branch = opened[0].branch if opened else _unmerged(ground, route, digest) if pulls is None else None
    goes_on = branch is not None
    branch = branch or route.branch(digest)
    head, record = _standing(ground, branch, ground.heads.get(branch) or (_asked(ground, branch) if goes_on else None))
    commit, pushed = head or "", False
    # An environment that is being added has its secrets sealed already: they are never sealed again.
    claimed = record is not None and (record.digest == digest or route.kind is Kind.ADD)
    same = claimed and _holds(ground, commit, changes, route.kind)
    if not (same and goes_on):
        commit = _commit(ground, changes, description.message(described))
        pushed = _push(ground, commit, branch, head, changes, progress)
    if pulls is None:
        return Offered(branch=branch, commit=commit, changed=pushed)
    asked = wishes.reviewers if opened else (*wishes.reviewers, *_owners(ground, changes))
    wanted = _proposal(ground, described, branch, replace(wishes, reviewers=asked))
    with progress("opening the pull request"):
        done = pulls.update(opened[0], wanted) if opened else pulls.open(wanted)
    for each in _opened(pulls, route, digest):
        if each.number != done.pull.number:
            pulls.close(each, _OVERTAKEN.format(url=done.pull.url))
    changed = pushed or done.changed
    return Offered(branch=branch, commit=commit, changed=changed, pull=done.pull, notes=done.notes)


def withdraw(ground: Ground, route: Route, wishes: PullRequestOptions, *, progress: Progress) -> tuple[str, ...]:
    """Close what is open for a change that there is no need for any more; what was done, in words."""
    why = f"All of this is in {code(ground.known.branch)} already."
    with _pulls(ground, wishes, progress) as pulls:
        signals.made("pull requests may have been closed already: run the command again to go on")
        closed = [each for each in _opened(pulls, route, "") if pulls.close(each, why)] if pulls else []
    return tuple(f"closed {each.url}, which {ground.known.branch} has overtaken" for each in closed)


@contextlib.contextmanager
def _pulls(ground: Ground, wishes: PullRequestOptions, progress: Progress) -> Iterator[PullRequests | None]:
    place = hosted(ground) if wishes.pull_request else None
    if place is None:
        yield None
        return
    with client.connect(place, ground.top, progress=progress) as pulls:
        yield pulls


def _opened(pulls: PullRequests, route: Route, digest: str) -> list[PullRequest]:
    return [each for each in pulls.under(route.prefix) if _goes_on(route, each.branch, digest)]


def _goes_on(route: Route, branch: str, digest: str) -> bool:
    """Whether a branch is one to go on with: a newer release takes an older one's place, one edit not another's."""
    if route.kind is not Kind.SET:
        return route.owns(branch)
    return branch == route.branch(digest)


def _unmerged(ground: Ground, route: Route, digest: str) -> str | None:
    """A branch to go on with that the base branch has not taken in; where there is a forge, pull requests tell."""
    for branch, head in ground.heads.items():
        if _goes_on(route, branch, digest):
            worktree.fetch(ground.top, REMOTE, branch, head)
            if repository.run(ground.top, "merge-base", head, ground.commit) != head:
                return branch
    return None


def comment(top: Path, known: Model, number: int, text: str, *, progress: Progress) -> tuple[str, bool]:
    """Say something under a pull request, once; its URL, and whether it was new."""
    with client.connect(Hosted.of(known.remote, known.forge, known.web), top, progress=progress) as pulls:
        pull = pulls.get(number)
        signals.made("the comment may have been written already: run the command again to go on")
        return pull.url, pulls.comment(pull, text)


def described_data(offered: Offered) -> Mapping[str, object]:
    """The outcome for programs."""
    pull = offered.pull
    return {
        "branch": offered.branch,
        "commit": offered.commit,
        "pullRequest": {"number": pull.number, "url": pull.url} if pull else None,
    }


def _asked(ground: Ground, branch: str) -> str | None:
    """Where the remote's branch stands by now."""
    return remote.heads(ground.top, REMOTE, branch).get(branch)


def _standing(ground: Ground, branch: str, head: str | None) -> tuple[str | None, change_record.Block | None]:
    """Where the remote's branch stands, and the record in its last commit.

    Raises PushRefused where that commit is not taxiway's: someone went on by hand, and nothing of it may be lost.
    """
    if head is None:
        return None, None
    worktree.fetch(ground.top, REMOTE, branch, head)
    record = change_record.read(repository.run(ground.top, "log", "-1", "--format=%B", head))
    if record is None:
        raise PushRefused(
            f"{branch} has commits that are not taxiway's",
            reason=Reason.MOVED,
            hint="merge or close its pull request, or delete the branch, and run the command again",
        )
    return head, record


def _holds(ground: Ground, commit: str, changes: ChangeSet, kind: Kind) -> bool:
    """Whether a commit makes these changes and no other; a record proves nothing, for anyone can write one.

    Of an environment that is being added, the sealed values are others each time.
    """
    try:
        base = repository.run(ground.top, "merge-base", commit, ground.commit)
    except GitFailed:  # a history of its own
        return False
    shape = ("-z", "--name-only", "--no-renames", "--no-relative", "--ignore-submodules=none")
    moved = set(repository.run(ground.top, "diff", *shape, base, commit).split("\0")) - {""}
    found, _ = committed.read(ground.top, commit, changes.paths)
    there = {path: blob.data for path, blob in found.items()}
    return moved <= {*changes.paths} and all(
        there.get(path) == changes.writes.get(path)
        or (kind is Kind.ADD and _unsealed(there.get(path)) == _unsealed(changes.writes.get(path)))
        for path in changes.paths
    )


def _unsealed(data: bytes | None) -> bytes | None:
    return data and _SEALED.sub(rb"\1", data)


def _commit(ground: Ground, changes: ChangeSet, message: str) -> str:
    folders = {path.rpartition("/")[0] for path in changes.paths}
    tops = {"/".join(each.split("/")[:2]) if each.startswith("overlays/") else each.split("/")[0] for each in folders}
    with worktree.worktree(ground.top, ground.commit, tuple(sorted(tops - {""}))) as folder:
        return worktree.commit(folder, changes, message)


def _push(ground: Ground, commit: str, branch: str, head: str | None, changes: ChangeSet, progress: Progress) -> bool:
    """Push, and tell whether it was needed: someone else may have pushed the very same content at the same moment."""
    try:
        worktree.push(ground.top, REMOTE, commit, branch, head, progress=progress)
    except PushRefused as err:
        if err.reason is not Reason.MOVED:
            raise
        moved, record = _standing(ground, branch, _asked(ground, branch))
        if moved is None or record is None or not _holds(ground, moved, changes, record.route.kind):
            raise
        return False
    return True


def _owners(ground: Ground, changes: ChangeSet) -> tuple[str, ...]:
    """Whom to ask because they own what changes, on the one forge that does not ask them by itself."""
    if ground.known.forge is not Forge.GITLAB:
        return ()
    text = ground.first_of(*codeowners.PLACES)
    return codeowners.owners(text.decode(errors="replace"), changes.paths) if text else ()


def _proposal(ground: Ground, described: Description, branch: str, wishes: PullRequestOptions) -> Proposal:
    return Proposal(
        branch=branch,
        base=ground.known.branch,
        title=description.title(described.block.route, described.planned.moved),
        body=description.render(described, BODY_LIMITS[ground.known.forge]),
        labels=wishes.labels,
        draft=wishes.draft,
        reviewers=wishes.reviewers,
    )
