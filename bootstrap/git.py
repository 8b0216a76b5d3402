"""The one door to what Git changes. Git itself does the work, so that the user's hooks, signing and settings apply."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is our own error, not an ImportError

import git

from bootstrap import plumbing
from bootstrap.errors import GitFailed

_PIPE = -1  # subprocess.PIPE


@dataclass(frozen=True, slots=True)
class Repository(plumbing.Repository):
    """A repository that is changed."""

    @classmethod
    def create(cls, top: Path, branch: str, origin: str | None) -> "Repository":
        """Make an empty repository in an existing folder, with a remote `origin` where its URL is given."""
        run(top, "init", "--quiet", f"--initial-branch={branch}")
        repository = cls(top)
        if origin:
            repository.add_origin(origin)
        return repository

    def add_origin(self, url: str) -> None:
        """Add the remote `origin`."""
        run(self.top, "remote", "add", "origin", url)

    def stage(self, paths: Iterable[str]) -> None:
        """Take these files into the index as they are, ignored and removed ones included, without a look at others."""
        options = ("--add", "--remove", "-z", "--stdin")
        shell = git.Git(self.top).update_index(*options, as_process=True, istream=_PIPE)
        told = "".join(f"{path}\0" for path in paths)
        said = shell.communicate(told.encode(errors="surrogateescape"))[1]
        if shell.returncode:
            raise GitFailed(f"git update-index failed: {said.decode(errors='replace').strip()}")

    def commit_all(self, message: str) -> str:
        """Commit every file of a repository that is only ours, ignored ones included, and return the commit's id."""
        run(self.top, "add", "--force", "--all")
        run(self.top, "commit", "--quiet", "--message", message)
        return plumbing.ask(self.top, "rev-parse", "HEAD")

    def commit(self, paths: Iterable[str], message: str) -> str:
        """Commit just these paths and return the commit's id.

        Raises GitFailed, with what Git or a hook said, and then leaves the index as it was.
        """
        wanted = list(paths)
        run(self.top, "add", "--force", "--", *wanted)
        try:
            run(self.top, "commit", "--quiet", "--message", message, "--", *wanted)
        except BaseException:
            self.forget(wanted)
            raise
        return plumbing.ask(self.top, "rev-parse", "HEAD")

    def forget(self, paths: Iterable[str]) -> None:
        """Take new paths out of the index again."""
        git.Git(self.top).rm("--cached", "--quiet", "--ignore-unmatch", "--force", "--", *paths)


def run(folder: Path, *arguments: str, settings: Mapping[str, str] | None = None) -> str:
    """What a Git command says, with these settings beside the user's. Raises GitFailed with Git's own reason."""
    shell = git.Git(folder)
    shell.update_environment(**_as_environment(settings or {}), LC_ALL="C", GIT_TERMINAL_PROMPT="0")
    try:
        return str(shell.execute(["git", *arguments]))
    except git.GitCommandError as err:
        said = str(err.stderr).strip().removeprefix("stderr: ").strip("'\n ") or str(err.stdout).strip()
        raise GitFailed(f"git {arguments[0]} failed: {said or f'exit code {err.status}'}") from None


def _as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings for one command and all that it starts, behind those of the environment (git-config)."""
    there = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    found = {"GIT_CONFIG_COUNT": str(there + len(settings))} if settings else {}
    for number, (key, value) in enumerate(settings.items(), there):
        found |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return found
