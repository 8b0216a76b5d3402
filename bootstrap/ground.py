"""What a pull request is made on: a commit of the base branch that the remote has, and the files that it holds."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bootstrap import branches, git, listing, model
from bootstrap.errors import BadOption, BadTarget, GitFailed
from bootstrap.fingerprint import EXECUTABLE, FILE
from bootstrap.model import Model
from bootstrap.result import Progress
from bootstrap.snapshot import Commit, files_of
from bootstrap.trail import Block, read
from bootstrap.tree import Tree

REMOTE = "origin"
_LISTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A commit of an environment repo, and what taxiway.yaml says there."""

    top: Path
    known: Model
    snapshot: Commit

    @property
    def commit(self) -> str:
        """The commit's id."""
        return self.snapshot.commit

    def tree(self, *parts: str) -> Tree:
        """The files of these parts of the repo: overlays, or entries of the top folder."""
        return Tree.union(each.tree for each in self.snapshot.read(parts).values())

    def first_of(self, *paths: str) -> bytes | None:
        """What the first of these files holds that is there; None where none is."""
        listed = listing.blobs(self.top, self.commit, *paths)
        there = {path: blob for path, (mode, blob) in listed.items() if mode in (FILE, EXECUTABLE)}
        chosen = next((path for path in paths if path in there), None)
        return git.Repository(self.top).contents({chosen: there[chosen]})[chosen] if chosen else None

    def at(self, reference: str) -> "Ground":
        """The same at another commit. Raises BadOption where there is none."""
        return Ground(top=self.top, known=self.known, snapshot=Commit.of(self.top, reference))

    def history(self, *paths: str) -> list[tuple[str, Block | None]]:
        """The commits that changed these paths, the newest first, each with the record that it carries."""
        told = git.run(self.top, "log", "--format=%H%x00%B%x00%x00", self.commit, "--", *paths)
        entries = (entry.strip().partition("\0") for entry in told.split("\0\0") if entry.strip())
        return [(commit, read(message)) for commit, _, message in entries]


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


def here(top: Path, parts: Iterable[str]) -> Ground:
    """The commit that is checked out. Raises BadTarget where there is none, or these parts have uncommitted changes."""
    altered = sorted(listing.altered(top, *parts))
    if altered:
        more = f" and {len(altered) - _LISTED} more" if len(altered) > _LISTED else ""
        raise BadTarget(
            f"there are uncommitted changes in {', '.join(altered[:_LISTED])}{more}",
            hint="commit them and push, or git stash, first",
        )
    return head(top)


def shared(top: Path, parts: Iterable[str], *, progress: Progress) -> Ground:
    """The newest commit of the base branch that the remote has.

    Raises BadTarget where what is checked out is not what the remote has, as far as these parts go.
    """
    wanted = tuple(parts)
    local = here(top, wanted)
    known = local.known
    if not git.Repository(top).origin():
        raise BadTarget(f"{top} has no remote {REMOTE} to push to", hint=f"git remote add {REMOTE} {known.remote.url}")
    with progress(f"fetching {known.branch}"):
        newest = branches.fetch(top, REMOTE, known.branch)
    if newest == local.commit:
        return local
    try:
        git.run(top, "merge-base", "--is-ancestor", local.commit, newest)
    except GitFailed:
        raise BadTarget(
            f"HEAD is no commit of {known.branch} that {REMOTE} has",
            hint=f"git switch {known.branch}, and git push, first",
        ) from None
    moved = git.run(top, "diff", "--name-only", local.commit, newest, "--", *wanted).split("\n")
    if any(moved):
        raise BadTarget(
            f"{known.branch} moved meanwhile in {', '.join(moved[:_LISTED])}",
            hint="git pull, look at it, and run the command again",
        )
    return local.at(newest)
