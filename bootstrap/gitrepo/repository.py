"""Repository: questions to Git and changes of its index, by Git's own commands.

Not by GitPython, whose import takes longer than all calls of Git in most commands.
"""

import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap.core.errors import BadOption, BadTarget, GitFailed, MissingTool
from bootstrap.gitrepo import command
from bootstrap.gitrepo.command import git, setting, settings_matching, try_git
from bootstrap.system import process
from bootstrap.system.child_environment import Child

OLDEST = (2, 28)  # the first with `git init --initial-branch`


def check_version() -> None:
    """Raise MissingTool where Git is missing or too old."""
    command.clear_cache()
    oldest = ".".join(map(str, OLDEST))
    try:
        out = process.run(["git", "version"], child=Child.GIT).out.decode(errors="replace")
    except MissingTool:
        raise MissingTool("git is not on PATH", hint=f"install git {oldest} or newer") from None
    match = re.search(r"(\d+)\.(\d+)", out)
    if match and (int(match[1]), int(match[2])) < OLDEST:
        raise MissingTool(f"git {match[0]} is too old", hint=f"install git {oldest} or newer")


def enclosing(folder: Path) -> Path | None:
    """The top of the work tree around a folder, which need not exist yet; None where there is none."""
    return next((parent for parent in (folder, *folder.parents) if (parent / ".git").exists()), None)


def ignores(top: Path, path: Path) -> bool:
    """Whether the repository at `top` ignores a path below it."""
    return not try_git(top, "check-ignore", "--quiet", "--no-index", f"./{path.relative_to(top)}/").code


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a work tree whose top folder is `top`."""

    top: Path

    def branch(self) -> str:
        """The checked-out branch, which may have no commit yet. Raises BadTarget on a detached HEAD."""
        try:
            return git(self.top, "symbolic-ref", "--quiet", "--short", "HEAD")
        except GitFailed:
            raise BadTarget(
                f"{self.top}: HEAD is detached, so a commit would be on no branch", hint="git switch BRANCH first"
            ) from None

    def origin(self) -> str | None:
        """The URL of the remote `origin`."""
        return setting(self.top, "remote.origin.url")

    def origin_urls(self) -> list[str]:
        """The fetch and push URLs of the remote `origin`, as configured and as Git resolves them (url.insteadOf)."""
        urls = [value for _, value in settings_matching(self.top, r"^remote\.origin\.(url|pushurl)$")]
        for kind in ((), ("--push",)):
            finished = try_git(self.top, "remote", "get-url", "--all", *kind, "origin")
            urls += [] if finished.code else finished.out.decode(errors="surrogateescape").splitlines()
        return list(dict.fromkeys(urls))

    def is_merging(self) -> bool:
        """Whether a merge, rebase or cherry-pick is under way."""
        folder = self.folder()
        return any(
            (folder / name).exists() for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD")
        )

    def folder(self) -> Path:
        """The `.git` folder of this work tree, wherever it is."""
        return Path(git(self.top, "rev-parse", "--absolute-git-dir"))

    def in_head(self, paths: Iterable[str]) -> set[str]:
        """The files at and below these paths that HEAD has."""
        try:
            out = git(self.top, "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths)
        except GitFailed:  # no commit yet
            return set()
        return set(out.split("\0")) - {""}

    def files(self, *paths: str) -> list[str]:
        """The existing files at and below these paths, tracked or not, without those that Git ignores."""
        listed = git(self.top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths)
        return [path for path in dict.fromkeys(listed.split("\0")) if path and (self.top / path).is_file()]

    def commit_of(self, reference: str) -> str:
        """The id of a commit. Raises BadOption where there is none of this name."""
        try:
            return git(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
        except GitFailed:
            raise BadOption(f"{reference!r} is not a commit of {self.top}", hint="git log shows them") from None

    def has_commit(self, commit: str) -> bool:
        """Whether the repository has the commit of this id."""
        return not try_git(self.top, "cat-file", "-e", f"{commit}^{{commit}}").code

    def read_objects(self, ids: Mapping[str, str]) -> dict[str, bytes]:
        """The content of objects, given by path and id, as Git stores it.

        Not as it is checked out (`--filters`): that runs programs that .gitattributes names, and reports a wrong size
        where line ends are converted, so that the end of one file could pass for the next one.
        """
        request = "".join(f"{object_id}\n" for object_id in ids.values()).encode()
        answer = io.BytesIO(try_git(self.top, "cat-file", "--batch", stdin=request).out)
        contents: dict[str, bytes] = {}
        for path in ids:
            head = answer.readline().split()  # id, type, size
            if len(head) != 3:
                raise GitFailed(f"git cat-file failed: {path} is not in the repository's history")
            contents[path] = answer.read(int(head[2]))
            answer.read(1)
        return contents

    def changed(self, paths: Iterable[str]) -> list[str]:
        """The files at and below these paths that differ from HEAD in the index or the work tree, or are untracked."""
        out = git(self.top, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *paths)
        return [entry[3:] for entry in out.split("\0") if entry]

    def stage(self, paths: Iterable[str]) -> None:
        """Stage these files as they are, ignored and removed ones included."""
        # Faster than `git add` in a large repo: update-index looks at no other file.
        request = "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")
        finished = try_git(self.top, "update-index", "--add", "--remove", "-z", "--stdin", stdin=request)
        if finished.code:
            raise GitFailed(f"git update-index failed: {finished.err}")


def check_identity(folder: Path) -> None:
    """Raise GitFailed where Git has no author or committer for a commit in this folder, or would invent an e-mail."""
    known = not any(try_git(folder, "var", f"GIT_{role}_IDENT").code for role in ("AUTHOR", "COMMITTER"))
    in_environment = bool(os.environ.get("GIT_AUTHOR_EMAIL") and os.environ.get("GIT_COMMITTER_EMAIL"))
    if not known or not (in_environment or os.environ.get("EMAIL") or setting(folder, "user.email")):
        raise GitFailed(
            "Git does not know who commits: user.name or user.email is not set",
            hint="git config --global user.name 'NAME' and git config --global user.email 'EMAIL'",
        )


def author(folder: Path) -> str:
    """The author's name of a commit in this folder. Raises GitFailed where Git knows none."""
    check_identity(folder)
    return git(folder, "var", "GIT_AUTHOR_IDENT").rpartition(" <")[0]


def default_branch(folder: Path) -> str:
    """The branch that a new repository starts on: the user's init.defaultBranch, else main."""
    return setting(folder, "init.defaultBranch") or "main"
