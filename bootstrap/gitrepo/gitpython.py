"""GitPython: the commands that make `init`'s repository. Git itself runs, so the user's hooks and signing apply."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is our own error, not an ImportError

import git

from bootstrap.core.errors import GitFailed
from bootstrap.gitrepo import command
from bootstrap.gitrepo.repository import Repository
from bootstrap.system import signals
from bootstrap.system.child_environment import Child


@dataclass(frozen=True, slots=True)
class ScaffoldRepository(Repository):
    """A repository into which `init` writes the scaffold."""

    @classmethod
    def create(cls, top: Path, branch: str, origin: str | None) -> "ScaffoldRepository":
        """Create an empty repository in an existing folder, with the remote `origin` where a URL is given."""
        _run(top, "init", "--quiet", f"--initial-branch={branch}")
        repository = cls(top)
        if origin:
            repository.add_origin(origin)
        return repository

    def add_origin(self, url: str) -> None:
        """Add the remote `origin`."""
        _run(self.top, "remote", "add", "origin", url)

    def commit_all(self, message: str) -> str:
        """Commit all files, ignored ones included, of a repository that taxiway made. Returns the commit's id."""
        _run(self.top, "add", "--force", "--all")
        _run(self.top, "commit", "--quiet", "--message", message)
        return command.git(self.top, "rev-parse", "HEAD")

    def commit(self, paths: Iterable[str], message: str) -> str:
        """Commit these new files alone. Returns the commit's id.

        Raises GitFailed, with the message of Git or a hook, and takes them out of the index again.
        """
        added = list(paths)
        _run(self.top, "add", "--force", "--", *added)
        try:
            _run(self.top, "commit", "--quiet", "--message", message, "--", *added)
        except BaseException:
            with signals.shield():
                self.forget(added)
            raise
        return command.git(self.top, "rev-parse", "HEAD")

    def forget(self, paths: Iterable[str]) -> None:
        """Take new paths out of the index again."""
        _run(self.top, "rm", "--cached", "--quiet", "--ignore-unmatch", "--force", "--", *paths)


def _run(folder: Path, *arguments: str) -> None:
    argv, child = command.git_command_line(folder, *arguments)
    shell = git.Git(folder)
    shell.update_environment(LC_ALL="C", GIT_TERMINAL_PROMPT="0")
    try:
        with _environment(child):
            shell.execute(argv, start_new_session=signals.shielded())
    except git.GitCommandError as err:
        output = str(err.stderr).strip().removeprefix("stderr: ").strip("'\n ") or str(err.stdout).strip()
        raise GitFailed(f"git {arguments[0]} failed: {output or f'exit code {err.status}'}") from None


@contextlib.contextmanager
def _environment(child: Child) -> Iterator[None]:
    """Filter our own environment, all of which GitPython gives to its child processes. No other thread runs by then."""
    before = dict(os.environ)
    for name in before.keys() - child.environment(before).keys():
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)
