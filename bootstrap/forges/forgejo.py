"""Pull requests of Forgejo and of Gitea, whose APIs are one as far as this goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

from bootstrap.forges.errors import Refused
from bootstrap.forges.hosting import Hosted
from bootstrap.forges.http import Http
from bootstrap.forges.pull_request import DraftTitle, Proposal, PullRequest, Revision, Standing

_TITLE = DraftTitle("WIP:", "wip:", "[wip]")  # both forges' default for WORK_IN_PROGRESS_PREFIXES
_PAGE = 50  # Gitea's default for its largest page
_RECENT = 1000  # pull requests
_GREY = "#ededed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgejoApi:
    """The pull requests of one repository on Forgejo or Gitea."""

    hosted: Hosted
    http: Http

    def list_for_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        """Those from a branch of the repository itself into another, open or not.

        There is no filter for it. One call says whether there is any; only then are the latest thousand looked through.
        """
        try:
            one = _parse(self.http.get(f"{self._repo}/pulls/{quote(base, safe='')}/{quote(branch)}"))
        except Refused as err:
            if err.status != 404:
                raise
            self.http.get(self._repo)  # 404 here too: it is the repository that isn't there, or may not be seen
            return []
        others = [each for each in self._list("all") if each.number != one.number]
        return [one, *(each for each in others if (each.branch, each.base) == (branch, base))]

    def list_open(self) -> Sequence[PullRequest]:
        """All open ones from branches of the repository itself."""
        return self._list("open")

    def get(self, number: int) -> PullRequest:
        """One of them with all that is known of it."""
        pull = self.http.get(self._pull(number))
        reviews = self.http.get_all(f"{self._pull(number)}/reviews")
        return _parse(pull, answered=[each["user"]["login"] for each in reviews if each["user"]])

    def create(self, proposal: Proposal) -> PullRequest:
        """Open one, a draft where that is wanted."""
        title = _TITLE.render(proposal.title, draft=bool(proposal.draft))
        fields = {"base": proposal.base, "head": proposal.branch, "title": title, "body": proposal.body}
        return _parse(self.http.write("POST", f"{self._repo}/pulls", fields))

    def update(self, number: int, revision: Revision) -> None:
        """Set title, body and draft."""
        fields = {} if revision.body is None else {"body": revision.body}
        if revision.title is not None or revision.draft is not None:
            fields["title"] = _TITLE.revised(self.get(number), revision)
        if fields:
            self.http.write("PATCH", self._pull(number), fields)

    def add_label(self, number: int, label: str) -> None:
        """Add a label of the repository or of its organization; the repository is given one that neither has."""
        there = self._add(number, label)
        if label not in [each["name"] for each in there]:  # a name that is unknown is passed over in silence
            self.http.write("POST", f"{self._repo}/labels", {"name": label, "color": _GREY})
            self._add(number, label)

    def request_review(self, number: int, reviewer: str) -> None:
        """Ask a user, or a team, written `group/team`."""
        team = reviewer.partition("/")[2]
        asked = {"team_reviewers": [team]} if team else {"reviewers": [reviewer]}
        self.http.write("POST", f"{self._pull(number)}/requested_reviewers", asked)

    def comments(self, number: int) -> Sequence[str]:
        """The texts of all comments."""
        return [str(each["body"]) for each in self.http.get_all(f"{self._issue(number)}/comments")]

    def add_comment(self, number: int, text: str) -> None:
        """Write a comment."""
        self.http.write("POST", f"{self._issue(number)}/comments", {"body": text})

    def close(self, number: int) -> None:
        """Close one without a merge."""
        self.http.write("PATCH", self._pull(number), {"state": "closed"})

    @property
    def _repo(self) -> str:
        return f"/repos/{quote(self.hosted.slug)}"

    def _pull(self, number: int) -> str:
        return f"{self._repo}/pulls/{number}"

    def _issue(self, number: int) -> str:
        return f"{self._repo}/issues/{number}"

    def _add(self, number: int, label: str) -> Any:
        return self.http.write("POST", f"{self._issue(number)}/labels", {"labels": [label]})

    def _list(self, state: str) -> list[PullRequest]:
        found = self.http.get_all(f"{self._repo}/pulls", state=state, sort="recentupdate", limit=_PAGE)
        return [_parse(each) for each in islice(found, _RECENT) if each["head"]["repo_id"] == each["base"]["repo_id"]]


def _parse(pull: Any, *, answered: Sequence[str] = ()) -> PullRequest:
    asked = [each["login"] for each in pull.get("requested_reviewers") or ()]
    return PullRequest(
        number=pull["number"],
        url=pull["html_url"],
        branch=pull["head"]["ref"],
        base=pull["base"]["ref"],
        title=_TITLE.plain(pull["title"]),
        body=pull["body"] or "",
        author=pull["user"]["login"],
        standing=Standing.MERGED if pull.get("merged") else Standing(pull["state"]),
        draft=bool(pull.get("draft")),
        labels=frozenset(each["name"] for each in pull.get("labels") or ()),
        reviewers=frozenset((*asked, *answered)),
        mergeable=pull.get("mergeable"),
    )
