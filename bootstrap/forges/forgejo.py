"""Forgejo and Gitea: pull requests by their API, which is the same in both for what is used here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import quote

from bootstrap.forges.errors import Refused
from bootstrap.forges.github import GithubApi
from bootstrap.forges.pull_request import DraftTitle, Proposal, PullRequest, Revision

_TITLE = DraftTitle("WIP:", "wip:", "[wip]")  # both forges' default for WORK_IN_PROGRESS_PREFIXES
_PAGE = 50  # Gitea's default for MAX_RESPONSE_ITEMS
_MAX_LISTED = 1000  # pull requests
_LABEL_COLOR = "#ededed"


@dataclass(frozen=True, kw_only=True)
class ForgejoApi(GithubApi):
    """PullRequestApi of one repository on Forgejo or Gitea, which took most paths and fields from GitHub."""

    def list_for_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        # The list has no filter by branch. This call returns one pull request; only then is the list read for more.
        try:
            first = self._parse(self.http.get(f"{self._repo}/pulls/{quote(base, safe='')}/{quote(branch)}"))
        except Refused as err:
            if err.status != 404:
                raise
            self.http.get(self._repo)  # raises 404 where the repository itself is missing or not visible
            return []
        others = [pull for pull in self._list("all") if pull.number != first.number]
        return [first, *(pull for pull in others if (pull.branch, pull.base) == (branch, base))]

    def list_open(self) -> Sequence[PullRequest]:
        return self._list("open")

    def create(self, proposal: Proposal) -> PullRequest:
        title = _TITLE.render(proposal.title, draft=bool(proposal.draft))
        fields = {"base": proposal.base, "head": proposal.branch, "title": title, "body": proposal.body}
        return self._parse(self.http.write("POST", f"{self._repo}/pulls", fields))

    def update(self, number: int, revision: Revision) -> None:
        fields = {} if revision.body is None else {"body": revision.body}
        if revision.title is not None or revision.draft is not None:
            fields["title"] = _TITLE.revised(self.get(number), revision)
        if fields:
            self.http.write("PATCH", self._pull(number), fields)

    def add_label(self, number: int, label: str) -> None:
        path, labels = f"{self._issue(number)}/labels", {"labels": [label]}
        added = self.http.write("POST", path, labels)
        if label not in [known["name"] for known in added]:  # Gitea ignores an unknown name
            self.http.write("POST", f"{self._repo}/labels", {"name": label, "color": _LABEL_COLOR})
            self.http.write("POST", path, labels)

    def _list(self, state: str) -> list[PullRequest]:
        pulls = self.http.get_all(f"{self._repo}/pulls", state=state, sort="recentupdate", limit=_PAGE)
        own = [pull for pull in islice(pulls, _MAX_LISTED) if pull["head"]["repo_id"] == pull["base"]["repo_id"]]
        return [self._parse(pull) for pull in own]

    def _parse(self, pull: Any, *, reviewed_by: Sequence[str] = ()) -> PullRequest:
        parsed = super()._parse(pull, reviewed_by=reviewed_by)
        return replace(parsed, title=_TITLE.plain(parsed.title))
