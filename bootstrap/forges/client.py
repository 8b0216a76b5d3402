"""Client for the pull requests of one repository, on any forge. httpx is imported when it connects."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bootstrap.config.remote import Forge
from bootstrap.core.errors import ForgeFailed
from bootstrap.core.result import Progress
from bootstrap.forges import tokens, trusted_hosts
from bootstrap.forges.errors import ErrorExplainer, Refused
from bootstrap.forges.hosting import BODY_LIMITS, HostedRepository
from bootstrap.forges.pull_request import Proposal, PullRequest, PullRequestState, Revision, revise

if TYPE_CHECKING:
    from bootstrap.forges.http import RetryPolicy

# Statuses of a refused label or reviewer, which is reported in a note and is no failure.
_OPTIONAL_REFUSALS = (403, 404, 422)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The pull request as it is now, whether anything was written, and notes about refused labels and reviewers."""

    pull: PullRequest
    changed: bool
    notes: tuple[str, ...] = ()


class PullRequestApi(Protocol):
    """The API of one forge for the pull requests of one repository.

    Raises Refused, Unreachable, and the exceptions of `errors.MALFORMED` for an answer in another form.
    """

    def list_for_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        """Pull requests, open or not, from a branch of the repository itself into another one."""

    def list_open(self) -> Sequence[PullRequest]:
        """All open pull requests from branches of the repository itself."""

    def get(self, number: int) -> PullRequest:
        """A pull request with all fields."""

    def create(self, proposal: Proposal) -> PullRequest:
        """Open a pull request, without its labels and reviewers."""

    def update(self, number: int, revision: Revision) -> None:
        """Set title, body and draft."""

    def add_label(self, number: int, label: str) -> None:
        """Add a label, which is created where it is missing."""

    def request_review(self, number: int, reviewer: str) -> None:
        """Request a review from a user, or from a team, written `group/team`."""

    def comments(self, number: int) -> Sequence[str]:
        """The bodies of all comments."""

    def add_comment(self, number: int, text: str) -> None:
        """Add a comment."""

    def close(self, number: int) -> None:
        """Close a pull request without a merge."""


@contextmanager
def connect(hosted: HostedRepository, top: Path, *, progress: Progress) -> Iterator["PullRequests"]:
    """The pull requests of a repository whose clone is at `top`. No request is sent yet.

    Raises ForgeFailed where the clone does not name the forge's host, before a token is looked up, and where there is
    no token.
    """
    trusted_hosts.require_trusted_host(hosted, top)
    token = tokens.find(hosted, top)
    with progress(f"getting ready for {hosted.forge.proper_name}"):
        from bootstrap.forges import forgejo, github, gitlab, http
    apis: Mapping[Forge, Callable[..., PullRequestApi]] = {
        Forge.GITHUB: github.GithubApi,
        Forge.GITLAB: gitlab.GitlabApi,
        Forge.GITEA: forgejo.ForgejoApi,
        Forge.FORGEJO: forgejo.ForgejoApi,
    }
    explainer = ErrorExplainer(hosted=hosted, token=token)
    with explainer.explained("connecting"):
        client = http.connect(hosted, token)
    with client:
        retry = http.RetryPolicy(host=hosted.host, progress=progress)
        api = apis[hosted.forge](hosted=hosted, http=http.Http(base=hosted.api, client=client, retry=retry))
        yield PullRequests(hosted=hosted, api=api, retry=retry, explainer=explainer)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequests:
    """The pull requests of one repository. All methods raise ForgeFailed."""

    hosted: HostedRepository
    api: PullRequestApi
    retry: "RetryPolicy"
    explainer: ErrorExplainer

    def find(self, branch: str, base: str) -> tuple[PullRequest, ...]:
        """The pull requests from one branch into another: open ones, oldest first, then others, newest first."""
        with self.explainer.explained("looking for the pull request"):
            return _sorted(self.api.list_for_branch(branch, base))

    def open_from_prefix(self, prefix: str) -> tuple[PullRequest, ...]:
        """The open pull requests from branches whose names begin with a prefix, the newest first."""
        with self.explainer.explained("looking through the open pull requests"):
            pulls = [pull for pull in self.api.list_open() if pull.branch.startswith(prefix)]
            return tuple(sorted(pulls, key=lambda pull: -pull.number))

    def get(self, number: int) -> PullRequest:
        """A pull request with all fields."""
        with self.explainer.explained(f"reading pull request {number}"):
            return self.api.get(number)

    def open(self, proposal: Proposal) -> Outcome:
        """Open a pull request for a pushed branch, or update the one that is open already.

        The request is never sent a second time: where its answer was lost, the forge is asked what it has.
        """
        self._check_length(proposal)
        if existing := self._single_open(proposal):
            return self.update(existing, proposal)
        after = (
            f"the branch {proposal.branch} is pushed: open the pull request yourself at "
            f"{self.hosted.new_pull_request_url(proposal.base, proposal.branch)}, or run the same command again"
        )
        try:
            with self.explainer.explained("opening the pull request", after):
                pull = self.api.create(proposal)
        except ForgeFailed:
            # Another run may have opened one, or the answer to our request was lost.
            existing = self._single_open_if_reachable(proposal)
            if existing is None:
                raise
            return self.update(existing, proposal)
        # Gitea accepts two concurrent requests. Both runs then have to keep the same pull request.
        if (first := self._single_open(proposal)) and first.number != pull.number:
            return self.update(first, proposal)
        reviewers = tuple(name for name in proposal.reviewers if name.casefold() != pull.author.casefold())
        notes = self._add_labels_and_reviewers(pull.number, proposal.labels, reviewers)
        return Outcome(pull=pull, changed=True, notes=notes)

    def update(self, pull: PullRequest, proposal: Proposal) -> Outcome:
        """Make an open pull request what is proposed. Only what differs is written."""
        self._check_length(proposal)
        after = (
            f"the branch {proposal.branch} is pushed, {pull.url} may say what was before: run the same command again"
        )
        with self.explainer.explained("updating the pull request", after):
            now = self.api.get(pull.number)
            revision = revise(now, proposal)
            if not revision:
                return Outcome(pull=now, changed=False)
            self.retry.write_idempotent(
                lambda: self.api.update(pull.number, revision),
                lambda: not revise(self.api.get(pull.number), proposal).texts,
            )
        notes = self._add_labels_and_reviewers(pull.number, revision.labels, revision.reviewers)
        return Outcome(pull=self.get(pull.number), changed=True, notes=notes)

    def comment(self, pull: PullRequest, text: str) -> bool:
        """Comment on a pull request unless it has the same comment. Returns whether one was added."""
        with self.explainer.explained(f"commenting on {pull.url}"):
            if self._has_comment(pull, text):
                return False
            self.retry.write_idempotent(
                lambda: self.api.add_comment(pull.number, text), lambda: self._has_comment(pull, text)
            )
            return True

    def close(self, pull: PullRequest, why: str) -> bool:
        """Comment with the reason, then close without a merge. Where it is not open, nothing is done: False."""
        if not self._is_open(pull):
            return False
        self.comment(pull, why)
        with self.explainer.explained(
            f"closing {pull.url}", "the reason is there as a comment: close it yourself, or run again"
        ):
            self.retry.write_idempotent(lambda: self.api.close(pull.number), lambda: not self._is_open(pull))
            return True

    def _is_open(self, pull: PullRequest) -> bool:
        return self.get(pull.number).state is PullRequestState.OPEN

    def _has_comment(self, pull: PullRequest, text: str) -> bool:
        return any(comment.strip() == text.strip() for comment in self.api.comments(pull.number))

    def _single_open(self, proposal: Proposal) -> PullRequest | None:
        """The oldest open pull request of a branch, after its duplicates have been closed."""
        pulls = self.find(proposal.branch, proposal.base)
        open_pulls = [pull for pull in pulls if pull.state is PullRequestState.OPEN]
        for duplicate in open_pulls[1:]:
            self.close(duplicate, f"{open_pulls[0].url} is the same and was there before.")
        return open_pulls[0] if open_pulls else None

    def _check_length(self, proposal: Proposal) -> None:
        limit = BODY_LIMITS[self.hosted.forge]
        if len(proposal.body) > limit:
            raise ForgeFailed(
                f"the pull request's text has {len(proposal.body):,} characters; "
                f"{self.hosted.forge.proper_name} takes {limit:,}",
                hint="this is a defect of taxiway: it should have cut the text",
            )

    def _add_labels_and_reviewers(
        self, number: int, labels: Sequence[str], reviewers: Sequence[str]
    ) -> tuple[str, ...]:
        """Add labels and reviewers, and return notes about refused ones."""
        steps = [(f"adding the label {label}", partial(self.api.add_label, number, label)) for label in labels]
        # One request for each: a forge refuses a list where it refuses one reviewer.
        steps += [(f"asking {name} for a review", partial(self.api.request_review, number, name)) for name in reviewers]
        return tuple(note for doing, step in steps if (note := self._try_optional(doing, step)))

    def _try_optional(self, doing: str, step: Callable[[], None]) -> str | None:
        with self.explainer.explained(doing, "branch and pull request are there: run the same command again"):
            try:
                self.retry.write_idempotent(step, lambda: False)  # labels and reviewers are only ever added
            except Refused as refused:
                if refused.status not in _OPTIONAL_REFUSALS or refused.retry_after() is not None:
                    raise
                return self.explainer.note(refused, doing)
        return None

    def _single_open_if_reachable(self, proposal: Proposal) -> PullRequest | None:
        try:
            return self._single_open(proposal)
        except ForgeFailed:  # the caller reports the first failure
            return None


def _sorted(pulls: Sequence[PullRequest]) -> tuple[PullRequest, ...]:
    opened = PullRequestState.OPEN
    return tuple(sorted(pulls, key=lambda pull: (0, pull.number) if pull.state is opened else (1, -pull.number)))
