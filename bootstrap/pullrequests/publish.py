"""Publish a change: commit, branch and pull request. What is there already is not made again."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bootstrap.config.remote import Forge
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import GitFailed
from bootstrap.core.markdown import code
from bootstrap.core.result import Progress, Result
from bootstrap.forges import client
from bootstrap.forges.client import PullRequests
from bootstrap.forges.hosting import BODY_LIMITS, HostedRepository
from bootstrap.forges.pull_request import Proposal, PullRequest, PullRequestOptions
from bootstrap.gitrepo import committed, remote, repository, worktree
from bootstrap.gitrepo.command import git
from bootstrap.gitrepo.remote import PushRefused, Reason
from bootstrap.pullrequests import codeowners, description
from bootstrap.pullrequests import record as change_record
from bootstrap.pullrequests.base_commit import REMOTE, BaseCommit
from bootstrap.pullrequests.preview import Preview
from bootstrap.pullrequests.record import ChangeKind, ChangeRecord, ChangeRef
from bootstrap.system import signals

# What differs where the same secrets are sealed again: the values, of an RSA key's length at least, and the time.
_SEALED = re.compile(rb"(?m)^(    [\w.-]+: )[A-Za-z0-9+/=]{300,}$|(?<=: at=)[0-9TZ:-]+")
_OVERTAKEN = "Overtaken by {url}, which carries a newer state of the same change."


def publish(base: BaseCommit, preview: Preview, options: PullRequestOptions, *, progress: Progress) -> Result:
    """Commit a change beside the user's checkout, push it to a branch of its own, open or update its pull request.

    An open pull request of the same ref is updated, on its branch; the same content changes nothing. Without a forge,
    or a wanted pull request, the branch is all. Raises PushRefused, GitFailed or ForgeFailed, which say what was done.
    """
    with _connect(base, options, progress) as pulls:
        return _publish(base, preview, options, pulls, progress)


def _publish(
    base: BaseCommit,
    preview: Preview,
    options: PullRequestOptions,
    pulls: PullRequests | None,
    progress: Progress,
) -> Result:
    ref, digest, changes = preview.record.ref, preview.record.digest, preview.plan.changes
    opened = _opened(pulls, ref, digest) if pulls else []
    branch = opened[0].branch if opened else _unmerged_branch(base, ref, digest) if pulls is None else None
    continued = branch is not None
    branch = branch or ref.branch(digest)
    known = base.heads.get(branch) or (_remote_head(base, branch) if continued else None)
    head, record = _last_commit(base, branch, known)
    commit, pushed = head or "", False
    # An environment that is being added has its secrets sealed already: they are never sealed again.
    claimed = record is not None and (record.digest == digest or ref.kind is ChangeKind.ADD)
    same = claimed and _makes(base, commit, changes, ref.kind)
    if not (same and continued):
        commit = _commit(base, changes, description.message(preview))
        pushed = _push(base, commit, branch, head, changes, progress)
    if pulls is None:
        return _result(branch, commit, None, changed=pushed)
    reviewers = options.reviewers if opened else (*options.reviewers, *_owners(base, changes))
    proposal = _proposal(base, preview, branch, replace(options, reviewers=reviewers))
    with progress("opening the pull request"):
        done = pulls.update(opened[0], proposal) if opened else pulls.open(proposal)
    for pull in _opened(pulls, ref, digest):
        if pull.number != done.pull.number:
            pulls.close(pull, _OVERTAKEN.format(url=done.pull.url))
    return _result(branch, commit, done.pull, changed=pushed or done.changed, notes=done.notes)


def _result(
    branch: str, commit: str, pull: PullRequest | None, *, changed: bool, notes: tuple[str, ...] = ()
) -> Result:
    place = pull.url if pull else f"branch {branch}"
    return Result(
        status=("opened" if pull else "pushed") if changed else "unchanged",
        data={
            "branch": branch,
            "commit": commit,
            "pullRequest": {"number": pull.number, "url": pull.url} if pull else None,
        },
        lines=(f"{'review and merge' if changed else 'it is open already'}: {place}",),
        notes=notes,
    )


def withdraw(base: BaseCommit, ref: ChangeRef, options: PullRequestOptions, *, progress: Progress) -> tuple[str, ...]:
    """Close what is open for a change that there is no need for any more; what was done, in words."""
    why = f"All of this is in {code(base.model.branch)} already."
    with _connect(base, options, progress) as pulls:
        signals.record_change("pull requests may have been closed already: run the command again to go on")
        closed = [each for each in _opened(pulls, ref, "") if pulls.close(each, why)] if pulls else []
    return tuple(f"closed {each.url}, which {base.model.branch} has overtaken" for each in closed)


def _hosted(base: BaseCommit) -> HostedRepository | None:
    """The repository on its forge; None where the remote is a folder, which has none."""
    url = repository.Repository(base.top).origin() or ""
    if url.startswith(("file://", ".")) or Path(url).expanduser().is_absolute():
        return None
    return HostedRepository.of(base.model.remote, base.model.forge, base.model.web)


@contextlib.contextmanager
def _connect(base: BaseCommit, options: PullRequestOptions, progress: Progress) -> Iterator[PullRequests | None]:
    place = _hosted(base) if options.pull_request else None
    if place is None:
        yield None
        return
    with client.connect(place, base.top, progress=progress) as pulls:
        yield pulls


def _opened(pulls: PullRequests, ref: ChangeRef, digest: str) -> list[PullRequest]:
    return [each for each in pulls.open_from_prefix(ref.prefix) if _continues(ref, each.branch, digest)]


def _continues(ref: ChangeRef, branch: str, digest: str) -> bool:
    """Whether a branch is one to go on with: a newer release takes an older one's place, one edit not another's."""
    if ref.kind is not ChangeKind.SET:
        return ref.owns(branch)
    return branch == ref.branch(digest)


def _unmerged_branch(base: BaseCommit, ref: ChangeRef, digest: str) -> str | None:
    """A branch to go on with that the base branch has not taken in; where there is a forge, pull requests tell."""
    for branch, head in base.heads.items():
        if _continues(ref, branch, digest):
            worktree.fetch(base.top, REMOTE, branch, head)
            if git(base.top, "merge-base", head, base.commit) != head:
                return branch
    return None


def _remote_head(base: BaseCommit, branch: str) -> str | None:
    """Where the remote's branch stands by now."""
    return remote.heads(base.top, REMOTE, branch).get(branch)


def _last_commit(base: BaseCommit, branch: str, head: str | None) -> tuple[str | None, ChangeRecord | None]:
    """Where the remote's branch stands, and the record in its last commit.

    Raises PushRefused where that commit is not taxiway's: someone went on by hand, and nothing of it may be lost.
    """
    if head is None:
        return None, None
    worktree.fetch(base.top, REMOTE, branch, head)
    record = change_record.read(git(base.top, "log", "-1", "--format=%B", head))
    if record is None:
        raise PushRefused(
            f"{branch} has commits that are not taxiway's",
            reason=Reason.MOVED,
            hint="merge or close its pull request, or delete the branch, and run the command again",
        )
    return head, record


def _makes(base: BaseCommit, commit: str, changes: ChangeSet, kind: ChangeKind) -> bool:
    """Whether a commit makes these changes and no other; a record proves nothing, for anyone can write one.

    Of an environment that is being added, the sealed values are others each time.
    """
    try:
        fork = git(base.top, "merge-base", commit, base.commit)
    except GitFailed:  # a history of its own
        return False
    shape = ("-z", "--name-only", "--no-renames", "--no-relative", "--ignore-submodules=none")
    moved = set(git(base.top, "diff", *shape, fork, commit).split("\0")) - {""}
    found, _ = committed.read(base.top, commit, changes.paths)
    there = {path: blob.data for path, blob in found.items()}
    return moved <= {*changes.paths} and all(
        there.get(path) == changes.writes.get(path)
        or (
            kind is ChangeKind.ADD
            and _without_ciphertext(there.get(path)) == _without_ciphertext(changes.writes.get(path))
        )
        for path in changes.paths
    )


def _without_ciphertext(data: bytes | None) -> bytes | None:
    return data and _SEALED.sub(rb"\1", data)


def _commit(base: BaseCommit, changes: ChangeSet, message: str) -> str:
    folders = {path.rpartition("/")[0] for path in changes.paths}
    tops = {"/".join(each.split("/")[:2]) if each.startswith("overlays/") else each.split("/")[0] for each in folders}
    with worktree.worktree(base.top, base.commit, tuple(sorted(tops - {""}))) as folder:
        return worktree.commit(folder, changes, message)


def _push(base: BaseCommit, commit: str, branch: str, head: str | None, changes: ChangeSet, progress: Progress) -> bool:
    """Push, and tell whether it was needed: someone else may have pushed the very same content at the same moment."""
    try:
        worktree.push(base.top, REMOTE, commit, branch, head, progress=progress)
    except PushRefused as err:
        if err.reason is not Reason.MOVED:
            raise
        moved, record = _last_commit(base, branch, _remote_head(base, branch))
        if moved is None or record is None or not _makes(base, moved, changes, record.ref.kind):
            raise
        return False
    return True


def _owners(base: BaseCommit, changes: ChangeSet) -> tuple[str, ...]:
    """Whom to ask because they own what changes, on the one forge that does not ask them by itself."""
    if base.model.forge is not Forge.GITLAB:
        return ()
    text = base.first_of(*codeowners.PLACES)
    return codeowners.owners(text.decode(errors="replace"), changes.paths) if text else ()


def _proposal(base: BaseCommit, preview: Preview, branch: str, options: PullRequestOptions) -> Proposal:
    return Proposal(
        branch=branch,
        base=base.model.branch,
        title=description.title(preview.record.ref, preview.plan.moved),
        body=description.render(preview, BODY_LIMITS[base.model.forge]),
        labels=options.labels,
        draft=options.draft,
        reviewers=options.reviewers,
    )
