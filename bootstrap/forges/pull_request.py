"""A pull request: as it is wanted, and as the forge has it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Standing(StrEnum):
    """How far a pull request has come."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestOptions:
    """What the user wants of the pull request; without `pull_request`, the branch alone."""

    pull_request: bool = True
    draft: bool | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A pull request that is wanted. Reviewers are `user` or `group/team`.

    `draft` None leaves an open pull request as its people have it; a new one is then ready for review.
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
    """A pull request that the forge has. The title is without the mark by which some forges know a draft.

    `reviewers` are the people who are asked or have answered; `mergeable` is None where the forge has not looked yet.
    """

    number: int
    url: str
    branch: str
    base: str
    title: str
    body: str
    author: str
    standing: Standing
    draft: bool = False
    labels: frozenset[str] = frozenset()
    reviewers: frozenset[str] = frozenset()
    mergeable: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What has to change on an open pull request; None and empty mean nothing.

    Labels and reviewers are only ever added: what people have put there themselves stays.
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
        """The part of it without labels and reviewers."""
        return replace(self, labels=(), reviewers=())


def revise(now: PullRequest, wanted: Proposal) -> Revision:
    """The changes that make a pull request what is wanted; falsy where it is already so."""
    return Revision(
        title=None if now.title == wanted.title else wanted.title,
        # Forges trim, and give back the line ends of a browser.
        body=None if _plain(now.body) == _plain(wanted.body) else wanted.body,
        draft=None if wanted.draft in (None, now.draft) else wanted.draft,
        labels=_missing(wanted.labels, now.labels),
        # A team leaves the list when one of its people answers, so asking for what is missing would ask for ever.
        reviewers=_missing((each for each in wanted.reviewers if "/" not in each), now.reviewers | {now.author}),
    )


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _missing(wanted: Iterable[str], there: frozenset[str]) -> tuple[str, ...]:
    folded = {each.casefold() for each in there}
    return tuple(each for each in dict.fromkeys(wanted) if each.casefold() not in folded)


class DraftTitle:
    """Titles on a forge that knows a draft by a prefix of its title."""

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
        """The title that a revision leads to."""
        title = now.title if revision.title is None else revision.title
        return self.render(title, draft=now.draft if revision.draft is None else revision.draft)
