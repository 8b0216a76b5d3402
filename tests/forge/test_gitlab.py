"""`taxiway promote` into a GitLab that is played on the loopback, where nobody but us asks the owners."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap.forges import tokens
from tests.commands.test_init import git
from tests.commands.test_promote import new_image, publish, succeed
from tests.conftest import Keys, Taxiway
from tests.forge.loopback import Reply, Server, serving
from tests.forge.test_described import of_gitlab

REQUESTS = "/api/v4/projects/7/merge_requests"
USERS = {"ada": 41, "grace": 42}


@pytest.fixture
def server() -> Iterator[Server]:
    """One project, and no merge request yet."""
    with serving() as server:
        server.on("GET /api/v4/projects/acme%2Fenvs", Reply(body={"id": 7, "path_with_namespace": "acme/envs"}))
        server.on(f"GET {REQUESTS}", Reply(body=[]))
        made = {**of_gitlab(server, 1), "reviewers": []}
        server.on(f"POST {REQUESTS}", Reply(status=201, body=made))
        server.on(f"GET {REQUESTS}/1", Reply(body=made))
        server.on(f"PUT {REQUESTS}/1", Reply(body=made))
        yield server


@pytest.fixture
def repo(server: Server, keys: Keys, taxiway: Taxiway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment repo whose remote Git finds in a folder, and taxiway on the server."""
    monkeypatch.setenv(tokens.GENERAL, "tok-1")
    url, folder, remote = f"{server.url}/acme/envs.git", tmp_path / "repo", tmp_path / "remote.git"
    said = taxiway("init", folder, "--repo", url, "--forge", "gitlab", "--sealing-cert", keys.certificate, "--yes")
    assert said.code == 0, said.err
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", remote.name)
    git(folder, "config", f"url.{remote}.insteadOf", url)
    git(folder, "push", "--quiet", "origin", "main")
    monkeypatch.chdir(folder)
    return folder


def sent_bodies(server: Server, method: str) -> list[Any]:
    """What the requests of a method held."""
    return [each.body for each in server.received if each.method == method]


def test_code_owners_of_the_changes_are_requested(repo: Path, server: Server, taxiway: Taxiway) -> None:
    (repo / ".gitlab").mkdir(exist_ok=True)
    owners = "* @ada\n[Releases]\n/overlays/complete/release/ @grace @acme/data\n/overlays/dev/ @linus\n"
    (repo / ".gitlab/CODEOWNERS").write_text(owners)
    new_image(repo)
    users = [Reply(body=[{"id": USERS[each], "username": each}]) for each in ("ada", "grace")]
    server.on("GET /api/v4/users", *users, Reply(body=[]))
    said = taxiway("promote", "complete")
    assert said.code == 0, said.err
    assert sent_bodies(server, "PUT") == [{"reviewer_ids": [41]}, {"reviewer_ids": [42]}]
    assert "asking acme/data for a review failed: no such user, or a group" in said.err


def test_removed_reviewers_are_not_requested_again(repo: Path, server: Server, taxiway: Taxiway) -> None:
    """Whoever was taken off the reviewers stays off."""
    (repo / "CODEOWNERS").write_text("* @ada\n")
    new_image(repo)
    server.on("GET /api/v4/users", Reply(body=[{"id": 41, "username": "ada"}]))
    branch = succeed(taxiway("promote", "complete", "-o", "json"), "opened")["branch"]
    (opened,) = sent_bodies(server, "POST")
    there = {**of_gitlab(server, 1), **opened, "source_branch": branch, "draft": False, "reviewers": [], "labels": []}
    server.on(f"GET {REQUESTS}", Reply(body=[there]))
    server.on(f"GET {REQUESTS}/1", Reply(body=there))
    succeed(taxiway("promote", "complete", "-o", "json"), "unchanged")
    assert len(sent_bodies(server, "PUT")) == 1


def test_without_code_owners_no_review_is_requested(repo: Path, server: Server, taxiway: Taxiway) -> None:
    (repo / "CODEOWNERS").write_text("/base/ @ada\n")
    publish(repo, "owners")
    new_image(repo)
    said = taxiway("promote", "complete")
    assert said.code == 0, said.err
    assert (sent_bodies(server, "PUT"), len(sent_bodies(server, "POST"))) == ([], 1)
