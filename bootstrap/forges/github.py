"""GitHub and GitHub Enterprise: pull requests by the REST API."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import quote

from bootstrap.forges.errors import Refused
from bootstrap.forges.hosting import HostedRepository
from bootstrap.forges.http import Http
from bootstrap.forges.pull_request import Proposal, PullRequest, PullRequestState, Revision

_MUTATION = "mutation($input: {0}Input!) {{ {1}(input: $input) {{ clientMutationId }} }}"


@dataclass(frozen=True, kw_only=True)
class GithubApi:
    """PullRequestApi of one repository on GitHub."""

    hosted: HostedRepository
    http: Http

    def list_for_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        pulls = self.http.get_all(f"{self._repo}/pulls", state="all", head=f"{self._owner}:{branch}", base=base)
        # GitHub ignores a `head` that it can't parse, and returns all.
        return [self._parse(pull) for pull in pulls if pull["head"]["ref"] == branch]

    def list_open(self) -> Sequence[PullRequest]:
        pulls = self.http.get_all(f"{self._repo}/pulls", state="open", per_page=100)
        return [
            self._parse(pull) for pull in pulls if (pull["head"]["repo"] or {}).get("id") == pull["base"]["repo"]["id"]
        ]

    def get(self, number: int) -> PullRequest:
        pull = self.http.get(self._pull(number))
        reviews = self.http.get_all(f"{self._pull(number)}/reviews")
        return self._parse(pull, reviewed_by=[review["user"]["login"] for review in reviews if review["user"]])

    def create(self, proposal: Proposal) -> PullRequest:
        fields = {"base": proposal.base, "head": proposal.branch, "title": proposal.title, "body": proposal.body}
        return self._parse(self.http.write("POST", f"{self._repo}/pulls", {**fields, "draft": bool(proposal.draft)}))

    def update(self, number: int, revision: Revision) -> None:
        fields = {"title": revision.title, "body": revision.body}
        if changed := {name: value for name, value in fields.items() if value is not None}:
            self.http.write("PATCH", self._pull(number), changed)
        # The REST API can't change `draft`, only GraphQL can.
        if revision.draft is not None:
            name = "convertPullRequestToDraft" if revision.draft else "markPullRequestReadyForReview"
            self._mutate(name, {"pullRequestId": self.http.get(self._pull(number))["node_id"]})

    def add_label(self, number: int, label: str) -> None:
        # GitHub creates a label that the repository does not have.
        self.http.write("POST", f"{self._issue(number)}/labels", {"labels": [label]})

    def request_review(self, number: int, reviewer: str) -> None:
        team = reviewer.partition("/")[2]
        fields = {"team_reviewers": [team]} if team else {"reviewers": [reviewer]}
        self.http.write("POST", f"{self._pull(number)}/requested_reviewers", fields)

    def comments(self, number: int) -> Sequence[str]:
        comments = self.http.get_all(f"{self._issue(number)}/comments", per_page=100)
        return [str(comment["body"]) for comment in comments]

    def add_comment(self, number: int, text: str) -> None:
        self.http.write("POST", f"{self._issue(number)}/comments", {"body": text})

    def close(self, number: int) -> None:
        self.http.write("PATCH", self._pull(number), {"state": "closed"})

    @property
    def _repo(self) -> str:
        return f"/repos/{quote(self.hosted.slug)}"

    def _pull(self, number: int) -> str:
        return f"{self._repo}/pulls/{number}"

    def _issue(self, number: int) -> str:
        return f"{self._repo}/issues/{number}"

    @cached_property
    def _owner(self) -> str:
        """The owner's present login, which differs from the URL's after a transfer."""
        return str(self.http.get(self._repo)["owner"]["login"])

    def _mutate(self, name: str, fields: dict[str, str]) -> None:
        graphql = replace(self.http, base=self.http.base.removesuffix("/v3"))
        query = _MUTATION.format(name[0].upper() + name[1:], name)
        answer = graphql.write("POST", "/graphql", {"query": query, "variables": {"input": fields}})
        if answer.get("errors"):  # GraphQL answers errors with status 200
            raise Refused(422, {}, json.dumps({"errors": answer["errors"]}))

    def _parse(self, pull: Any, *, reviewed_by: Sequence[str] = ()) -> PullRequest:
        requested = [user["login"] for user in pull["requested_reviewers"] or ()]
        return PullRequest(
            number=pull["number"],
            url=pull["html_url"],
            branch=pull["head"]["ref"],
            base=pull["base"]["ref"],
            title=pull["title"],
            body=pull["body"] or "",
            author=pull["user"]["login"] if pull["user"] else "",
            state=PullRequestState.MERGED if pull["merged_at"] else PullRequestState(pull["state"]),
            draft=bool(pull.get("draft")),
            labels=frozenset(label["name"] for label in pull["labels"]),
            reviewers=frozenset((*requested, *reviewed_by)),
            mergeable=pull.get("mergeable"),  # not in lists
        )
