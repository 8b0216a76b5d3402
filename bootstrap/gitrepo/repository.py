"""The pipes to Git's own commands, so that the user's hooks, signing and configuration apply.

GitPython has no part in it: its import takes longer than most commands ask and tell Git altogether.
"""

import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bootstrap.core.errors import BadOption, BadTarget, GitFailed, MissingTool
from bootstrap.gitrepo import command
from bootstrap.gitrepo.command import asked, setting, settings_like
from bootstrap.gitrepo.command import run as run
from bootstrap.system import process
from bootstrap.system.child_environment import Child

OLDEST = (2, 28)  # the first with `git init --initial-branch`
_TRAILER = 20  # bytes of a checksum: of SHA-1, or the last ones of SHA-256 (Git's documentation: index-format)


def check_version() -> None:
    """Raise MissingTool where Git is missing or too old."""
    command.forget()
    wanted = ".".join(map(str, OLDEST))
    try:
        told = process.run(["git", "version"], child=Child.GIT).out.decode(errors="replace")
    except MissingTool:
        raise MissingTool("git is not on PATH", hint=f"install git {wanted} or newer") from None
    match = re.search(r"(\d+)\.(\d+)", told)
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
    return not asked(top, "check-ignore", "--quiet", "--no-index", f"./{path.relative_to(top)}/").code


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a work tree, by its top folder."""

    top: Path

    def branch(self) -> str:
        """The checked-out branch, which may have no commit yet. Raises BadTarget on a detached HEAD."""
        try:
            return run(self.top, "symbolic-ref", "--quiet", "--short", "HEAD")
        except GitFailed:
            raise BadTarget(
                f"{self.top}: HEAD is detached, so a commit would be on no branch", hint="git switch BRANCH first"
            ) from None

    def origin(self) -> str | None:
        """The URL of the remote `origin`."""
        return setting(self.top, "remote.origin.url")

    def origin_urls(self) -> list[str]:
        """The URLs of the remote `origin`, to fetch and to push, as they are configured and as Git resolves them."""
        urls = [value for _, value in settings_like(self.top, r"^remote\.origin\.(url|pushurl)$")]
        for kind in ((), ("--push",)):
            done = asked(self.top, "remote", "get-url", "--all", *kind, "origin")
            urls += [] if done.code else done.out.decode(errors="surrogateescape").splitlines()
        return list(dict.fromkeys(urls))

    def tracking(self) -> tuple[str, tuple[Path, ...]] | None:
        """What says, beside the work tree itself, which of its files Git tracks, and which it ignores.

        That is a checksum of the index, and files elsewhere, which may be missing. None where there is no checksum, or
        where the work tree goes beyond `top`, for then there may be more such files.
        """
        kinds = ("--show-prefix", "--git-path", "index", "--git-path", "info/exclude")
        prefix, *paths = run(self.top, "rev-parse", *kinds).split("\n")
        if prefix or len(paths) != 2:
            return None
        index, exclude = (self.top / each for each in paths)
        named = setting(self.top, "core.excludesFile", "--path")
        own = os.environ.get("XDG_CONFIG_HOME") or f"{os.environ.get('HOME', '')}/.config"
        checksum = _trailer(index)
        return (checksum, (exclude, self.top / (named or f"{own}/git/ignore"))) if checksum else None

    def busy(self) -> bool:
        """Whether a merge, rebase or cherry-pick is under way."""
        folder = self.folder()
        return any(
            (folder / name).exists() for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD")
        )

    def folder(self) -> Path:
        """Git's own folder of this work tree."""
        return Path(run(self.top, "rev-parse", "--absolute-git-dir"))

    def held(self, paths: Iterable[str]) -> set[str]:
        """Those of the paths that HEAD has."""
        try:
            out = run(self.top, "ls-tree", "-r", "-z", "--name-only", "HEAD", "--", *paths)
        except GitFailed:  # no commit yet
            return set()
        return set(out.split("\0")) - {""}

    def files(self, *paths: str) -> list[str]:
        """The files at and below these paths that Git does not ignore, tracked or not, and that are there."""
        listed = run(self.top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths)
        return [path for path in dict.fromkeys(listed.split("\0")) if path and (self.top / path).is_file()]

    def commit_of(self, reference: str) -> str:
        """The id of a commit. Raises BadOption where there is none of this name."""
        try:
            return run(self.top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
        except GitFailed:
            raise BadOption(f"{reference!r} is not a commit of {self.top}", hint="git log shows them") from None

    def has(self, commit: str) -> bool:
        """Whether the commit of this id is here."""
        return not asked(self.top, "cat-file", "-e", f"{commit}^{{commit}}").code

    def contents(self, ids: Mapping[str, str]) -> dict[str, bytes]:
        """What the objects of these paths hold, as Git stores them.

        Not as it would check them out (`--filters`): that runs what .gitattributes names, and tells a wrong size where
        line ends are converted, so that a file could pass off a part of itself as the next one.
        """
        given = "".join(f"{each}\n" for each in ids.values()).encode()
        said = io.BytesIO(asked(self.top, "cat-file", "--batch", stdin=given).out)
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
        out = run(self.top, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", *paths)
        return [entry[3:] for entry in out.split("\0") if entry]

    def stage(self, paths: Iterable[str]) -> None:
        """Take these files into the index as they are, ignored and removed ones included, without a look at others."""
        told = "".join(f"{path}\0" for path in paths).encode(errors="surrogateescape")
        done = asked(self.top, "update-index", "--add", "--remove", "-z", "--stdin", stdin=told)
        if done.code:
            raise GitFailed(f"git update-index failed: {done.err}")


def check_identity(folder: Path) -> None:
    """Raise GitFailed where Git, asked in this folder, does not know who commits."""
    known = not any(asked(folder, "var", f"GIT_{each}_IDENT").code for each in ("AUTHOR", "COMMITTER"))
    told = bool(os.environ.get("GIT_AUTHOR_EMAIL") and os.environ.get("GIT_COMMITTER_EMAIL"))
    if not known or not (told or os.environ.get("EMAIL") or setting(folder, "user.email")):
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
    return setting(folder, "init.defaultBranch") or "main"


def _trailer(index: Path) -> str | None:
    """What ends Git's index, a checksum of all that is in it, unless its user does without (index.skipHash)."""
    try:
        with index.open("rb") as file:
            file.seek(-_TRAILER, os.SEEK_END)
            trailer = file.read()
    except OSError:
        return None
    return trailer.hex() if any(trailer) else None
