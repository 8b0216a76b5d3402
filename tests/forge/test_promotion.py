"""`taxiway promote` from the first pull request to the rollback, against a real Gitea, over HTTP and over SSH."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bootstrap.forges import tokens
from tests.commands.test_init import git
from tests.commands.test_promote import new_image, refuse, succeed
from tests.conftest import Keys, Taxiway
from tests.forge.gitea import Account, Repository


@pytest.fixture
def repo(
    envs: Repository, acme: Account, keys: Keys, taxiway: Taxiway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A clone of a private repository with an environment repo of dev and complete; Git and taxiway may sign in."""
    for name, value in acme.git_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(tokens.GENERAL, acme.token())
    git(tmp_path, "clone", "--quiet", envs.url, "repo")
    folder = tmp_path / "repo"
    git(folder, "rm", "--quiet", "README.md")
    git(folder, "commit", "--quiet", "-m", "room")
    arguments = ("--repo", envs.url, "--forge", "gitea", "--sealing-cert", keys.certificate, "--yes")
    said = taxiway("init", folder, *arguments)
    assert said.code == 0, said.err
    git(folder, "push", "--quiet", "origin", "main")
    monkeypatch.chdir(folder)
    yield folder


def opened(envs: Repository) -> list[dict[str, Any]]:
    """The open pull requests, as Gitea has them."""
    found: list[dict[str, Any]] = envs.owner.call("GET", f"{envs.path}/pulls?state=open")
    return found


def merge(envs: Repository, repo: Path, how: str = "merge") -> None:
    """Merge the one open pull request on the server, and take it in."""
    (pull,) = opened(envs)
    path, wanted = f"{envs.path}/pulls/{pull['number']}/merge", {"Do": how, "delete_branch_after_merge": True}
    for attempt in range(100):
        try:
            envs.owner.call("POST", path, wanted)
            break
        except urllib.error.HTTPError as err:
            # Gitea looks for conflicts first, in its own time.
            if err.code != 405 or attempt == 99:
                raise
            time.sleep(0.1)
    git(repo, "pull", "--quiet", "--ff-only", "origin", "main")


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_promotion_to_rollback(
    repo: Path, envs: Repository, acme: Account, reviewer: Account, taxiway: Taxiway, how: str
) -> None:
    envs.owner.call("PUT", f"{envs.path}/collaborators/{reviewer.name}", {"permission": "write"})
    new_image(repo)
    wishes = ("--label", "release", "--reviewer", reviewer.name)
    data = succeed(taxiway("promote", "complete", *wishes, "-o", "json"), "opened")
    (pull,) = opened(envs)
    assert data["pullRequest"] == {"number": pull["number"], "url": pull["html_url"]}
    assert pull["title"] == "Promote dev → complete: airflow 3.3.2 → 3.3.3"
    assert "| restart | `Deployment/airflow-scheduler` | its pods restart |" in pull["body"]
    assert [each["name"] for each in pull["labels"]] == ["release"]
    assert [each["login"] for each in pull["requested_reviewers"]] == [reviewer.name]
    assert pull["mergeable"]
    # The same again writes nothing.
    assert succeed(taxiway("promote", "complete", *wishes, "-o", "json"), "unchanged")["branch"] == data["branch"]
    assert opened(envs)[0]["updated_at"] == pull["updated_at"]
    # A newer release goes on in the same pull request.
    new_image(repo, "3.3.4", before="3.3.3")
    succeed(taxiway("promote", "complete", "-o", "json"), "opened")
    (newer,) = opened(envs)
    assert (newer["number"], newer["title"]) == (pull["number"], "Promote dev → complete: airflow 3.3.2 → 3.3.4")
    merge(envs, repo, how)
    succeed(taxiway("promote", "complete", "-o", "json"), "unchanged")
    assert 'newTag: "3.3.4"' in (repo / "overlays/complete/release/kustomization.yaml").read_text()
    # And back.
    said = taxiway("rollback", "complete", "--reason", "tasks hang")
    assert said.code == 0, said.err
    assert "airflow db downgrade" in opened(envs)[0]["body"]
    merge(envs, repo, how)
    assert 'newTag: "3.3.2"' in (repo / "overlays/complete/release/kustomization.yaml").read_text()
    refuse(taxiway("promote", "complete"), 5, "complete is on hold: tasks hang")


def test_the_forge_requests_reviews_from_code_owners(
    repo: Path, envs: Repository, reviewer: Account, taxiway: Taxiway
) -> None:
    """Gitea, Forgejo and GitHub read CODEOWNERS by themselves; test_gitlab.py has the forge that does not."""
    envs.owner.call("PUT", f"{envs.path}/collaborators/{reviewer.name}", {"permission": "write"})
    (repo / "CODEOWNERS").write_text(f"overlays/complete/.* @{reviewer.name}\n")
    new_image(repo)
    said = taxiway("promote", "complete")
    assert said.code == 0, said.err
    (pull,) = opened(envs)
    assert [each["login"] for each in pull["requested_reviewers"]] == [reviewer.name]


def test_an_overtaken_pull_request_is_closed_with_a_comment(repo: Path, envs: Repository, taxiway: Taxiway) -> None:
    new_image(repo)
    succeed(taxiway("promote", "complete", "-o", "json"), "opened")
    (pull,) = opened(envs)
    new_image(repo, environment="complete")  # someone did it by hand
    said = taxiway("promote", "complete")
    assert (said.code, "unchanged" in said.out, "closed " in said.err) == (0, True, True), said.err
    assert opened(envs) == []
    comments = envs.owner.call("GET", f"{envs.path}/issues/{pull['number']}/comments")
    assert [each["body"] for each in comments] == ["All of this is in `main` already."]


def test_a_conflict_is_shown_and_nothing_is_pushed(repo: Path, envs: Repository, taxiway: Taxiway) -> None:
    new_image(repo)
    new_image(repo, "3.4.0", environment="complete")
    refuse(taxiway("promote", "complete"), 5, "both sides changed", "apache/airflow:3.4.0", "apache/airflow:3.3.3")
    assert [each["name"] for each in envs.owner.call("GET", f"{envs.path}/branches")] == ["main"]


def test_ci_comments_the_differences_once(repo: Path, envs: Repository, taxiway: Taxiway) -> None:
    new_image(repo)
    number = json.loads(taxiway("promote", "complete", "-o", "json").out)["data"]["pullRequest"]["number"]
    base = git(repo, "rev-parse", "HEAD")
    git(repo, "fetch", "--quiet", "origin", opened(envs)[0]["head"]["ref"])
    git(repo, "switch", "--quiet", "--detach", "FETCH_HEAD")
    succeed(taxiway("diff", "--from", base, "--comment", number, "-o", "json"), "commented")
    succeed(taxiway("diff", "--from", base, "--comment", number, "-o", "json"), "unchanged")
    (comment,) = envs.owner.call("GET", f"{envs.path}/issues/{number}/comments")
    assert "### complete" in comment["body"]
    assert "### dev" not in comment["body"]
    assert "| migration | `Job/airflow-migrate` |" in comment["body"]


def test_two_concurrent_runs_end_with_one_pull_request(repo: Path, envs: Repository, tmp_path: Path) -> None:
    new_image(repo)
    for number in range(2):
        git(tmp_path, "clone", "--quiet", envs.url, f"clone{number}")
    script = "from bootstrap.cli import main; main(['promote', 'complete', '-o', 'json'])"
    done: list[subprocess.CompletedProcess[str]] = []
    ready = threading.Barrier(2)

    def run(folder: Path) -> None:
        ready.wait()
        argv = [sys.executable, "-c", script]
        done.append(subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False))

    threads = [threading.Thread(target=run, args=[tmp_path / f"clone{number}"]) for number in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.returncode for each in done] == [0, 0], [each.stderr for each in done]
    (pull,) = opened(envs)
    assert {json.loads(each.stdout)["data"]["pullRequest"]["number"] for each in done} == {pull["number"]}


def test_a_protected_branch_is_reported_and_nothing_is_left(repo: Path, envs: Repository, taxiway: Taxiway) -> None:
    rule = {"rule_name": "taxiway/**", "enable_push": False}
    envs.owner.call("POST", f"{envs.path}/branch_protections", rule)
    new_image(repo)
    said = taxiway("promote", "complete")
    refuse(said, 8, "can't be pushed", "rotected branch")
    assert opened(envs) == []


def test_an_expired_token_is_reported_with_what_was_done(
    repo: Path, envs: Repository, acme: Account, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_image(repo)
    token = acme.token()
    acme.revoke(token)
    monkeypatch.setenv(tokens.GENERAL, token)
    said = taxiway("promote", "complete")
    assert (said.code, "401" in said.err) == (10, True), said.err
    assert token not in said.err + said.out
    monkeypatch.setenv(tokens.GENERAL, acme.token())
    succeed(taxiway("promote", "complete", "-o", "json"), "opened")


def test_the_same_over_ssh(
    repo: Path, envs: Repository, acme: Account, taxiway: Taxiway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    acme.call("POST", "/user/keys", {"title": os.urandom(4).hex(), "key": (tmp_path / "key.pub").read_text()})
    trust = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o IdentitiesOnly=yes"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"ssh -i {tmp_path / 'key'} {trust}")
    for name in [name for name in os.environ if name.startswith("GIT_CONFIG_")]:
        if name != "GIT_CONFIG_NOSYSTEM":
            monkeypatch.delenv(name)
    git(repo, "remote", "set-url", "origin", f"ssh://git@127.0.0.1:{acme.gitea.ssh_port}/acme/{envs.name}.git")
    new_image(repo)
    said = taxiway("promote", "complete")
    assert (said.code, f"git config --add taxiway.forge {acme.gitea.url}" in said.err) == (10, True), said.err
    git(repo, "config", "--add", "taxiway.forge", acme.gitea.url)
    succeed(taxiway("promote", "complete", "-o", "json"), "opened")
    assert len(opened(envs)) == 1
