"""Pull requests of Forgejo and of Gitea, whose APIs are one as far as this goes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from urllib.parse import quote

from bootstrap.forges.errors import Refused
from bootstrap.forges.github import GithubApi
from bootstrap.forges.pull_request import DraftTitle, Proposal, PullRequest, Revision

_TITLE = DraftTitle("WIP:", "wip:", "[wip]")  # both forges' default for WORK_IN_PROGRESS_PREFIXES
_PAGE = 50  # Gitea's default for its largest page
_RECENT = 1000  # pull requests
_GREY = "#ededed"


@dataclass(frozen=True, kw_only=True)
class ForgejoApi(GithubApi):
    """PullRequestApi of one repository on Forgejo or Gitea, which took most paths and fields from GitHub."""

    def list_for_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        # There is no filter for it. One call says whether there is any; only then is the list looked through.
        try:
            one = self._parse(self.http.get(f"{self._repo}/pulls/{quote(base, safe='')}/{quote(branch)}"))
        except Refused as err:
            if err.status != 404:
                raise
            self.http.get(self._repo)  # 404 here too: it is the repository that isn't there, or may not be seen
            return []
        others = [each for each in self._list("all") if each.number != one.number]
        return [one, *(each for each in others if (each.branch, each.base) == (branch, base))]

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
        there = self.http.write("POST", path, labels)
        if label not in [each["name"] for each in there]:  # Gitea passes over an unknown name in silence
            self.http.write("POST", f"{self._repo}/labels", {"name": label, "color": _GREY})
            self.http.write("POST", path, labels)

    def _list(self, state: str) -> list[PullRequest]:
        found = self.http.get_all(f"{self._repo}/pulls", state=state, sort="recentupdate", limit=_PAGE)
        own = [each for each in islice(found, _RECENT) if each["head"]["repo_id"] == each["base"]["repo_id"]]
        return [self._parse(each) for each in own]

    def _parse(self, pull: Any, *, answered: Sequence[str] = ()) -> PullRequest:
        parsed = super()._parse(pull, answered=answered)
        return replace(parsed, title=_TITLE.plain(parsed.title))
