"""Temporary worktrees: commits and pushes of branches without touching the user's checkout."""

import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from bootstrap.core.changeset import ChangeSet
from bootstrap.core.result import Progress
from bootstrap.gitrepo import repository
from bootstrap.gitrepo.command import git
from bootstrap.gitrepo.remote import PushRefused, Reason, push_errors
from bootstrap.system import files, signals
from bootstrap.system.locks import exclusive_folder
from bootstrap.system.nofollow import PRIVATE

_ATTEMPTS = 3
_PAUSE = 2.0  # seconds before a push is tried again; doubled each time
# A sparse checkout, so that the work does not grow with the number of environments: these settings and the file
# info/sparse-checkout are what `git sparse-checkout set --cone --sparse-index` would write.
_SPARSE = {"core.sparseCheckout": "true", "core.sparseCheckoutCone": "true", "index.sparse": "true"}


@contextlib.contextmanager
def worktree(top: Path, commit: str, folders: tuple[str, ...]) -> Iterator[Path]:
    """A worktree at a commit, with these folders and the files at the top, until the `with` ends.

    The remains of a killed run are removed first. The user's checkout, index and stash are not touched.
    """
    own = repository.Repository(top).folder()
    files.make_folder(own, "taxiway", PRIVATE)
    with exclusive_folder(own / "taxiway", "worktree", mode=PRIVATE) as parent:
        git(top, "worktree", "prune")
        folder = parent / "tree"
        try:
            git(top, "worktree", "add", "--quiet", "--no-checkout", "--detach", str(folder), commit)
            git_dir = Path(git(folder, "rev-parse", "--absolute-git-dir"))
            files.apply(git_dir, {"info/sparse-checkout": _cone(folders).encode()})
            git(folder, "read-tree", "-mu", "HEAD", settings=_SPARSE)
            yield folder
        finally:
            files.remove_folder(folder)
            git(top, "worktree", "prune")


def _cone(folders: Iterable[str]) -> str:
    """The cone-mode patterns of these folders and of the files in folders above them (git-sparse-checkout)."""
    parents = {str(parent) for folder in folders for parent in PurePosixPath(folder).parents} - {"."}
    lines = ["/*", "!/*/", *(line for parent in sorted(parents) for line in (f"/{parent}/", f"!/{parent}/*/"))]
    return "\n".join([*lines, *(f"/{folder}/" for folder in sorted(folders)), ""])


def commit(folder: Path, changes: ChangeSet, message: str) -> str:
    """Commit changes in a worktree, with the user's author, signing and hooks. Returns the commit's id.

    Raises BadTarget where a file can't be written without following a link of the commit.
    """
    files.apply(folder, changes.writes, changes.deletes)
    git(folder, "add", "--all", "--force", "--", *changes.paths, settings=_SPARSE)
    git(folder, "commit", "--quiet", "--message", message, settings=_SPARSE)
    return git(folder, "rev-parse", "HEAD")


def fetch(top: Path, remote: str, branch: str, known: str | None = None) -> str:
    """Fetch a branch and return its commit; without a fetch where `known`, its commit, is in the repository.

    Raises PushRefused where the remote does not answer.
    """
    if known and repository.Repository(top).has_commit(known):
        return known
    with push_errors(f"{remote} can't be fetched"):
        # Into a ref of our own: FETCH_HEAD and the remote-tracking branches are the user's.
        ours = f"refs/taxiway/{branch}"
        git(top, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, f"+refs/heads/{branch}:{ours}")
    return git(top, "rev-parse", ours)


def push(top: Path, remote: str, commit: str, branch: str, expected: str | None, *, progress: Progress) -> None:
    """Push a commit to a remote branch whose commit is still `expected` (None: it must not exist yet).

    Retries after network failures. Raises PushRefused with the reason; the remote is then unchanged.
    """
    lease = f"--force-with-lease=refs/heads/{branch}:{expected or ''}"
    before = signals.record_change(f"{branch} may have been pushed already: run the command again to go on")
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with progress(f"pushing {branch}"), push_errors(f"{branch} can't be pushed"):
                target = f"{commit}:refs/heads/{branch}"
                git(top, "push", "--quiet", "--no-follow-tags", lease, remote, target)
        except PushRefused as err:
            if err.reason is not Reason.NETWORK or attempt == _ATTEMPTS:
                signals.record_change(before)
                raise
            with progress(f"the remote did not answer; trying again ({attempt + 1} of {_ATTEMPTS})"):
                time.sleep(_PAUSE * 2 ** (attempt - 1))
        else:
            return
