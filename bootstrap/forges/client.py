"""Pull requests of one repository on its forge: the one way in. HTTP is imported when it connects."""

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
from bootstrap.forges.hosting import BODY_LIMITS, Hosted
from bootstrap.forges.pull_request import Proposal, PullRequest, Revision, Standing, revise

if TYPE_CHECKING:
    from bootstrap.forges.http import RetryPolicy

# A label or a reviewer that the forge refuses is told, and no reason to give up a pull request that is there.
_OPTIONAL = (403, 404, 422)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The outcome: the pull request as it is now, whether anything was written, and what the forge refused."""

    pull: PullRequest
    changed: bool
    notes: tuple[str, ...] = ()


class PullRequestApi(Protocol):
    """The API of one forge for the pull requests of one repository. Raises Refused, Unreachable, and for bad JSON."""

    def list_for_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        """Those from a branch of the repository itself into another, open or not."""

    def list_open(self) -> Sequence[PullRequest]:
        """All open ones from branches of the repository itself."""

    def get(self, number: int) -> PullRequest:
        """One of them with all that is known of it."""

    def create(self, proposal: Proposal) -> PullRequest:
        """Open one; without labels and reviewers, which may be refused when all else is not."""

    def update(self, number: int, revision: Revision) -> None:
        """Set title, body and draft."""

    def add_label(self, number: int, label: str) -> None:
        """Add a label, which is made where it is missing."""

    def request_review(self, number: int, reviewer: str) -> None:
        """Ask a user, or a team, written `group/team`."""

    def comments(self, number: int) -> Sequence[str]:
        """The texts of all comments."""

    def add_comment(self, number: int, text: str) -> None:
        """Write a comment."""

    def close(self, number: int) -> None:
        """Close one without a merge."""


@contextmanager
def connect(hosted: Hosted, top: Path, *, progress: Progress) -> Iterator["PullRequests"]:
    """The pull requests of a repository with a clone at `top`, for as long as the context lasts, with a token.

    Raises ForgeFailed where the user's clone does not name the host, before a token is looked for, and where there is
    none. Nothing is sent yet.
    """
    trusted_hosts.check(hosted, top)
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
    """The pull requests of one repository. Every method raises ForgeFailed where the forge fails it."""

    hosted: Hosted
    api: PullRequestApi
    retry: "RetryPolicy"
    explainer: ErrorExplainer

    def find(self, branch: str, base: str) -> tuple[PullRequest, ...]:
        """Those from one branch into another: the open one first, then the newest."""
        with self.explainer.explained("looking for the pull request"):
            return _sorted(self.api.list_for_branch(branch, base))

    def under(self, prefix: str) -> tuple[PullRequest, ...]:
        """The open ones from branches whose names begin so, the newest first."""
        with self.explainer.explained("looking through the open pull requests"):
            found = [each for each in self.api.list_open() if each.branch.startswith(prefix)]
            return tuple(sorted(found, key=lambda each: -each.number))

    def get(self, number: int) -> PullRequest:
        """One of them, with all that is known of it."""
        with self.explainer.explained(f"reading pull request {number}"):
            return self.api.get(number)

    def open(self, wanted: Proposal) -> Done:
        """Open a pull request for a branch that is pushed; where one is open already, make that one so.

        A request that may or may not have arrived is never sent twice: what the forge then has decides.
        """
        self._check_length(wanted)
        if there := self._one_open(wanted):
            return self.update(there, wanted)
        after = (
            f"the branch {wanted.branch} is pushed: open the pull request yourself at "
            f"{self.hosted.proposing(wanted.base, wanted.branch)}, or run the same command again"
        )
        try:
            with self.explainer.explained("opening the pull request", after):
                pull = self.api.create(wanted)
        except ForgeFailed:
            # Someone else's was faster, or the answer to ours was lost.
            there = self._one_open_if_reachable(wanted)
            if there is None:
                raise
            return self.update(there, wanted)
        # Of two requests at once Gitea takes both, and both of us must then agree on which one stays.
        if (first := self._one_open(wanted)) and first.number != pull.number:
            return self.update(first, wanted)
        reviewers = tuple(each for each in wanted.reviewers if each.casefold() != pull.author.casefold())
        return Done(pull=pull, changed=True, notes=self._decorate(pull.number, wanted.labels, reviewers))

    def update(self, pull: PullRequest, wanted: Proposal) -> Done:
        """Make an open pull request what is wanted; what is so already is not written again."""
        self._check_length(wanted)
        after = f"the branch {wanted.branch} is pushed, {pull.url} may say what was before: run the same command again"
        with self.explainer.explained("updating the pull request", after):
            now = self.api.get(pull.number)
            revision = revise(now, wanted)
            if not revision:
                return Done(pull=now, changed=False)
            self.retry.settle(
                lambda: self.api.update(pull.number, revision),
                lambda: not revise(self.api.get(pull.number), wanted).texts,
            )
        notes = self._decorate(pull.number, revision.labels, revision.reviewers)
        return Done(pull=self.get(pull.number), changed=True, notes=notes)

    def comment(self, pull: PullRequest, text: str) -> bool:
        """Say something under a pull request, unless the very same has been said there; tells whether it was."""
        with self.explainer.explained(f"commenting on {pull.url}"):
            if self._said(pull, text):
                return False
            self.retry.settle(lambda: self.api.add_comment(pull.number, text), lambda: self._said(pull, text))
            return True

    def close(self, pull: PullRequest, why: str) -> bool:
        """Say why, then close without a merge. Tells whether it was open still; otherwise nothing is done."""
        if not self._is_open(pull):
            return False
        self.comment(pull, why)
        with self.explainer.explained(
            f"closing {pull.url}", "the reason is there as a comment: close it yourself, or run again"
        ):
            self.retry.settle(lambda: self.api.close(pull.number), lambda: not self._is_open(pull))
            return True

    def _is_open(self, pull: PullRequest) -> bool:
        return self.get(pull.number).standing is Standing.OPEN

    def _said(self, pull: PullRequest, text: str) -> bool:
        return any(each.strip() == text.strip() for each in self.api.comments(pull.number))

    def _one_open(self, wanted: Proposal) -> PullRequest | None:
        """The oldest open one, after the others are closed."""
        found = [each for each in self.find(wanted.branch, wanted.base) if each.standing is Standing.OPEN]
        for each in found[1:]:
            self.close(each, f"{found[0].url} is the same and was there before.")
        return found[0] if found else None

    def _check_length(self, wanted: Proposal) -> None:
        limit = BODY_LIMITS[self.hosted.forge]
        if len(wanted.body) > limit:
            raise ForgeFailed(
                f"the pull request's text has {len(wanted.body):,} characters; "
                f"{self.hosted.forge.proper_name} takes {limit:,}",
                hint="this is a defect of taxiway: it should have cut the text",
            )

    def _decorate(self, number: int, labels: Sequence[str], reviewers: Sequence[str]) -> tuple[str, ...]:
        steps = [(f"adding the label {each}", partial(self.api.add_label, number, each)) for each in labels]
        # One by one: a forge refuses them all where it refuses one.
        steps += [(f"asking {each} for a review", partial(self.api.request_review, number, each)) for each in reviewers]
        return tuple(note for doing, step in steps if (note := self._refusal(doing, step)))

    def _refusal(self, doing: str, step: Callable[[], None]) -> str | None:
        with self.explainer.explained(doing, "branch and pull request are there: run the same command again"):
            try:
                self.retry.settle(step, lambda: False)  # labels and reviewers are only ever added
            except Refused as refused:
                if refused.status not in _OPTIONAL or refused.wait() is not None:
                    raise
                return self.explainer.note(refused, doing)
        return None

    def _one_open_if_reachable(self, wanted: Proposal) -> PullRequest | None:
        try:
            return self._one_open(wanted)
        except ForgeFailed:  # the first failure is the one to tell
            return None


def _sorted(pulls: Sequence[PullRequest]) -> tuple[PullRequest, ...]:
    """Open ones first, the oldest of them before the others, then the newest."""
    is_open = Standing.OPEN
    return tuple(sorted(pulls, key=lambda each: (0, each.number) if each.standing is is_open else (1, -each.number)))
