"""Idempotent writes: they are retried after a server error, or found to be done; also by two runs at once."""

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
    """An API that fails each write `times` times with status 500; with `done`, after it has been executed."""

    def __init__(self, real: object, times: int, *, done: bool) -> None:
        self.real, self.done = real, done
        self.failures = dict.fromkeys(("add_comment", "close", "update", "add_label"), times)

    def __getattr__(self, name: str) -> Callable[..., object]:
        step: Callable[..., object] = getattr(self.real, name)

        def call(*args: object) -> object:
            if not self.failures.get(name):
                return step(*args)
            self.failures[name] -= 1
            if self.done:
                step(*args)
            raise Refused(500, {}, '{"message": "the database is busy"}')

        return call


def failing(pulls: PullRequests, times: int, *, done: bool) -> PullRequests:
    return replace(pulls, api=Failing(pulls.api, times, done=done))  # type: ignore[arg-type]


def comments(envs: Repository, pull: PullRequest) -> list[Any]:
    return [comment["body"] for comment in envs.owner.call("GET", f"{envs.path}/issues/{pull.number}/comments")]


@pytest.mark.parametrize("done", [True, False], ids=["the answer was lost", "nothing was done"])
def test_closing_is_retried(pulls: PullRequests, envs: Repository, pauses: list[float], done: bool) -> None:
    pull = pulls.open(PROPOSAL).pull
    assert failing(pulls, 1, done=done).close(pull, "Overtaken.")
    assert pulls.get(pull.number).state is PullRequestState.CLOSED
    assert comments(envs, pull) == ["Overtaken."]
    assert pauses == [http.PAUSES[0]] * 2  # the comment and the closing


@pytest.mark.parametrize("done", [True, False], ids=["the answer was lost", "nothing was done"])
def test_an_update_is_retried(pulls: PullRequests, pauses: list[float], done: bool) -> None:
    pull = pulls.open(PROPOSAL).pull
    updated = failing(pulls, 1, done=done).update(pull, NEWER)
    assert (updated.pull.body, updated.pull.draft, updated.pull.labels) == ("Newer.", True, frozenset({"taxiway"}))
    assert (updated.changed, updated.notes) == (True, ())
    assert not pulls.update(pull, NEWER).changed
    assert pauses == [http.PAUSES[0]] * 2  # the texts and the label


def test_a_lasting_server_error_is_reported(pulls: PullRequests, envs: Repository, pauses: list[float]) -> None:
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


def test_two_runs_close_the_same_at_once(pulls: PullRequests, envs: Repository) -> None:
    """Gitea answers one of two concurrent requests with 500, "the issue is already changed"."""
    pull = pulls.open(PROPOSAL).pull
    barrier = threading.Barrier(2)
    done: list[bool] = []

    class Concurrent:
        def __getattr__(self, name: str) -> object:
            return getattr(pulls.api, name)

        def get(self, number: int) -> PullRequest:
            now = pulls.api.get(number)
            if not self.waited:
                self.waited = True
                barrier.wait(30)
            return now

        waited = False

    def close() -> None:
        done.append(replace(pulls, api=Concurrent()).close(pull, "Overtaken."))  # type: ignore[arg-type]

    assert pulls.comment(pull, "Overtaken.")
    for _ in range(8):
        envs.owner.call("PATCH", f"{envs.path}/pulls/{pull.number}", {"state": "open"})
        threads = [threading.Thread(target=close) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert pulls.get(pull.number).state is PullRequestState.CLOSED
    assert done == [True] * 16
    assert comments(envs, pull) == ["Overtaken."]
