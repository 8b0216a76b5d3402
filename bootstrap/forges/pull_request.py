"""Pull request: as it is proposed, as the forge has it, and the difference."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class PullRequestState(StrEnum):
    """The state of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestOptions:
    """The user's options for pull requests. Without `pull_request`, only the branch is pushed."""

    pull_request: bool = True
    draft: bool | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A pull request to open or update. Reviewers are `user` or `group/team`.

    With `draft` None, an open pull request keeps its draft state, and a new one is ready for review.
    """

    branch: str
    base: str
    title: str
    body: str
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    draft: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request on the forge. The title is without the prefix that marks a draft on some forges.

    `reviewers` are the users with a requested or a given review. `mergeable` is None until the forge has checked it.
    """

    number: int
    url: str
    branch: str
    base: str
    title: str
    body: str
    author: str
    state: PullRequestState
    draft: bool = False
    labels: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()
    mergeable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """The changes to an open pull request; None and empty stand for no change.

    Labels and reviewers are only added: those that people have set stay.
    """

    title: str | None = None
    body: str | None = None
    draft: bool | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Revision()

    @property
    def texts(self) -> "Revision":
        """The revision without labels and reviewers."""
        return replace(self, labels=(), reviewers=())


def revise(now: PullRequest, proposal: Proposal) -> Revision:
    """The changes that make a pull request what is proposed; falsy where there are none."""
    users = (reviewer for reviewer in proposal.reviewers if "/" not in reviewer)
    return Revision(
        title=None if now.title == proposal.title else proposal.title,
        body=None if _normalised(now.body) == _normalised(proposal.body) else proposal.body,
        draft=None if proposal.draft in (None, now.draft) else proposal.draft,
        labels=_missing(proposal.labels, now.labels),
        # No teams: a team leaves the list when a member reviews, and would be requested again each time.
        reviewers=_missing(users, now.reviewers | {now.author}),
    )


def _normalised(text: str) -> str:
    """A body without what forges change: they strip it, and return CRLF line ends."""
    return text.replace("\r\n", "\n").strip()


def _missing(names: Iterable[str], present: frozenset[str]) -> tuple[str, ...]:
    folded = {name.casefold() for name in present}
    return tuple(name for name in dict.fromkeys(names) if name.casefold() not in folded)


class DraftTitle:
    """Titles on a forge where a prefix of the title marks a draft. `known` are all prefixes that it recognises."""

    def __init__(self, prefix: str, *known: str) -> None:
        self.prefix = prefix
        self.known = re.compile(rf"\s*(?:{'|'.join(map(re.escape, known))})\s*", re.IGNORECASE)

    def plain(self, title: str) -> str:
        """The title without the prefix."""
        return self.known.sub("", title, count=1) if self.known.match(title) else title

    def render(self, plain: str, *, draft: bool) -> str:
        """The title with the prefix where it is a draft."""
        return f"{self.prefix} {plain}" if draft else plain

    def revised(self, now: PullRequest, revision: Revision) -> str:
        """The title after a revision."""
        title = now.title if revision.title is None else revision.title
        return self.render(title, draft=now.draft if revision.draft is None else revision.draft)
