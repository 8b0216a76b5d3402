"""Pull requests of Forgejo and of Gitea, whose APIs are one as far as this goes."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any
from urllib.parse import quote

from bootstrap.forges.dialect import PAGE, Marked, Shared
from bootstrap.forges.hosting import Hosted
from bootstrap.forges.pull_request import Proposal, PullRequest, Revision, Standing
from bootstrap.forges.services import Forgejo
from bootstrap.forges.tokens import Token
from bootstrap.forges.wire import Line, Refused

_DRAFT = Marked("WIP:", "wip:", "[wip]")  # both forges' default for WORK_IN_PROGRESS_PREFIXES
_RECENT = 20  # pages of a thousand pull requests
_GREY = "#ededed"


class ForgejoPulls(Shared):
    """The pull requests of one repository on Forgejo or Gitea."""

    def __init__(self, hosted: Hosted, token: Token, line: Line, clients: ExitStack) -> None:
        super().__init__(line)
        self.hosted, self.service = hosted, Forgejo(hosted, token, clients)
        self.project = self.service.get_project(namespace=hosted.owner, repo=hosted.name)

    def of_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        """Those from a branch of the repository itself into another, whatever has become of them.

        There is no filter for it. One call says whether there is any; only then are the latest thousand looked through.
        """
        try:
            one = self._read("repo_get_pull_request_by_base_head", base=quote(base, safe=""), head=quote(branch))
        except Refused as err:
            if err.status != 404:
                raise
            self._read("repo_get")  # 404 here too: it is the repository that isn't there, or may not be seen
            return []
        found = {one.number: one}
        for each in self._pages(state="all", sort="recentupdate"):
            if _is_own(each) and (each.head.ref, each.base.ref) == (branch, base):
                found.setdefault(each.number, each)
        return [_read(each) for each in found.values()]

    def opened(self) -> Sequence[PullRequest]:
        """All open ones from branches of the repository itself."""
        return [_read(each) for each in self._pages(state="open", sort="recentupdate") if _is_own(each)]

    def get(self, number: int) -> PullRequest:
        """One of them with all that is known of it."""
        pull = self._read("repo_get_pull_request", index=number)
        reviews = self._read("repo_list_pull_reviews", index=number)
        return _read(pull, answered=[each.user.login for each in reviews if each.user])

    def create(self, proposal: Proposal) -> PullRequest:
        """Open one, a draft where that is wanted."""
        title = _DRAFT.title(proposal.title, draft=bool(proposal.draft))
        fields = {"base": proposal.base, "head": proposal.branch, "title": title, "body": proposal.body}
        return _read(self.line.write(self._call("repo_create_pull_request", **fields)))

    def revise(self, number: int, revision: Revision) -> None:
        """Set title, body and draft."""
        fields = {} if revision.body is None else {"body": revision.body}
        if revision.title is not None or revision.draft is not None:
            now = self.get(number)
            title = now.title if revision.title is None else revision.title
            fields["title"] = _DRAFT.title(title, draft=now.draft if revision.draft is None else revision.draft)
        if fields:
            self.line.write(self._call("repo_edit_pull_request", index=number, **fields))

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Add labels, of the repository or of its organization; the repository is given those that neither has."""
        add = partial(self._issues.add_label, self.hosted.owner, self.hosted.name, number, labels=list(labels))
        there = {each.name for each in self.line.write(add)}  # names that are unknown are passed over in silence
        missing = [name for name in labels if name not in there]
        for name in missing:
            new = partial(self._issues.create_label, self.hosted.owner, self.hosted.name, name=name, color=_GREY)
            self.line.write(new)
        if missing:
            self.line.write(add)

    def ask(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask more people and teams for a review."""
        people = [each for each in reviewers if "/" not in each]
        teams = [each.partition("/")[2] for each in reviewers if "/" in each]
        fields = {"reviewers": people, "team_reviewers": teams}
        self.line.write(self._call("repo_create_pull_review_requests", index=number, **fields))

    @property
    def _issues(self) -> Any:
        return self.service.api.issue

    def _call(self, name: str, **fields: Any) -> Any:
        return partial(getattr(self.service.api.repository, name), self.hosted.owner, self.hosted.name, **fields)

    def _read(self, name: str, **fields: Any) -> Any:
        return self.line.read(self._call(name, **fields))

    def _pages(self, **filters: str) -> Iterator[Any]:
        for page in range(1, _RECENT + 1):
            found = self._read("repo_list_pull_requests", page=page, limit=PAGE, **filters)
            yield from found
            # A server may give shorter pages than were asked for, so only an empty one is the last.
            if not found:
                return


def _is_own(pull: Any) -> bool:
    return bool(pull.head.repo_id == pull.base.repo_id)


def _read(pull: Any, *, answered: Sequence[str] = ()) -> PullRequest:
    asked = [each.login for each in pull.requested_reviewers or ()]
    return PullRequest(
        number=pull.number,
        url=pull.html_url,
        branch=pull.head.ref,
        base=pull.base.ref,
        title=_DRAFT.plain(pull.title),
        body=pull.body or "",
        author=pull.user.login,
        standing=Standing.MERGED if pull.merged else Standing(pull.state),
        draft=bool(pull.draft),
        labels=frozenset(each.name for each in pull.labels or ()),
        reviewers=frozenset((*asked, *answered)),
        mergeable=pull.mergeable,
    )
