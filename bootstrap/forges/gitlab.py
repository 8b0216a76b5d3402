"""Merge requests of GitLab."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

from bootstrap.forges.dialect import Marked, Shared
from bootstrap.forges.hosting import Hosted
from bootstrap.forges.pull_request import Proposal, PullRequest, Revision, Standing
from bootstrap.forges.services import Gitlab
from bootstrap.forges.tokens import Token
from bootstrap.forges.wire import Line, Refused

_DRAFT = Marked("Draft:", "draft:", "[draft]", "(draft)")
# A merge request is `locked` for the moment in which it is merged.
_STANDINGS = {"merged": Standing.MERGED, "closed": Standing.CLOSED}
_MERGEABLE = {"can_be_merged": True, "cannot_be_merged": False}


class GitlabPulls(Shared):
    """The merge requests of one project on GitLab."""

    def __init__(self, hosted: Hosted, token: Token, line: Line, clients: ExitStack) -> None:
        super().__init__(line)
        self.service = Gitlab(hosted, token, clients)
        self.project = self.service.get_project(namespace=hosted.owner, repo=hosted.name)

    def of_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        """Those from a branch of the project itself into another, whatever has become of them."""
        return self._list(state="all", source_branch=branch, target_branch=base)

    def opened(self) -> Sequence[PullRequest]:
        """All open ones from branches of the project itself."""
        return self._list(state="opened")

    def get(self, number: int) -> PullRequest:
        """One of them with all that is known of it."""
        requests = self._requests()
        return _read(self.line.read(lambda: requests.get(number)))

    def create(self, proposal: Proposal) -> PullRequest:
        """Open one, a draft where that is wanted."""
        requests = self._requests()
        fields = {
            "source_branch": proposal.branch,
            "target_branch": proposal.base,
            "title": _DRAFT.title(proposal.title, draft=bool(proposal.draft)),
            "description": proposal.body,
        }
        return _read(self.line.write(lambda: requests.create(fields)))

    def revise(self, number: int, revision: Revision) -> None:
        """Set title, body and draft."""
        fields = {} if revision.body is None else {"description": revision.body}
        if revision.title is not None or revision.draft is not None:
            now = self.get(number)
            title = now.title if revision.title is None else revision.title
            fields["title"] = _DRAFT.title(title, draft=now.draft if revision.draft is None else revision.draft)
        if fields:
            self._update(number, fields)

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Add labels; GitLab makes those that the project doesn't have."""
        self._update(number, {"add_labels": ",".join(labels)})

    def ask(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask more people for a review, which GitLab knows by their numbers; a group it can't ask."""
        requests, users = self._requests(), self.service.gitlab_instance.users
        there = self.line.read(lambda: requests.get(number)).reviewers
        known = [each for name in reviewers for each in self.line.read(partial(users.list, username=name))]
        if len(known) < len(reviewers):
            raise Refused(422, {}, '{"message": "no such user, or a group, which GitLab can not ask"}')
        self._update(number, {"reviewer_ids": [*(each["id"] for each in there), *(each.id for each in known)]})

    def _update(self, number: int, fields: dict[str, Any]) -> None:
        requests = self._requests()
        self.line.write(lambda: requests.update(number, fields))

    def _list(self, **filters: str) -> Sequence[PullRequest]:
        requests = self._requests()
        found = self.line.read(lambda: requests.list(get_all=True, per_page=100, **filters))
        return [_read(each) for each in found if each.source_project_id == each.target_project_id]

    def _requests(self) -> Any:
        return self.line.read(lambda: self.project.gitlab_repo).mergerequests


def _read(request: Any) -> PullRequest:
    return PullRequest(
        number=request.iid,
        url=request.web_url,
        branch=request.source_branch,
        base=request.target_branch,
        title=_DRAFT.plain(request.title),
        body=request.description or "",
        author=request.author["username"],
        standing=_STANDINGS.get(request.state, Standing.OPEN),
        draft=bool(request.draft),
        labels=frozenset(request.labels),
        reviewers=frozenset(each["username"] for each in request.reviewers),
        mergeable=_MERGEABLE.get(request.merge_status),
    )
