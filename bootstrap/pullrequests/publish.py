"""Publish a change as a commit, a branch and a pull request; whichever exists already is reused."""

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
from bootstrap.pullrequests.base_commit import REMOTE, BaseCommit
from bootstrap.pullrequests.preview import Preview
from bootstrap.pullrequests.record import ChangeKind, ChangeRecord, ChangeRef, find_record
from bootstrap.system import signals

# What differs when the same secrets are sealed twice: the ciphertext, at least as long as an RSA key, and the time.
_CIPHERTEXT = re.compile(rb"(?m)^(    [\w.-]+: )[A-Za-z0-9+/=]{300,}$|(?<=: at=)[0-9TZ:-]+")
_SUPERSEDED = "Overtaken by {url}, which carries a newer state of the same change."


def publish(base: BaseCommit, preview: Preview, options: PullRequestOptions, *, progress: Progress) -> Result:
    """Commit a change in a separate worktree, push it to its own branch, and open or update its pull request.

    An open pull request for the same ref is updated on its branch; the same content changes nothing. Where no pull
    request is asked for, or the remote has no forge, only the branch is pushed. Raises PushRefused, GitFailed or
    ForgeFailed.
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
    existing = _open_pulls(pulls, ref, digest) if pulls else []
    branch = existing[0].branch if existing else _unmerged_branch(base, ref, digest) if pulls is None else None
    is_continued = branch is not None
    branch = branch or ref.branch(digest)
    head = base.heads.get(branch) or (_remote_head(base, branch) if is_continued else None)
    head, record = _last_commit(base, branch, head)
    commit, pushed = head or "", False
    # A new environment's secrets are not sealed again, though sealing them makes another digest each time.
    has_record = record is not None and (record.digest == digest or ref.kind is ChangeKind.ADD)
    same = has_record and _has_changes(base, commit, changes, ref.kind)
    if not (same and is_continued):
        commit = _commit(base, changes, description.message(preview))
        pushed = _push(base, commit, branch, head, changes, progress)
    if pulls is None:
        return _result(branch, commit, None, changed=pushed)
    reviewers = options.reviewers if existing else (*options.reviewers, *_owners(base, changes))
    proposal = _proposal(base, preview, branch, replace(options, reviewers=reviewers))
    with progress("opening the pull request"):
        done = pulls.update(existing[0], proposal) if existing else pulls.open(proposal)
    for pull in _open_pulls(pulls, ref, digest):
        if pull.number != done.pull.number:
            pulls.close(pull, _SUPERSEDED.format(url=done.pull.url))
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
    """Close the open pull requests of a change that the base branch contains already; a note for each."""
    why = f"All of this is in {code(base.model.branch)} already."
    with _connect(base, options, progress) as pulls:
        signals.record_change("pull requests may have been closed already: run the command again to go on")
        closed = [pull for pull in _open_pulls(pulls, ref, "") if pulls.close(pull, why)] if pulls else []
    return tuple(f"closed {pull.url}, which {base.model.branch} has overtaken" for pull in closed)


def _hosted(base: BaseCommit) -> HostedRepository | None:
    """The repository on its forge; None where the remote is a local folder."""
    url = repository.Repository(base.top).origin() or ""
    if url.startswith(("file://", ".")) or Path(url).expanduser().is_absolute():
        return None
    return HostedRepository.of(base.model.remote, base.model.forge, base.model.web)


@contextlib.contextmanager
def _connect(base: BaseCommit, options: PullRequestOptions, progress: Progress) -> Iterator[PullRequests | None]:
    hosted = _hosted(base) if options.pull_request else None
    if hosted is None:
        yield None
        return
    with client.connect(hosted, base.top, progress=progress) as pulls:
        yield pulls


def _open_pulls(pulls: PullRequests, ref: ChangeRef, digest: str) -> list[PullRequest]:
    return [pull for pull in pulls.open_from_prefix(ref.prefix) if _is_continued_on(ref, pull.branch, digest)]


def _is_continued_on(ref: ChangeRef, branch: str, digest: str) -> bool:
    """Whether a change is to be made on an existing branch: a newer release replaces an older one, an edit does not."""
    if ref.kind is not ChangeKind.SET:
        return ref.owns(branch)
    return branch == ref.branch(digest)


def _unmerged_branch(base: BaseCommit, ref: ChangeRef, digest: str) -> str | None:
    """A branch to continue on, for remotes without pull requests: one that is not merged into the base branch."""
    for branch, head in base.heads.items():
        if _is_continued_on(ref, branch, digest):
            worktree.fetch(base.top, REMOTE, branch, head)
            if git(base.top, "merge-base", head, base.commit) != head:
                return branch
    return None


def _remote_head(base: BaseCommit, branch: str) -> str | None:
    """The current commit of the remote's branch."""
    return remote.heads(base.top, REMOTE, branch).get(branch)


def _last_commit(base: BaseCommit, branch: str, head: str | None) -> tuple[str | None, ChangeRecord | None]:
    """The last commit of the remote's branch, and its record.

    Raises PushRefused where that commit has no record: someone pushed to the branch, and their work must not be lost.
    """
    if head is None:
        return None, None
    worktree.fetch(base.top, REMOTE, branch, head)
    record = find_record(git(base.top, "log", "-1", "--format=%B", head))
    if record is None:
        raise PushRefused(
            f"{branch} has commits that are not taxiway's",
            reason=Reason.MOVED,
            hint="merge or close its pull request, or delete the branch, and run the command again",
        )
    return head, record


def _has_changes(base: BaseCommit, commit: str, changes: ChangeSet, kind: ChangeKind) -> bool:
    """Whether a commit makes exactly these changes. Its record is no proof, since anyone can write one.

    The ciphertext of a new environment is not compared, since it differs each time.
    """
    try:
        fork = git(base.top, "merge-base", commit, base.commit)
    except GitFailed:  # no common ancestor
        return False
    flags = ("-z", "--name-only", "--no-renames", "--no-relative", "--ignore-submodules=none")
    changed = set(git(base.top, "diff", *flags, fork, commit).split("\0")) - {""}
    blobs, _ = committed.read(base.top, commit, changes.paths)
    actual = {path: blob.data for path, blob in blobs.items()}
    return changed <= {*changes.paths} and all(
        actual.get(path) == changes.writes.get(path)
        or (
            kind is ChangeKind.ADD
            and _without_ciphertext(actual.get(path)) == _without_ciphertext(changes.writes.get(path))
        )
        for path in changes.paths
    )


def _without_ciphertext(data: bytes | None) -> bytes | None:
    return data and _CIPHERTEXT.sub(rb"\1", data)


def _commit(base: BaseCommit, changes: ChangeSet, message: str) -> str:
    folders = {path.rpartition("/")[0] for path in changes.paths}
    parts = {"/".join(path.split("/")[:2]) if path.startswith("overlays/") else path.split("/")[0] for path in folders}
    with worktree.worktree(base.top, base.commit, tuple(sorted(parts - {""}))) as folder:
        return worktree.commit(folder, changes, message)


def _push(base: BaseCommit, commit: str, branch: str, head: str | None, changes: ChangeSet, progress: Progress) -> bool:
    """Push a commit. False where another run has pushed the same content in the meantime."""
    try:
        worktree.push(base.top, REMOTE, commit, branch, head, progress=progress)
    except PushRefused as err:
        if err.reason is not Reason.MOVED:
            raise
        theirs, record = _last_commit(base, branch, _remote_head(base, branch))
        if theirs is None or record is None or not _has_changes(base, theirs, changes, record.ref.kind):
            raise
        return False
    return True


def _owners(base: BaseCommit, changes: ChangeSet) -> tuple[str, ...]:
    """The code owners to request reviews from: on GitLab alone, since other forges do that themselves."""
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
