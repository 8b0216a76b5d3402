"""What each forge must answer, and the part of it in which ogr makes them all alike."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from bootstrap.forges.pull_request import Proposal, PullRequest, Revision
from bootstrap.forges.wire import Line

PAGE = 50  # Gitea's default for its largest page


class Dialect(Protocol):
    """The pull requests of one repository, in the words of its forge."""

    def of_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        """Those from a branch of the repository itself into another, whatever has become of them."""

    def opened(self) -> Sequence[PullRequest]:
        """All open ones from branches of the repository itself."""

    def get(self, number: int) -> PullRequest:
        """One of them with all that is known of it."""

    def create(self, proposal: Proposal) -> PullRequest:
        """Open one; without labels and reviewers, which may be refused when all else is not."""

    def revise(self, number: int, revision: Revision) -> None:
        """Set title, body and draft."""

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Add labels."""

    def ask(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask more people for a review."""

    def comments(self, number: int) -> Iterable[str]:
        """What has been said under it."""

    def comment(self, number: int, text: str) -> None:
        """Say something under it."""

    def close(self, number: int) -> None:
        """Close it without a merge."""


class Shared:
    """What ogr does the same everywhere. A subclass gives `project`, ogr's own, and the rest of a Dialect.

    For the rest ogr has no words: it can't ask for the pull requests of one branch (it lists all, of all times), nor
    open a draft, nor ask for a review; and in a fork its `create_pr` opens the pull request in the parent. So those go
    through the client library that ogr brings, by the objects that ogr hands out.
    """

    project: Any

    def __init__(self, line: Line) -> None:
        self.line = line

    def comments(self, number: int) -> list[str]:
        """What has been said under a pull request."""
        return self.line.read(lambda: [str(each.body) for each in self.project.get_pr(number).get_comments()])

    def comment(self, number: int, text: str) -> None:
        """Say something under a pull request."""
        self._write(number, lambda pull: pull.comment(text))

    def close(self, number: int) -> None:
        """Close a pull request without a merge."""
        self._write(number, lambda pull: pull.close())

    def _write(self, number: int, step: Callable[[Any], object]) -> None:
        pull = self.line.read(lambda: self.project.get_pr(number))
        self.line.write(lambda: step(pull))


class Marked:
    """A forge that knows a draft by the beginning of its title."""

    def __init__(self, mark: str, *known: str) -> None:
        self.mark = mark
        self.known = re.compile(rf"\s*(?:{'|'.join(map(re.escape, known))})\s*", re.IGNORECASE)

    def plain(self, title: str) -> str:
        """The title without the mark."""
        return self.known.sub("", title, count=1) if self.known.match(title) else title

    def title(self, plain: str, *, draft: bool) -> str:
        """The title with the mark where it is a draft."""
        return f"{self.mark} {plain}" if draft else plain
