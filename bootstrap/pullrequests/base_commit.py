"""Base commit of a change: HEAD, or for a pull request the newest commit of the remote's base branch."""

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
from bootstrap.pullrequests.record import BRANCH_PREFIX, ChangeRecord, find_record

REMOTE = "origin"
_MAX_LISTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseCommit:
    """A commit of an environment repo; `model` is its taxiway.yaml.

    `heads` maps the remote's base branch and the branches of changes to their commits; empty where the remote was not
    asked.
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
        """The files of these parts of the repo, which are overlays or entries of the top folder."""
        return Tree.union(reading.tree for reading in self.snapshot.read(parts).values())

    def first_of(self, *paths: str) -> bytes | None:
        """The content of the first of these paths that exists; None where none does."""
        return committed.read_first(self.top, self.commit, paths)

    def at(self, reference: str) -> "BaseCommit":
        """This repo at another commit; `model` and `heads` stay. Raises BadOption for an unknown reference."""
        return replace(self, snapshot=Commit.of(self.top, reference))

    def history(self, *paths: str) -> list[tuple[str, ChangeRecord | None]]:
        """The commits that changed these paths, newest first, each with the record in its message."""
        log = git(self.top, "log", "--format=%H%x00%B%x00%x00", self.commit, "--", *paths)
        entries = (entry.strip().partition("\0") for entry in log.split("\0\0") if entry.strip())
        return [(commit, find_record(message)) for commit, _, message in entries]

    def parents(self, *paths: str) -> list[str]:
        """The first parent of each first-parent commit that changed these paths, newest first; "" for a root commit."""
        log = git(self.top, "log", "--first-parent", "--format=%H %P", self.commit, "--", *paths)
        return [[*line.split(), ""][1] for line in log.splitlines()]


def head(top: Path) -> BaseCommit:
    """The commit that is checked out. Raises BadTarget without a commit, or where it has no taxiway.yaml."""
    try:
        snapshot = Commit.of(top, "HEAD")
    except BadOption:
        raise BadTarget(f"{top} has no commit yet", hint="commit first") from None
    text = files_of(snapshot, model.PATH).get(model.PATH)
    if text is None:
        raise BadTarget(f"HEAD holds no {model.PATH}", hint="commit it first")
    return BaseCommit(top=top, model=Model.parse(text), snapshot=snapshot)


def clean_head(top: Path, parts: Iterable[str]) -> BaseCommit:
    """`head`, where these parts have no uncommitted changes. Raises BadTarget otherwise."""
    _require_clean(status.altered(top, *parts))
    return head(top)


def remote_head(top: Path, parts: Iterable[str], *, progress: Progress) -> BaseCommit:
    """The newest commit of the remote's base branch.

    Raises BadTarget where these parts of the work tree differ from it, and where HEAD is not one of its ancestors.
    """
    paths = tuple(parts)
    local = head(top)
    branch = local.model.branch
    with progress(f"asking {REMOTE} for {branch}"):
        _require_clean(status.altered(top, *paths))
        if not repository.Repository(top).origin():
            hint = f"git remote add {REMOTE} {local.model.remote.url}"
            raise BadTarget(f"{top} has no remote {REMOTE} to push to", hint=hint)
        heads = remote.heads(top, REMOTE, branch, f"{BRANCH_PREFIX}*")
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
    moved = git(top, "diff", "--name-only", local.commit, newest, "--", *paths).split("\n")
    if any(moved):
        raise BadTarget(
            f"{branch} moved meanwhile in {', '.join(moved[:_MAX_LISTED])}",
            hint="git pull, look at it, and run the command again",
        )
    return local.at(newest)


def _require_clean(altered: Collection[str]) -> None:
    if altered:
        more = f" and {len(altered) - _MAX_LISTED} more" if len(altered) > _MAX_LISTED else ""
        raise BadTarget(
            f"there are uncommitted changes in {', '.join(sorted(altered)[:_MAX_LISTED])}{more}",
            hint="commit them and push, or git stash, first",
        )
