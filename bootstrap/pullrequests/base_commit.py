"""What a pull request is made on: a commit of the base branch that the remote has, and the files that it holds."""

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from bootstrap.config import model
from bootstrap.config.model import Model
from bootstrap.core.errors import BadOption, BadTarget, GitFailed
from bootstrap.core.result import Progress
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import committed, remote, repository, status, worktree
from bootstrap.gitrepo.snapshot import Commit, files_of
from bootstrap.pullrequests import record
from bootstrap.pullrequests.record import Block

REMOTE = "origin"
_LISTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A commit of an environment repo, and what taxiway.yaml says there.

    `heads` are the remote's branches that have to do with it, each with its commit; none where nobody asked the remote.
    """

    top: Path
    known: Model
    snapshot: Commit
    heads: Mapping[str, str] = field(default_factory=dict)

    @property
    def commit(self) -> str:
        """The commit's id."""
        return self.snapshot.commit

    def tree(self, *parts: str) -> Tree:
        """The files of these parts of the repo: overlays, or entries of the top folder."""
        return Tree.union(each.tree for each in self.snapshot.read(parts).values())

    def first_of(self, *paths: str) -> bytes | None:
        """What the first of these files holds that is there; None where none is."""
        return committed.read_first(self.top, self.commit, paths)

    def at(self, reference: str) -> "Ground":
        """The same at another commit. Raises BadOption where there is none."""
        return replace(self, snapshot=Commit.of(self.top, reference))

    def history(self, *paths: str) -> list[tuple[str, Block | None]]:
        """The commits that changed these paths, the newest first, each with the record that it carries."""
        told = _logged(self.top, self.commit, paths)
        entries = (entry.strip().partition("\0") for entry in told.split("\0\0") if entry.strip())
        return [(commit, record.read(message)) for commit, _, message in entries]


@lru_cache(maxsize=8)  # for who asks for it before it is needed: Git takes a while over a long history
def _logged(top: Path, commit: str, paths: tuple[str, ...]) -> str:
    return repository.run(top, "log", "--format=%H%x00%B%x00%x00", commit, "--", *paths)


def head(top: Path) -> Ground:
    """The commit that is checked out. Raises BadTarget where there is none, or it holds no environment repo."""
    try:
        snapshot = Commit.of(top, "HEAD")
    except BadOption:
        raise BadTarget(f"{top} has no commit yet", hint="commit first") from None
    text = files_of(snapshot, model.PATH).get(model.PATH)
    if text is None:
        raise BadTarget(f"HEAD holds no {model.PATH}", hint="commit it first")
    return Ground(top=top, known=Model.parse(text), snapshot=snapshot)


def here(top: Path, parts: Iterable[str], local: Ground | None = None) -> Ground:
    """The commit that is checked out, `local` where it is read already.

    Raises BadTarget where there is none, or these parts have uncommitted changes.
    """
    _refuse(status.altered(top, *parts))
    return local or head(top)


def proposed(
    top: Path, parts: Iterable[str], *, dry_run: bool, progress: Progress, local: Ground | None = None
) -> Ground:
    """What to plan on: the newest commit that the remote has; for a dry run, the one that is checked out."""
    return here(top, parts, local) if dry_run else shared(top, parts, progress=progress, local=local)


def shared(top: Path, parts: Iterable[str], *, progress: Progress, local: Ground | None = None) -> Ground:
    """The newest commit of the base branch that the remote has; `local` is the one that is checked out, if it is read.

    Raises BadTarget where what is checked out is not what the remote has, as far as these parts go.
    """
    wanted = tuple(parts)
    with ThreadPoolExecutor() as pool:
        altered = pool.submit(status.altered, top, *wanted)
        local = local or head(top)
        known = local.known
        asked = None
        if repository.Repository(top).origin():
            asked = pool.submit(remote.heads, top, REMOTE, known.branch, f"{record.BRANCHES}*")
        with progress(f"asking {REMOTE} for {known.branch}"):
            _refuse(altered.result())
            if asked is None:
                hint = f"git remote add {REMOTE} {known.remote.url}"
                raise BadTarget(f"{top} has no remote {REMOTE} to push to", hint=hint)
            heads = asked.result()
    local = replace(local, heads=heads)
    if heads.get(known.branch) == local.commit:
        return local
    with progress(f"fetching {known.branch}"):
        newest = worktree.fetch(top, REMOTE, known.branch)
    try:
        repository.run(top, "merge-base", "--is-ancestor", local.commit, newest)
    except GitFailed:
        raise BadTarget(
            f"HEAD is no commit of {known.branch} that {REMOTE} has",
            hint=f"git switch {known.branch}, and git push, first",
        ) from None
    moved = repository.run(top, "diff", "--name-only", local.commit, newest, "--", *wanted).split("\n")
    if any(moved):
        raise BadTarget(
            f"{known.branch} moved meanwhile in {', '.join(moved[:_LISTED])}",
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
