"""Two at once, and a server that fails one of them: what may be done twice is done again, or seen to be done."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bootstrap.core.errors import ForgeFailed
from bootstrap.forges import http
from bootstrap.forges.client import PullRequests
from bootstrap.forges.errors import Refused
from bootstrap.forges.pull_request import Proposal, PullRequest, PullRequestState
from tests.forge.conftest import BRANCH
from tests.forge.gitea import Repository

PROPOSAL = Proposal(branch=BRANCH, base="main", title="Promote dev to complete", body="Body.")
NEWER = replace(PROPOSAL, body="Newer.", draft=True, labels=("taxiway",))


class Failing:
    """An API whose server answers 500 so many times to each write, before or after it does what it was asked."""

    def __init__(self, real: object, times: int, *, done: bool) -> None:
        self.real, self.done = real, done
        self.left = dict.fromkeys(("add_comment", "close", "update", "add_label"), times)

    def __getattr__(self, name: str) -> Callable[..., object]:
        step: Callable[..., object] = getattr(self.real, name)

        def call(*args: object) -> object:
            if not self.left.get(name):
                return step(*args)
            self.left[name] -= 1
            if self.done:
                step(*args)
            raise Refused(500, {}, '{"message": "the database is busy"}')

        return call


def failing(pulls: PullRequests, times: int, *, done: bool) -> PullRequests:
    return replace(pulls, api=Failing(pulls.api, times, done=done))  # type: ignore[arg-type]


def comments(envs: Repository, pull: PullRequest) -> list[Any]:
    return [each["body"] for each in envs.owner.call("GET", f"{envs.path}/issues/{pull.number}/comments")]


@pytest.mark.parametrize("done", [True, False], ids=["the answer was lost", "nothing was done"])
def test_closing_is_settled(pulls: PullRequests, envs: Repository, pauses: list[float], done: bool) -> None:
    pull = pulls.open(PROPOSAL).pull
    assert failing(pulls, 1, done=done).close(pull, "Overtaken.")
    assert pulls.get(pull.number).state is PullRequestState.CLOSED
    assert comments(envs, pull) == ["Overtaken."]
    assert pauses == [http.PAUSES[0]] * 2  # the word and the closing


@pytest.mark.parametrize("done", [True, False], ids=["the answer was lost", "nothing was done"])
def test_an_update_is_settled(pulls: PullRequests, pauses: list[float], done: bool) -> None:
    pull = pulls.open(PROPOSAL).pull
    updated = failing(pulls, 1, done=done).update(pull, NEWER)
    assert (updated.pull.body, updated.pull.draft, updated.pull.labels) == ("Newer.", True, frozenset({"taxiway"}))
    assert (updated.changed, updated.notes) == (True, ())
    assert not pulls.update(pull, NEWER).changed
    assert pauses == [http.PAUSES[0]] * 2  # the texts and the label


def test_a_server_that_stays_in_trouble_is_told(pulls: PullRequests, envs: Repository, pauses: list[float]) -> None:
    pull = pulls.open(PROPOSAL).pull
    assert pulls.comment(pull, "Overtaken.")
    broken = failing(pulls, 9, done=False)
    with pytest.raises(ForgeFailed, match=rf"closing {pull.url} failed: .*\(500\) \(the database is busy\)") as caught:
        broken.close(pull, "Overtaken.")
    assert "the reason is there as a comment: close it yourself, or run again" in caught.value.hint
    assert pauses == list(http.PAUSES)
    with pytest.raises(ForgeFailed, match="updating the pull request failed"):
        broken.update(pull, NEWER)
    with pytest.raises(ForgeFailed, match="commenting"):
        broken.comment(pull, "Something else.")
    assert pulls.get(pull.number) == pull
    assert comments(envs, pull) == ["Overtaken."]


def test_two_who_close_the_same_at_once(pulls: PullRequests, envs: Repository) -> None:
    """Gitea answers one of the two with 500, "the issue is already changed", as soon as they meet: in most rounds."""
    pull = pulls.open(PROPOSAL).pull
    together = threading.Barrier(2)
    done: list[bool] = []

    class Together:
        def __getattr__(self, name: str) -> object:
            return getattr(pulls.api, name)

        def get(self, number: int) -> PullRequest:
            found = pulls.api.get(number)
            if not self.met:
                self.met = True
                together.wait(30)
            return found

        met = False

    def close() -> None:
        done.append(replace(pulls, api=Together()).close(pull, "Overtaken."))  # type: ignore[arg-type]

    assert pulls.comment(pull, "Overtaken.")
    for _ in range(8):
        envs.owner.call("PATCH", f"{envs.path}/pulls/{pull.number}", {"state": "open"})
        threads = [threading.Thread(target=close) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert pulls.get(pull.number).state is PullRequestState.CLOSED
    assert done == [True] * 16
    assert comments(envs, pull) == ["Overtaken."]
