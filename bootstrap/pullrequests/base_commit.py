"""The base commit of a change: a commit of the base branch that the remote has, and the files that it holds."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bootstrap.config import model
from bootstrap.config.model import Model
from bootstrap.core.errors import BadOption, BadTarget, GitFailed
from bootstrap.core.result import Progress
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import committed, remote, repository, status, worktree
from bootstrap.gitrepo.command import git
from bootstrap.gitrepo.snapshot import Commit, files_of
from bootstrap.pullrequests import record
from bootstrap.pullrequests.record import ChangeRecord

REMOTE = "origin"
_LISTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseCommit:
    """A commit of an environment repo, and its taxiway.yaml as `model`.

    `heads` are the remote's base branch and the branches of open changes, each with its commit; empty where the remote
    was not asked.
    """

    top: Path
    model: Model
    snapshot: Commit
    heads: Mapping[str, str] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """The commit's id."""
        return self.snapshot.commit

    def tree(self, *parts: str) -> Tree:
        """The files of these parts of the repo: overlays, or entries of the top folder."""
        return Tree.union(reading.tree for reading in self.snapshot.read(parts).values())

    def first_of(self, *paths: str) -> bytes | None:
        """The content of the first of these files that exists; None where none does."""
        return committed.read_first(self.top, self.commit, paths)

    def at(self, reference: str) -> "BaseCommit":
        """The same at another commit. Raises BadOption where there is none."""
        return replace(self, snapshot=Commit.of(self.top, reference))

    def history(self, *paths: str) -> list[tuple[str, ChangeRecord | None]]:
        """The commits that changed these paths, the newest first, each with the record that it carries."""
        log = git(self.top, "log", "--format=%H%x00%B%x00%x00", self.commit, "--", *paths)
        entries = (entry.strip().partition("\0") for entry in log.split("\0\0") if entry.strip())
        return [(commit, record.read(message)) for commit, _, message in entries]

    def parents(self, *paths: str) -> list[str]:
        """The first parents of the commits of the base branch that changed these paths, the newest first.

        Empty for a commit that has none.
        """
        log = git(self.top, "log", "--first-parent", "--format=%H %P", self.commit, "--", *paths)
        return [[*line.split(), ""][1] for line in log.splitlines()]


def head(top: Path) -> BaseCommit:
    """The commit that is checked out. Raises BadTarget where there is none, or it holds no environment repo."""
    try:
        snapshot = Commit.of(top, "HEAD")
    except BadOption:
        raise BadTarget(f"{top} has no commit yet", hint="commit first") from None
    text = files_of(snapshot, model.PATH).get(model.PATH)
    if text is None:
        raise BadTarget(f"HEAD holds no {model.PATH}", hint="commit it first")
    return BaseCommit(top=top, model=Model.parse(text), snapshot=snapshot)


def clean_head(top: Path, parts: Iterable[str]) -> BaseCommit:
    """The commit that is checked out. Raises BadTarget also where these parts have uncommitted changes."""
    _refuse(status.altered(top, *parts))
    return head(top)


def published(top: Path, parts: Iterable[str], *, progress: Progress) -> BaseCommit:
    """The newest commit of the base branch that the remote has.

    Raises BadTarget where these parts of the work tree are not what that commit holds.
    """
    wanted = tuple(parts)
    local = head(top)
    branch = local.model.branch
    with progress(f"asking {REMOTE} for {branch}"):
        _refuse(status.altered(top, *wanted))
        if not repository.Repository(top).origin():
            hint = f"git remote add {REMOTE} {local.model.remote.url}"
            raise BadTarget(f"{top} has no remote {REMOTE} to push to", hint=hint)
        heads = remote.heads(top, REMOTE, branch, f"{record.BRANCHES}*")
    local = replace(local, heads=heads)
    if heads.get(branch) == local.commit:
        return local
    with progress(f"fetching {branch}"):
        newest = worktree.fetch(top, REMOTE, branch)
    try:
        git(top, "merge-base", "--is-ancestor", local.commit, newest)
    except GitFailed:
        raise BadTarget(
            f"HEAD is no commit of {branch} that {REMOTE} has", hint=f"git switch {branch}, and git push, first"
        ) from None
    moved = git(top, "diff", "--name-only", local.commit, newest, "--", *wanted).split("\n")
    if any(moved):
        raise BadTarget(
            f"{branch} moved meanwhile in {', '.join(moved[:_LISTED])}",
            hint="git pull, look at it, and run the command again",
        )
    return local.at(newest)


def _refuse(altered: Collection[str]) -> None:
    if altered:
        more = f" and {len(altered) - _LISTED} more" if len(altered) > _LISTED else ""
        raise BadTarget(
            f"there are uncommitted changes in {', '.join(sorted(altered)[:_LISTED])}{more}",
            hint="commit them and push, or git stash, first",
        )
