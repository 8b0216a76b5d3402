"""Pull requests of GitHub and GitHub Enterprise."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from bootstrap.forges.dialect import Shared
from bootstrap.forges.hosting import Hosted
from bootstrap.forges.pull_request import Proposal, PullRequest, Revision, Standing
from bootstrap.forges.services import Github
from bootstrap.forges.tokens import Token
from bootstrap.forges.wire import Line


class GithubPulls(Shared):
    """The pull requests of one repository on GitHub."""

    def __init__(self, hosted: Hosted, token: Token, line: Line, clients: ExitStack) -> None:
        super().__init__(line)
        self.project = Github(hosted, token, clients).get_project(namespace=hosted.owner, repo=hosted.name)
        self._pulls: dict[int, Any] = {}

    def of_branch(self, branch: str, base: str) -> Sequence[PullRequest]:
        """Those from a branch of the repository itself into another, whatever has become of them."""
        repository = self._repository()
        head = f"{repository.owner.login}:{branch}"
        found = self.line.read(lambda: list(repository.get_pulls(state="all", head=head, base=base)))
        # GitHub takes a head that it can't read for none at all, and then answers with everything.
        return [_read(each) for each in found if each.head.ref == branch]

    def opened(self) -> Sequence[PullRequest]:
        """All open ones from branches of the repository itself."""
        repository = self._repository()
        found = self.line.read(lambda: list(repository.get_pulls(state="open")))
        return [_read(each) for each in found if each.head.repo and each.head.repo.id == each.base.repo.id]

    def get(self, number: int) -> PullRequest:
        """One of them with all that is known of it."""
        self._pulls.pop(number, None)
        pull = self._pull(number)
        answered = self.line.read(lambda: [each.user.login for each in pull.get_reviews() if each.user])
        return _read(pull, answered=answered, looked=True)

    def create(self, proposal: Proposal) -> PullRequest:
        """Open one, a draft where that is wanted."""
        repository = self._repository()
        pull = self.line.write(
            lambda: repository.create_pull(
                base=proposal.base,
                head=proposal.branch,
                title=proposal.title,
                body=proposal.body,
                draft=bool(proposal.draft),
            )
        )
        self._pulls[pull.number] = pull
        return _read(pull)

    def revise(self, number: int, revision: Revision) -> None:
        """Set title, body and draft; the last only GitHub's GraphQL can change."""
        pull = self._pull(number)
        fields = {"title": revision.title, "body": revision.body}
        if given := {name: value for name, value in fields.items() if value is not None}:
            self.line.write(lambda: pull.edit(**given))
        if revision.draft is not None:
            self.line.write(pull.convert_to_draft if revision.draft else pull.mark_ready_for_review)

    def label(self, number: int, labels: Sequence[str]) -> None:
        """Add labels; GitHub makes those that the repository doesn't have."""
        pull = self._pull(number)
        # Not by PyGithub's add_to_labels, which sends a bare list: GitHub's description of its API has only this form.
        wanted = {"labels": list(labels)}
        self.line.write(lambda: pull.requester.requestJsonAndCheck("POST", f"{pull.issue_url}/labels", input=wanted))

    def ask(self, number: int, reviewers: Sequence[str]) -> None:
        """Ask more people and teams for a review."""
        pull = self._pull(number)
        people = [each for each in reviewers if "/" not in each]
        teams = [each.partition("/")[2] for each in reviewers if "/" in each]
        self.line.write(lambda: pull.create_review_request(reviewers=people, team_reviewers=teams))

    def _repository(self) -> Any:
        return self.line.read(lambda: self.project.github_repo)

    def _pull(self, number: int) -> Any:
        if number not in self._pulls:
            repository = self._repository()
            self._pulls[number] = self.line.read(lambda: repository.get_pull(number))
        return self._pulls[number]


def _read(pull: Any, *, answered: Sequence[str] = (), looked: bool = False) -> PullRequest:
    asked = [each.login for each in pull.requested_reviewers]
    return PullRequest(
        number=pull.number,
        url=pull.html_url,
        branch=pull.head.ref,
        base=pull.base.ref,
        title=pull.title,
        body=pull.body or "",
        author=pull.user.login if pull.user else "",
        standing=Standing.MERGED if pull.merged_at else Standing(pull.state),
        draft=bool(pull.draft),
        labels=frozenset(each.name for each in pull.labels),
        reviewers=frozenset((*asked, *answered)),
        mergeable=pull.mergeable if looked else None,  # not in a list: the library would ask again for each
    )
