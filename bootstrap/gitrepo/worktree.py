"""Commits that never touch the user's checkout: made in a temporary worktree, pushed to a branch of their own."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from bootstrap.core.changeset import ChangeSet
from bootstrap.core.result import Progress
from bootstrap.gitrepo import repository
from bootstrap.gitrepo.remote import PushRefused, Reason, answered
from bootstrap.system import files, signals
from bootstrap.system.locks import exclusive_folder
from bootstrap.system.nofollow import PRIVATE

_ATTEMPTS = 3
_PAUSE = 2.0  # seconds before a push is tried again; doubled each time
# Only the named folders are checked out, and stand in the index, however many environments there are: what
# `git sparse-checkout set --cone --sparse-index` would write, by its files.
_SPARSE = {"core.sparseCheckout": "true", "core.sparseCheckoutCone": "true", "index.sparse": "true"}


@contextlib.contextmanager
def worktree(top: Path, commit: str, folders: tuple[str, ...]) -> Iterator[Path]:
    """A temporary worktree at a commit, with these folders and every file at the top; gone when the `with` ends.

    What a killed run left of one is removed first. The user's checkout, index and stash are not touched.
    """
    own = repository.Repository(top).folder()
    files.make_folder(own, "taxiway", PRIVATE)
    with exclusive_folder(own / "taxiway", "worktree", mode=PRIVATE) as room:
        repository.run(top, "worktree", "prune")
        folder = room / "tree"
        try:
            repository.run(top, "worktree", "add", "--quiet", "--no-checkout", "--detach", str(folder), commit)
            administration = Path(repository.run(folder, "rev-parse", "--absolute-git-dir"))
            files.apply(administration, {"info/sparse-checkout": _cone(folders).encode()})
            repository.run(folder, "read-tree", "-mu", "HEAD", settings=_SPARSE)
            yield folder
        finally:
            files.remove_folder(folder)
            repository.run(top, "worktree", "prune")


def _cone(folders: Iterable[str]) -> str:
    """The patterns of a sparse checkout of these folders and the files beside and above them (git-sparse-checkout)."""
    parents = {str(parent) for each in folders for parent in PurePosixPath(each).parents} - {"."}
    lines = ["/*", "!/*/", *(line for each in sorted(parents) for line in (f"/{each}/", f"!/{each}/*/"))]
    return "\n".join([*lines, *(f"/{each}/" for each in sorted(folders)), ""])


def commit(folder: Path, changes: ChangeSet, message: str) -> str:
    """Write changes into a worktree and commit it, with the user's author, signing and hooks; the commit's id.

    Raises BadTarget where that can't be done without following a link that the commit holds.
    """
    files.apply(folder, changes.writes, changes.deletes)
    repository.run(folder, "add", "--all", "--force", "--", *changes.paths, settings=_SPARSE)
    repository.run(folder, "commit", "--quiet", "--message", message, settings=_SPARSE)
    return repository.run(folder, "rev-parse", "HEAD")


def fetch(top: Path, remote: str, branch: str, known: str | None = None) -> str:
    """Get a branch of the remote, and return its commit. What is `known` to be its commit is not got again.

    Raises PushRefused where the remote does not answer.
    """
    if known and repository.Repository(top).has(known):
        return known
    with answered(f"{remote} can't be fetched"):
        # Into a place of our own: FETCH_HEAD and the remote-tracking branches are the user's.
        ours = f"refs/taxiway/{branch}"
        repository.run(
            top, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, f"+refs/heads/{branch}:{ours}"
        )
    return repository.run(top, "rev-parse", ours)


def push(top: Path, remote: str, commit: str, branch: str, expected: str | None, *, progress: Progress) -> None:
    """Make a remote branch point to a commit, unless someone else moved it: `expected` is where it stands now.

    A network that fails is tried again. Raises PushRefused, which says why; the remote is then as it was.
    """
    lease = f"--force-with-lease=refs/heads/{branch}:{expected or ''}"
    before = signals.record_change(f"{branch} may have been pushed already: run the command again to go on")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with progress(f"pushing {branch}"), answered(f"{branch} can't be pushed"):
                target = f"{commit}:refs/heads/{branch}"
                repository.run(top, "push", "--quiet", "--no-follow-tags", lease, remote, target)
        except PushRefused as err:
            if err.reason is not Reason.NETWORK or attempt == _ATTEMPTS:
                signals.record_change(before)
                raise
            with progress(f"the remote did not answer; trying again ({attempt + 1} of {_ATTEMPTS})"):
                time.sleep(_PAUSE * 2 ** (attempt - 1))
        else:
            return
