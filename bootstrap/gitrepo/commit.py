"""A change as a commit on the branch that is checked out."""

from pathlib import Path

from bootstrap.config.parts import part_of
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadTarget
from bootstrap.gitrepo import reading, status
from bootstrap.gitrepo import repository as git_repository
from bootstrap.system import files, signals


def commit(top: Path, changes: ChangeSet, message: str) -> str:
    """Write the files and commit just them, with the user's hooks and signing; the commit's id.

    What a killed run has written already is taken for written. Raises BadTarget where one of the files can't be written
    without following a link, or has changes of the user's own, and GitFailed, with everything as before, where Git or a
    hook refuses.
    """
    files.check_writable(top, changes.writes, changes.deletes)
    # Git compares each file that it knows with each path that it is given: in a large repo, a few folders are quicker.
    parts = dict.fromkeys(part_of(path) or path for path in changes.paths)
    altered = status.altered(top, *parts).intersection(changes.paths)
    own = sorted(path for path in altered if reading.read(top, path) != changes.writes.get(path))
    if own:
        raise BadTarget(f"there are uncommitted changes in {', '.join(own)}", hint="commit them, or git stash, first")
    repository = git_repository.Repository(top)
    repository.branch()
    if repository.busy():
        raise BadTarget(f"{top}: a merge or rebase is under way", hint="finish it, or abort it, first")
    git_repository.check_identity(top)
    # In a large repo, Git takes twice the time to leave out what else is staged: only where there is something.
    staged = git_repository.run(top, "diff-index", "--cached", "--name-only", "HEAD")
    only = ("--only", "--", *changes.paths) if staged else ()
    if left := files.partial_files(top, changes.paths):
        files.apply(top, {}, left - repository.held(left))
    before = git_repository.run(top, "rev-parse", "HEAD")

    def take_back() -> bool:
        if git_repository.run(top, "rev-parse", "HEAD") != before:  # the commit was made
            return False
        git_repository.run(top, "reset", "--quiet", "--", *changes.paths)
        kept = repository.held(changes.paths)
        if kept:
            git_repository.run(top, "checkout", "--quiet", "HEAD", "--", *sorted(kept))
        files.apply(top, {}, frozenset(changes.paths) - kept)
        return True

    with signals.undo_on_failure(take_back):
        files.apply(top, changes.writes, changes.deletes)
        repository.stage(changes.paths)
        git_repository.run(top, "commit", "--quiet", "--message", message, *only)
    return git_repository.run(top, "rev-parse", "HEAD")
