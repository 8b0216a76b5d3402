"""Commit of a change set on the branch that is checked out."""

from pathlib import Path

from bootstrap.config.parts import part_of
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadTarget
from bootstrap.gitrepo import reading, status
from bootstrap.gitrepo.command import git
from bootstrap.gitrepo.repository import Repository, check_identity
from bootstrap.system import files, signals


def commit(top: Path, changes: ChangeSet, message: str) -> str:
    """Write the files and commit them alone, with the user's hooks and signing. Returns the commit's id.

    Files that a killed run has written already are committed too. Raises BadTarget where a file can't be written
    without following a link, or has uncommitted changes of the user's, and GitFailed where Git or a hook refuses; then
    everything is as before.
    """
    files.check_writable(top, changes.writes, changes.deletes)
    # Git compares each tracked file with each path argument: in a large repo, a few folders are faster.
    parts = dict.fromkeys(part_of(path) or path for path in changes.paths)
    altered = status.altered(top, *parts).intersection(changes.paths)
    own = sorted(path for path in altered if reading.read(top, path) != changes.writes.get(path))
    if own:
        raise BadTarget(f"there are uncommitted changes in {', '.join(own)}", hint="commit them, or git stash, first")
    repository = Repository(top)
    repository.branch()
    if repository.is_merging():
        raise BadTarget(f"{top}: a merge or rebase is under way", hint="finish it, or abort it, first")
    check_identity(top)
    # In a large repo, --only takes twice the time, so it is passed only where the user has staged something.
    staged = git(top, "diff-index", "--cached", "--name-only", "HEAD")
    only = ("--only", "--", *changes.paths) if staged else ()
    if partial := files.partial_files(top, changes.paths):
        files.apply(top, {}, partial - repository.in_head(partial))
    before = git(top, "rev-parse", "HEAD")

    def undo() -> bool:
        if git(top, "rev-parse", "HEAD") != before:  # the commit was made
            return False
        git(top, "reset", "--quiet", "--", *changes.paths)
        kept = repository.in_head(changes.paths)
        if kept:
            git(top, "checkout", "--quiet", "HEAD", "--", *sorted(kept))
        files.apply(top, {}, frozenset(changes.paths) - kept)
        return True

    with signals.undo_on_failure(undo):
        files.apply(top, changes.writes, changes.deletes)
        repository.stage(changes.paths)
        git(top, "commit", "--quiet", "--message", message, *only)
    return git(top, "rev-parse", "HEAD")
