"""The one door to a forge: the pull requests of one repository. What it takes is imported when it connects."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bootstrap.errors import ForgeFailed
from bootstrap.forges import tokens, trusted_hosts
from bootstrap.forges.hosting import BODY_LIMITS, Hosted
from bootstrap.forges.pull_request import Proposal, PullRequest, Standing, revise
from bootstrap.result import Progress

if TYPE_CHECKING:
    from bootstrap.forges.dialect import Dialect
    from bootstrap.forges.errors import Teller
    from bootstrap.forges.wire import Line

_Value = TypeVar("_Value")
# A label or a reviewer that the forge refuses is told, and no reason to give up a pull request that is there.
_NICETIES = (403, 404, 422)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of a wish: the pull request as it is now, whether anything was written, and what to tell."""

    pull: PullRequest
    changed: bool
    notes: tuple[str, ...] = ()


@contextmanager
def connect(hosted: Hosted, top: Path, *, progress: Progress) -> Iterator["PullRequests"]:
    """The pull requests of a repository with a clone at `top`, for as long as the context lasts, with a token.

    Raises ForgeFailed where the user's clone does not name the host, before a token is looked for, and where there is
    none. Nothing is sent yet.
    """
    trusted_hosts.check(hosted, top)
    token = tokens.find(hosted, top)
    with progress(f"getting ready for {hosted.forge.proper_name}"):
        from bootstrap.forges import dialects
        from bootstrap.forges.errors import Teller
        from bootstrap.forges.wire import Line

        line = Line(host=hosted.host, progress=progress)
    with ExitStack() as clients:
        dialect = dialects.of(hosted, token, line, clients)
        yield PullRequests(hosted=hosted, dialect=dialect, line=line, teller=Teller(hosted=hosted, token=token))


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequests:
    """The pull requests of one repository. Every method raises ForgeFailed where the forge fails it."""

    hosted: Hosted
    dialect: "Dialect"
    line: "Line"
    teller: "Teller"

    def find(self, branch: str, base: str) -> tuple[PullRequest, ...]:
        """Those from one branch into another: the open one first, then the newest."""
        with self._told("looking for the pull request"):
            return _sorted(self.dialect.of_branch(branch, base))

    def under(self, prefix: str) -> tuple[PullRequest, ...]:
        """The open ones from branches whose names begin so, the newest first."""
        with self._told("looking through the open pull requests"):
            found = [each for each in self.dialect.opened() if each.branch.startswith(prefix)]
            return tuple(sorted(found, key=lambda each: -each.number))

    def get(self, number: int) -> PullRequest:
        """One of them, with all that is known of it."""
        with self._told(f"reading pull request {number}"):
            return self.dialect.get(number)

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
        with self._told("opening the pull request", after):
            try:
                pull = self.dialect.create(wanted)
            except Exception:
                # Someone else's was faster, or the answer to ours was lost.
                there = self._quietly(lambda: self._one_open(wanted))
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
        with self._told("updating the pull request", after):
            now = self.dialect.get(pull.number)
            revision = revise(now, wanted)
            if not revision:
                return Done(pull=now, changed=False)
            self.line.settle(
                lambda: self.dialect.revise(pull.number, revision),
                lambda: not revise(self.dialect.get(pull.number), wanted).texts,
            )
        notes = self._decorate(pull.number, revision.labels, revision.reviewers)
        return Done(pull=self.get(pull.number), changed=True, notes=notes)

    def comment(self, pull: PullRequest, text: str) -> bool:
        """Say something under a pull request, unless the very same has been said there; tells whether it was."""
        with self._told(f"commenting on {pull.url}"):
            if self._said(pull, text):
                return False
            self.line.settle(lambda: self.dialect.comment(pull.number, text), lambda: self._said(pull, text))
            return True

    def close(self, pull: PullRequest, why: str) -> bool:
        """Say why, then close without a merge. Tells whether it was open still; otherwise nothing is done."""
        if not self._is_open(pull):
            return False
        self.comment(pull, why)
        with self._told(f"closing {pull.url}", "the reason is there as a comment: close it yourself, or run again"):
            self.line.settle(lambda: self.dialect.close(pull.number), lambda: not self._is_open(pull))
            return True

    def _is_open(self, pull: PullRequest) -> bool:
        return self.get(pull.number).standing is Standing.OPEN

    def _said(self, pull: PullRequest, text: str) -> bool:
        return any(each.strip() == text.strip() for each in self.dialect.comments(pull.number))

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
        wishes = [(f"adding the label {each}", partial(self.dialect.label, number, [each])) for each in labels]
        # One by one: a forge refuses them all where it refuses one.
        wishes += [(f"asking {each} for a review", partial(self.dialect.ask, number, [each])) for each in reviewers]
        return tuple(note for what, wish in wishes if (note := self._refusal(what, wish)))

    def _refusal(self, what: str, wish: Callable[[], None]) -> str | None:
        from bootstrap.forges import wire

        with self._told(what, "branch and pull request are there: run the same command again"):
            try:
                self.line.settle(wish, lambda: False)  # labels and reviewers are only ever added
            except Exception as err:
                refused = wire.answer(err)
                if refused is None or refused.status not in _NICETIES or refused.wait() is not None:
                    raise
                return self.teller.note(refused, what)
        return None

    def _quietly(self, step: Callable[[], _Value]) -> _Value | None:
        try:
            return step()
        except Exception:  # the first failure is the one to tell
            return None

    @contextmanager
    def _told(self, doing: str, after: str = "") -> Iterator[None]:
        try:
            yield
        except ForgeFailed:
            raise
        except Exception as err:
            # `from None`: the frames of the HTTP libraries hold the token.
            raise self.teller.explain(err, doing, after) from None


def _sorted(pulls: Sequence[PullRequest]) -> tuple[PullRequest, ...]:
    """Open ones first, the oldest of them before the others, then the newest."""
    is_open = Standing.OPEN
    return tuple(sorted(pulls, key=lambda each: (0, each.number) if each.standing is is_open else (1, -each.number)))
