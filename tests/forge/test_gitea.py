"""Pull requests against a real Gitea, from the first to the merge, and what it refuses."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bootstrap.config.remote import Forge
from bootstrap.core.errors import ForgeFailed
from bootstrap.forges.client import PullRequests
from bootstrap.forges.pull_request import Proposal, PullRequestState
from tests.forge.conftest import BRANCH, Connect
from tests.forge.gitea import Account, Repository

BODY = 'Moves Airflow 3.1.0 to 3.1.1.\n\n| what | how |\n| --- | --- |\n| ü | 漢字 |\n\n<!-- taxiway {"a": "1f2e"} -->'
PROPOSAL = Proposal(branch=BRANCH, base="main", title="Promote dev to complete", body=BODY)


def test_open_find_and_merge(pulls: PullRequests, envs: Repository, acme: Account) -> None:
    assert pulls.find(BRANCH, "main") == ()
    opened = pulls.open(PROPOSAL)
    assert opened.changed and opened.notes == ()
    assert (opened.pull.title, opened.pull.body, opened.pull.state) == (PROPOSAL.title, BODY, PullRequestState.OPEN)
    assert opened.pull.url == f"{acme.gitea.url}/acme/{envs.name}/pulls/1"

    assert [each.number for each in pulls.find(BRANCH, "main")] == [1]
    assert [each.number for each in pulls.open_from_prefix("taxiway/promote-dev-")] == [1]
    assert pulls.open_from_prefix("taxiway/rollback-") == ()
    assert pulls.get(1).mergeable

    acme.call("POST", f"{envs.path}/pulls/1/merge", {"Do": "merge"})
    (merged,) = pulls.find(BRANCH, "main")
    assert merged.state is PullRequestState.MERGED
    assert pulls.open_from_prefix("taxiway/") == ()


def test_the_same_proposal_writes_nothing(pulls: PullRequests, envs: Repository, acme: Account) -> None:
    wanted = replace(PROPOSAL, labels=("taxiway",), draft=True)
    pulls.open(wanted)
    before = _as_written(acme, envs)
    again = pulls.open(wanted)
    assert not again.changed and again.pull.number == 1
    assert _as_written(acme, envs) == before  # `updated_at` among the rest


def test_a_new_proposal_updates_the_open_pull_request(pulls: PullRequests, envs: Repository, acme: Account) -> None:
    pulls.open(replace(PROPOSAL, labels=("taxiway",)))
    acme.call("POST", f"{envs.path}/labels", {"name": "by hand", "color": "#00ff00"})
    acme.call("POST", f"{envs.path}/issues/1/labels", {"labels": ["by hand"]})

    newer = pulls.open(
        replace(PROPOSAL, title="Promote dev to complete: 3.1.2", body="New.", labels=("taxiway", "risk"))
    )
    assert newer.changed and newer.pull.number == 1
    assert (newer.pull.title, newer.pull.body) == ("Promote dev to complete: 3.1.2", "New.")
    assert newer.pull.labels == {"taxiway", "risk", "by hand"}


def test_a_draft_becomes_ready_and_a_draft_again(pulls: PullRequests, envs: Repository, acme: Account) -> None:
    draft = pulls.open(replace(PROPOSAL, draft=True)).pull
    assert draft.draft and draft.title == PROPOSAL.title
    assert acme.call("GET", f"{envs.path}/pulls/1")["title"] == f"WIP: {PROPOSAL.title}"
    assert pulls.update(draft, replace(PROPOSAL, title="Other")).pull.draft  # whoever made it one decides
    assert not pulls.update(draft, replace(PROPOSAL, draft=False)).pull.draft
    assert pulls.update(draft, replace(PROPOSAL, draft=True)).pull.draft


def test_reviews_are_requested_once(
    pulls: PullRequests, envs: Repository, acme: Account, reviewer: Account, connect: Connect
) -> None:
    acme.call("PUT", f"{envs.path}/collaborators/{reviewer.name}", {"permission": "write"})
    wanted = replace(PROPOSAL, reviewers=(reviewer.name, "acme"))
    opened = pulls.open(wanted)
    assert opened.notes == ()  # nobody is asked to review what is their own
    assert pulls.get(1).reviewers == {reviewer.name}
    reviewer.call("POST", f"{envs.path}/pulls/1/reviews", {"event": "APPROVED", "body": "Good."})
    assert not pulls.open(wanted).changed


def test_an_unknown_reviewer_is_a_note_and_no_failure(pulls: PullRequests) -> None:
    opened = pulls.open(replace(PROPOSAL, reviewers=("nobody-of-that-name",), labels=("taxiway",)))
    assert opened.pull.number == 1
    assert opened.notes == ("asking nobody-of-that-name for a review failed: User 'nobody-of-that-name' not exist",)
    assert pulls.get(1).labels == {"taxiway"}


def test_closing_comments_the_reason_once(pulls: PullRequests, envs: Repository, acme: Account) -> None:
    pull = pulls.open(PROPOSAL).pull
    pulls.comment(pull, "Overtaken by #2.")  # as a run that was killed after it
    assert pulls.close(pull, "Overtaken by #2.")
    assert not pulls.close(pull, "Overtaken by #2.")
    assert [each["body"] for each in acme.call("GET", f"{envs.path}/issues/1/comments")] == ["Overtaken by #2."]
    (closed,) = pulls.find(BRANCH, "main")
    assert closed.state is PullRequestState.CLOSED

    # The branch lives on: what is opened from it now is a new pull request, and is found before the old one.
    assert pulls.open(PROPOSAL).pull.number == 2
    assert [each.number for each in pulls.find(BRANCH, "main")] == [2, 1]


def test_two_concurrent_runs_end_with_one_pull_request(
    pulls: PullRequests, envs: Repository, acme: Account, connect: Connect
) -> None:
    class Slow:
        """A second person, who looked before the first one's pull request was there."""

        def __getattr__(self, name: str) -> object:
            return getattr(pulls.api, name)

        looked = False

        def list_for_branch(self, branch: str, base: str) -> object:
            found = pulls.api.list_for_branch(branch, base) if self.looked else []
            self.looked = True
            return found

    first = pulls.open(PROPOSAL).pull
    second = replace(pulls, api=Slow()).open(replace(PROPOSAL, body="Mine."))  # type: ignore[arg-type]
    assert second.pull.number == first.number
    assert second.pull.body == "Mine."
    assert len(acme.call("GET", f"{envs.path}/pulls?state=all")) == 1


def test_of_two_duplicates_the_older_stays_open(pulls: PullRequests, envs: Repository, acme: Account) -> None:
    """Gitea looks for another one first and then makes it, so of two requests at once it takes both."""
    first = pulls.open(PROPOSAL).pull
    assert pulls.close(first, "As if it were not there yet.")

    class Late:
        """The one that is second by a moment: the first is there when its own is made."""

        def __getattr__(self, name: str) -> object:
            return getattr(pulls.api, name)

        def create(self, proposal: Proposal) -> object:
            made = pulls.api.create(proposal)
            acme.call("PATCH", f"{envs.path}/pulls/{first.number}", {"state": "open"})
            return made

    second = replace(pulls, api=Late()).open(replace(PROPOSAL, body="Mine."))  # type: ignore[arg-type]
    assert (second.pull.number, second.pull.body) == (first.number, "Mine.")
    assert [each["number"] for each in acme.call("GET", f"{envs.path}/pulls?state=open")] == [first.number]
    assert [each["number"] for each in acme.call("GET", f"{envs.path}/pulls?state=closed")] == [first.number + 1]
    (said,) = acme.call("GET", f"{envs.path}/issues/{first.number + 1}/comments")
    assert said["body"] == f"{first.url} is the same and was there before."


def test_a_conflict_is_not_mergeable(pulls: PullRequests, envs: Repository) -> None:
    pulls.open(PROPOSAL)
    envs.commit("main", "release.env", "RELEASE=9-9-9\n")
    for _ in range(100):
        if pulls.get(1).mergeable is False:
            return
    pytest.fail("the conflict was not seen")


def test_a_branch_with_the_same_prefix_is_another(pulls: PullRequests, envs: Repository) -> None:
    envs.commit(f"{BRANCH}-2", "other.env", "A=1\n")
    pulls.open(replace(PROPOSAL, branch=f"{BRANCH}-2"))
    assert pulls.find(BRANCH, "main") == ()
    assert pulls.find(f"{BRANCH}-2", "other") == ()
    assert len(pulls.open_from_prefix(BRANCH)) == 1


def test_a_body_of_maximal_length_is_kept_whole(pulls: PullRequests) -> None:
    body = "<!-- é -->" * (1_048_576 // 10)
    pulls.open(replace(PROPOSAL, body=body))
    assert pulls.get(1).body == body
    with pytest.raises(ForgeFailed, match="1,048,577"):
        pulls.open(replace(PROPOSAL, body="x" * 1_048_577))


def test_a_revoked_token_is_reported(pulls: PullRequests, envs: Repository, acme: Account, connect: Connect) -> None:
    token = acme.token()
    late = connect(envs.url, Forge.GITEA, token)
    acme.revoke(token)
    with pytest.raises(ForgeFailed, match="does not take the token from TAXIWAY_TOKEN \\(401\\)") as caught:
        late.find(BRANCH, "main")
    assert "renew" in caught.value.hint
    assert token not in str(caught.value) + caught.value.hint


def test_a_read_only_token_is_reported(pulls: PullRequests, envs: Repository, acme: Account, connect: Connect) -> None:
    reading = connect(envs.url, Forge.GITEA, acme.token("read:repository"))
    assert reading.find(BRANCH, "main") == ()
    with pytest.raises(ForgeFailed, match="lacks the right to do that \\(403\\)") as caught:
        reading.open(PROPOSAL)
    assert "read and write for repository and issue" in caught.value.hint
    assert f"/compare/main...{BRANCH}" in caught.value.hint


def test_an_invisible_repository_is_reported(
    envs: Repository, reviewer: Account, acme: Account, connect: Connect
) -> None:
    outside = connect(envs.url, Forge.GITEA, reviewer.token())
    with pytest.raises(ForgeFailed, match="may not see it \\(404\\)"):
        outside.find(BRANCH, "main")


def test_a_missing_branch_is_reported(pulls: PullRequests) -> None:
    with pytest.raises(ForgeFailed, match=r"404|422"):
        pulls.open(replace(PROPOSAL, branch="taxiway/nowhere"))


def test_a_protected_branch_takes_pull_requests_only(
    pulls: PullRequests, envs: Repository, acme: Account, tmp_path: Path
) -> None:
    acme.call("POST", f"{envs.path}/branch_protections", {"rule_name": "main", "enable_push": False})
    assert "protected branch" in envs.push("main", tmp_path / "straight").stderr
    # Over Git, and asked for at once: a push is known to the API only when Gitea's own queue has come to it.
    assert envs.push("taxiway/by-git", tmp_path / "aside").returncode == 0
    pull = pulls.open(replace(PROPOSAL, branch="taxiway/by-git")).pull
    assert pulls.find("taxiway/by-git", "main") == (pull,)
    pull = pulls.open(PROPOSAL).pull
    acme.call("POST", f"{envs.path}/pulls/{pull.number}/merge", {"Do": "squash"})
    assert pulls.get(pull.number).state is PullRequestState.MERGED


def test_forgejo_has_the_same_api(envs: Repository, acme: Account, connect: Connect) -> None:
    envs.commit(BRANCH, "release.env", "RELEASE=3-1-1\n")
    pulls = connect(envs.url, Forge.FORGEJO, acme.token())
    assert pulls.open(PROPOSAL).pull == pulls.find(BRANCH, "main")[0]


def _as_written(acme: Account, envs: Repository) -> Any:
    """The pull request, but for what Gitea reckons of the repository by itself, some seconds after a push."""
    pull = acme.call("GET", f"{envs.path}/pulls/1")
    for side in ("head", "base"):
        for reckoned in ("size", "updated_at"):
            del pull[side]["repo"][reckoned]
    return pull
