"""The repository that `init` makes or joins. Git itself does the work, so that the user's hooks and signing apply."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is our own error, not an ImportError

import git

from bootstrap.core.errors import GitFailed
from bootstrap.gitrepo import command
from bootstrap.gitrepo import repository as git_repository
from bootstrap.system import signals
from bootstrap.system.child_environment import Child


@dataclass(frozen=True, slots=True)
class Repository(git_repository.Repository):
    """A repository that the scaffold goes into."""

    @classmethod
    def create(cls, top: Path, branch: str, origin: str | None) -> "Repository":
        """Make an empty repository in an existing folder, with a remote `origin` where its URL is given."""
        _run(top, "init", "--quiet", f"--initial-branch={branch}")
        repository = cls(top)
        if origin:
            repository.add_origin(origin)
        return repository

    def add_origin(self, url: str) -> None:
        """Add the remote `origin`."""
        _run(self.top, "remote", "add", "origin", url)

    def commit_all(self, message: str) -> str:
        """Commit every file of a repository that is only ours, ignored ones included, and return the commit's id."""
        _run(self.top, "add", "--force", "--all")
        _run(self.top, "commit", "--quiet", "--message", message)
        return git_repository.run(self.top, "rev-parse", "HEAD")

    def commit(self, paths: Iterable[str], message: str) -> str:
        """Commit just these paths and return the commit's id.

        Raises GitFailed, with what Git or a hook said, and then leaves the index as it was.
        """
        wanted = list(paths)
        _run(self.top, "add", "--force", "--", *wanted)
        try:
            _run(self.top, "commit", "--quiet", "--message", message, "--", *wanted)
        except BaseException:
            with signals.shield():
                self.forget(wanted)
            raise
        return git_repository.run(self.top, "rev-parse", "HEAD")

    def forget(self, paths: Iterable[str]) -> None:
        """Take new paths out of the index again."""
        _run(self.top, "rm", "--cached", "--quiet", "--ignore-unmatch", "--force", "--", *paths)


def _run(folder: Path, *arguments: str) -> None:
    argv, child = command.command(folder, *arguments)
    shell = git.Git(folder)
    shell.update_environment(LC_ALL="C", GIT_TERMINAL_PROMPT="0")
    try:
        with _environment(child):
            shell.execute(argv, start_new_session=signals.shielded())
    except git.GitCommandError as err:
        said = str(err.stderr).strip().removeprefix("stderr: ").strip("'\n ") or str(err.stdout).strip()
        raise GitFailed(f"git {arguments[0]} failed: {said or f'exit code {err.status}'}") from None


@contextlib.contextmanager
def _environment(child: Child) -> Iterator[None]:
    """GitPython gives its children all of our environment, so meanwhile ours is theirs. `init` has no threads then."""
    before = dict(os.environ)
    for name in before.keys() - child.environment(before).keys():
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)
