"""The one door to Git. Git itself does the work, so that the user's hooks, signing and configuration apply."""

import io
import os
import re
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # a missing git is our own error, not an ImportError

import git

from bootstrap.errors import BadOption, BadTarget, GitFailed, MissingTool
from bootstrap.tree import Tree

OLDEST = (2, 28)  # the first with `git init --initial-branch`
_PIPE = -1  # subprocess.PIPE
# Where taxiway is started by a hook, Git points these at the repository that runs the hook.
_INHERITED = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


def check_version() -> None:
    """Raise MissingTool where Git is missing or too old."""
    for name in _INHERITED:
        os.environ.pop(name, None)
    wanted = ".".join(map(str, OLDEST))
    try:
        text = git.Git().version()
    except git.GitCommandNotFound:
        raise MissingTool("git is not on PATH", hint=f"install git {wanted} or newer") from None
    match = re.search(r"(\d+)\.(\d+)", text)
    if match and (int(match[1]), int(match[2])) < OLDEST:
        raise MissingTool(f"git {match[0]} is too old", hint=f"install git {wanted} or newer")


def enclosing(folder: Path) -> Path | None:
    """The top of the work tree that holds a folder, which need not exist yet; None outside of any."""
    for each in (folder, *folder.parents):
        if (each / ".git").exists():
            return each
    return None


def ignores(top: Path, path: Path) -> bool:
    """Whether the repository at `top` ignores a path below it."""
    try:
        git.Git(top).check_ignore("--quiet", "--no-index", f"{path.relative_to(top)}/")
    except git.GitCommandError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a work tree, by its top folder."""

    top: Path

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

    def branch(self) -> str:
        """The checked-out branch, which may have no commit yet. Raises BadTarget on a detached HEAD."""
        try:
            return str(git.Git(self.top).symbolic_ref("--quiet", "--short", "HEAD"))
        except git.GitCommandError:
            raise BadTarget(
                f"{self.top}: HEAD is detached, so a commit would be on no branch", hint="git switch BRANCH first"
            ) from None

    def origin(self) -> str | None:
        """The URL of the remote `origin`."""
        try:
            return str(git.Git(self.top).config("--get", "remote.origin.url")) or None
        except git.GitCommandError:
            return None

    def busy(self) -> bool:
        """Whether a merge, rebase or cherry-pick is under way."""
        folder = self.folder()
        return any(
            (folder / name).exists() for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD")
        )

    def folder(self) -> Path:
        """Git's own folder of this work tree."""
        return Path(str(git.Git(self.top).rev_parse("--absolute-git-dir")))

    def held(self, paths: Iterable[str]) -> set[str]:
        """Those of the paths that HEAD has."""
        try:
            out = str(git.Git(self.top).ls_tree("-r", "-z", "--name-only", "HEAD", "--", *paths))
        except git.GitCommandError:  # no commit yet
            return set()
        return set(out.split("\0")) - {""}

    def files(self, *patterns: str) -> list[str]:
        """The paths that these patterns match and that Git does not ignore, tracked or not, and that are there."""
        listed = str(git.Git(self.top).ls_files("-z", "--cached", "--others", "--exclude-standard", "--", *patterns))
        return [path for path in dict.fromkeys(listed.split("\0")) if path and (self.top / path).is_file()]

    def commit_of(self, reference: str) -> str:
        """The id of a commit. Raises BadOption where there is none of this name."""
        try:
            named = f"{reference}^{{commit}}"
            return str(git.Git(self.top).rev_parse("--verify", "--quiet", "--end-of-options", named))
        except git.GitCommandError:
            raise BadOption(f"{reference!r} is not a commit of {self.top}", hint="git log shows them") from None

    def has(self, commit: str) -> bool:
        """Whether the commit of this id is here."""
        try:
            git.Git(self.top).cat_file("-e", f"{commit}^{{commit}}")
        except git.GitCommandError:
            return False
        return True

    def tree(self, reference: str) -> Tree:
        """Every file at a commit. Raises BadOption where there is no such commit."""
        # Of the tree, not of the commit: that would begin with a header which tarfile can't read where no file follows.
        tree = f"{self.commit_of(reference)}^{{tree}}"
        packed = git.Git(self.top).execute(
            ["git", "archive", "--format=tar", tree], stdout_as_string=False, strip_newline_in_stdout=False
        )
        assert isinstance(packed, bytes)  # noqa: S101
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            members = [each for each in archive if each.isfile()]
            return Tree({each.name: file.read() for each in members if (file := archive.extractfile(each))})

    def contents(self, ids: Mapping[str, str]) -> dict[str, bytes]:
        """What the objects of these paths hold, as Git would check them out there."""
        shell = git.Git(self.top).cat_file("--batch", "--filters", as_process=True, istream=_PIPE)
        asked = "".join(f"{each} {path}\n" for path, each in ids.items())
        said = io.BytesIO(shell.communicate(asked.encode(errors="surrogateescape"))[0])
        found: dict[str, bytes] = {}
        for path in ids:
            head = said.readline().split()  # id, kind, size
            if len(head) != 3:
                raise GitFailed(f"git cat-file failed: {path} is not in the repository's history")
            found[path] = said.read(int(head[2]))
            said.read(1)
        return found

    def changed(self, paths: Iterable[str]) -> list[str]:
        """Those of the paths that differ from HEAD in the index or the work tree, untracked ones included."""
        out = str(git.Git(self.top).status("--porcelain=v1", "-z", "--untracked-files=all", "--", *paths))
        return [entry[3:] for entry in out.split("\0") if entry]

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
        return str(git.Git(self.top).rev_parse("HEAD"))

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
        return str(git.Git(self.top).rev_parse("HEAD"))

    def forget(self, paths: Iterable[str]) -> None:
        """Take new paths out of the index again."""
        git.Git(self.top).rm("--cached", "--quiet", "--ignore-unmatch", "--force", "--", *paths)


def check_identity(folder: Path) -> None:
    """Raise GitFailed where Git, asked in this folder, does not know who commits."""
    shell = git.Git(folder)
    shell.update_environment(LC_ALL="C")
    try:
        shell.var("GIT_AUTHOR_IDENT")
        shell.var("GIT_COMMITTER_IDENT")
        known = bool(os.environ.get("GIT_AUTHOR_EMAIL") and os.environ.get("GIT_COMMITTER_EMAIL"))
        known = known or bool(os.environ.get("EMAIL")) or bool(shell.config("--get", "user.email"))
    except git.GitCommandError:
        known = False
    if not known:
        raise GitFailed(
            "Git does not know who commits: user.name or user.email is not set",
            hint="git config --global user.name 'NAME' and git config --global user.email 'EMAIL'",
        )


def author(folder: Path) -> str:
    """The name that Git would write on a commit made in this folder. Raises GitFailed where it knows none."""
    check_identity(folder)
    return run(folder, "var", "GIT_AUTHOR_IDENT").rpartition(" <")[0]


def default_branch(folder: Path) -> str:
    """The branch that a new repository starts on: the user's init.defaultBranch, else main."""
    try:
        return str(git.Git(folder).config("--get", "init.defaultBranch")) or "main"
    except git.GitCommandError:
        return "main"


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
