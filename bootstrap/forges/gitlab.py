"""GitLab: merge requests by the REST API."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode

from bootstrap.forges.errors import Refused
from bootstrap.forges.hosting import HostedRepository
from bootstrap.forges.http import Http
from bootstrap.forges.pull_request import DraftTitle, Proposal, PullRequest, PullRequestState, Revision

_TITLE = DraftTitle("Draft:", "draft:", "[draft]", "(draft)")
# Others are open: a merge request is `locked` while it is being merged.
_STATES = {"merged": PullRequestState.MERGED, "closed": PullRequestState.CLOSED}
_MERGEABLE = {"can_be_merged": True, "cannot_be_merged": False}


@dataclass(frozen=True, kw_only=True)
class GitlabApi:
    """PullRequestApi of one project on GitLab."""

    hosted: HostedRepository
    http: Http

    def list_for_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        return self._list(state="all", source_branch=branch, target_branch=base)

    def list_open(self) -> Sequence[PullRequest]:
        return self._list(state="opened")

    def get(self, number: int) -> PullRequest:
        return _parse(self.http.get(self._request(number)))

    def create(self, proposal: Proposal) -> PullRequest:
        fields = {
            "source_branch": proposal.branch,
            "target_branch": proposal.base,
            "title": _TITLE.render(proposal.title, draft=bool(proposal.draft)),
            "description": proposal.body,
        }
        return _parse(self.http.write("POST", self._requests, fields))

    def update(self, number: int, revision: Revision) -> None:
        fields = {} if revision.body is None else {"description": revision.body}
        if revision.title is not None or revision.draft is not None:
            fields["title"] = _TITLE.revised(self.get(number), revision)
        if fields:
            self._put(number, fields)

    def add_label(self, number: int, label: str) -> None:
        # GitLab creates a label that the project does not have.
        self._put(number, {"add_labels": label})

    def request_review(self, number: int, reviewer: str) -> None:
        present = [user["id"] for user in self.http.get(self._request(number))["reviewers"]]
        added = [user["id"] for user in self.http.get(f"/users?{urlencode({'username': reviewer})}")]
        if not added:
            raise Refused(422, {}, '{"message": "no such user, or a group, which GitLab can not ask"}')
        self._put(number, {"reviewer_ids": [*present, *added]})

    def comments(self, number: int) -> Sequence[str]:
        return [str(note["body"]) for note in self.http.get_all(f"{self._request(number)}/notes", per_page=100)]

    def add_comment(self, number: int, text: str) -> None:
        self.http.write("POST", f"{self._request(number)}/notes", {"body": text})

    def close(self, number: int) -> None:
        self._put(number, {"state_event": "close"})

    @cached_property
    def _requests(self) -> str:
        """The path of all merge requests, by the project's id: GitLab redirects no write to a moved project."""
        project = self.http.get(f"/projects/{quote(self.hosted.slug, safe='')}")
        return f"/projects/{int(project['id'])}/merge_requests"

    def _request(self, number: int) -> str:
        return f"{self._requests}/{number}"

    def _put(self, number: int, fields: dict[str, Any]) -> None:
        self.http.write("PUT", self._request(number), fields)

    def _list(self, **filters: str) -> Sequence[PullRequest]:
        requests = self.http.get_all(self._requests, per_page=100, **filters)
        return [_parse(request) for request in requests if request["source_project_id"] == request["target_project_id"]]


def _parse(request: Any) -> PullRequest:
    return PullRequest(
        number=request["iid"],
        url=request["web_url"],
        branch=request["source_branch"],
        base=request["target_branch"],
        title=_TITLE.plain(request["title"]),
        body=request["description"] or "",
        author=request["author"]["username"],
        state=_STATES.get(request["state"], PullRequestState.OPEN),
        draft=bool(request["draft"]),
        labels=frozenset(request["labels"]),
        reviewers=frozenset(user["username"] for user in request["reviewers"]),
        mergeable=_MERGEABLE.get(request.get("merge_status")),
    )
