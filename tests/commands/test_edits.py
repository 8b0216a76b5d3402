"""`taxiway set`, `hold`, `unhold` and `env`, end to end: a commit here, or a branch for a pull request."""

import json
from pathlib import Path

import pytest
import yaml

from bootstrap.secrets.sealing import Scope
from tests.commands.test_init import git, snapshot
from tests.commands.test_promote import branches, publish, refuse, succeed
from tests.conftest import Keys, Taxiway


def changed(repo: Path) -> list[str]:
    """The files that the newest commit changed."""
    return git(repo, "show", "--name-only", "--format=", "HEAD").splitlines()


def test_an_image_is_set_with_the_jobs_names_in_one_commit(repo: Path, taxiway: Taxiway) -> None:
    said = succeed(taxiway("set", "image", "airflow=apache/airflow:3.3.3", "-o", "json"), "committed")
    assert said["commit"] == git(repo, "rev-parse", "HEAD")
    assert changed(repo) == ["overlays/dev/release/kustomization.yaml", "overlays/dev/release/release.env"]
    assert git(repo, "status", "--porcelain") == ""
    names = taxiway("render", "dev", "-o", "names").out
    assert "Job/airflow-migrate-3-3-3" in names
    assert "apache/airflow:3.3.2" not in taxiway("render", "dev").out
    succeed(taxiway("set", "image", "airflow=apache/airflow:3.3.3", "-o", "json"), "unchanged")
    succeed(taxiway("set", "image", "airflow=apache/airflow:3.3.2", "-o", "json"), "committed")
    assert git(repo, "diff", "HEAD~2", "--stat") == ""


def test_a_setting_is_set_and_set_back(repo: Path, taxiway: Taxiway) -> None:
    path = repo / "overlays/staging/airflow.env"
    before = path.read_bytes()
    succeed(taxiway("set", "config", "staging", "AIRFLOW__CORE__PARALLELISM=64", "-o", "json"), "committed")
    assert b"AIRFLOW__CORE__PARALLELISM=64" in path.read_bytes()
    assert changed(repo) == ["overlays/staging/airflow.env"]
    succeed(taxiway("set", "config", "staging", "AIRFLOW__CORE__PARALLELISM-", "-o", "json"), "committed")
    assert path.read_bytes() == before


def test_dags_need_a_repository_and_then_take_a_reference(repo: Path, taxiway: Taxiway) -> None:
    refuse(taxiway("set", "dags", "v2"), 5, "DAGS_REPOSITORY is empty")
    path = repo / "overlays/dev/release/release.env"
    path.write_text(path.read_text().replace("DAGS_REPOSITORY=\n", "DAGS_REPOSITORY=https://git.example.com/a/d.git\n"))
    publish(repo)
    succeed(taxiway("set", "dags", "v2", "-o", "json"), "committed")
    assert "DAGS_REFERENCE=v2\n" in path.read_text()


def test_as_a_pull_request_the_checkout_stays(repo: Path, remote: Path, taxiway: Taxiway) -> None:
    head = git(repo, "rev-parse", "HEAD")
    one = succeed(taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64", "--pr", "-o", "json"), "pushed")
    again = succeed(taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64", "--pr", "-o", "json"), "unchanged")
    other = succeed(taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=32", "--pr", "-o", "json"), "pushed")
    assert (git(repo, "rev-parse", "HEAD"), git(repo, "status", "--porcelain")) == (head, "")
    assert one["branch"] == again["branch"] != other["branch"]
    assert set(branches(remote)) == {one["branch"], other["branch"]}


def test_what_can_not_be_set_is_told_and_nothing_is_changed(repo: Path, taxiway: Taxiway) -> None:
    before = snapshot(repo)
    refuse(taxiway("set", "image", "airflow"), 2, "'airflow' is not of the form NAME=IMAGE")
    refuse(taxiway("set", "image", "nginx=nginx:1"), 2, "'nginx' is no image of this release")
    refuse(taxiway("set", "image", "airflow=apache/airflow"), 2, "does not say which image to run")
    refuse(taxiway("set", "config", "qa", "A=1"), 2, "'qa' is not in taxiway.yaml")
    refuse(taxiway("set", "config", "dev", "PARALLELISM"), 2, "is not a setting")
    said = taxiway("set", "config", "dev", "AIRFLOW_CONN_DB=postgresql://u:hunter2@db.example.com/x")
    refuse(said, 3, "holds a secret")
    assert "hunter2" not in said.err + said.out
    refuse(
        taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALELISM=64"), 7, "did you mean AIRFLOW__CORE__PARALLELISM?"
    )
    assert snapshot(repo) == before


def test_uncommitted_changes_of_the_users_own_are_not_taken_along(repo: Path, taxiway: Taxiway) -> None:
    path = repo / "overlays/dev/airflow.env"
    path.write_text(path.read_text() + "# mine\n")
    (repo / "NOTES").write_text("mine\n")
    git(repo, "add", "NOTES")
    refuse(taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64"), 5, "uncommitted changes in overlays/dev")
    git(repo, "checkout", "--quiet", "--", "overlays")
    succeed(taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64", "-o", "json"), "committed")
    assert changed(repo) == ["overlays/dev/airflow.env"]
    assert git(repo, "status", "--porcelain") == "A  NOTES"


def test_a_hook_that_refuses_leaves_all_as_it_was(repo: Path, taxiway: Taxiway) -> None:
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho 'not on mondays' >&2\nexit 1\n")
    hook.chmod(0o755)
    before = {path: data for path, data in snapshot(repo).items() if not path.startswith(".git/")}
    for command in (("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64"), ("env", "add", "qa")):
        said = taxiway(*command)
        assert (said.code, "not on mondays" in said.err) == (8, True), said.err
    after = {path: data for path, data in snapshot(repo).items() if not path.startswith(".git/")}
    assert after == before
    assert git(repo, "status", "--porcelain") == ""


def test_a_killed_edit_is_finished_by_the_next(repo: Path, taxiway: Taxiway) -> None:
    path = repo / "overlays/dev/release/kustomization.yaml"
    path.write_text(path.read_text().replace('newTag: "3.3.2"', 'newTag: "3.3.3"'))  # as far as the killed run came
    succeed(taxiway("set", "image", "airflow=apache/airflow:3.3.3", "-o", "json"), "committed")
    assert git(repo, "status", "--porcelain") == ""
    assert len(changed(repo)) == 2


def test_an_environment_is_added_whole_and_removed_again(repo: Path, taxiway: Taxiway) -> None:
    before = {path: data for path, data in snapshot(repo).items() if not path.startswith(".git/")}
    said = taxiway("env", "add", "qa", "--after", "dev", "--node-port", "30111")
    assert said.code == 0, said.err
    assert git(repo, "status", "--porcelain") == ""
    model = yaml.safe_load((repo / "taxiway.yaml").read_text())
    assert [each["name"] for each in model["environments"]] == ["dev", "qa", "staging", "prod"]
    assert taxiway("validate").code == 0
    assert "nodePort: 30111" in taxiway("render", "qa").out
    succeed(taxiway("env", "add", "qa", "--after", "dev", "--node-port", "30111", "-o", "json"), "unchanged")
    succeed(taxiway("promote", "qa", "--dry-run", "-o", "json"), "unchanged")
    shown = taxiway("env", "remove", "qa")
    assert "  - overlays/qa/kustomization.yaml" in shown.out.splitlines()
    assert (repo / "overlays/qa").is_dir()
    said = taxiway("env", "remove", "qa", "--yes")
    assert said.code == 0, said.err
    assert "kubectl delete" in said.err
    assert {path: data for path, data in snapshot(repo).items() if not path.startswith(".git/")} == before


def test_another_cluster_needs_its_own_certificate(repo: Path, taxiway: Taxiway, keys: Keys) -> None:
    refuse(
        taxiway("env", "add", "eu", "--cluster", "c2"), 2, "cluster c2 has a sealing key of its own", "--sealing-cert"
    )
    said = taxiway("env", "add", "eu", "--cluster", "c2", "--sealing-cert", keys.certificate)
    assert said.code == 0, said.err
    assert (repo / "clusters/c2/eu.yaml").is_file()
    (sealed,) = [
        yaml.safe_load(path.read_text())
        for path in (repo / "overlays/eu/secrets").glob("sealedsecret.airflow-jwt.yaml")
    ]
    value = sealed["spec"]["encryptedData"]["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert len(keys.open(value, Scope.STRICT, "airflow-eu", "airflow-jwt")) >= 64


def test_an_environment_that_can_not_be_is_refused(repo: Path, taxiway: Taxiway) -> None:
    before = snapshot(repo)
    refuse(taxiway("env", "add", "Q A"), 2, "'Q A' can't be the name of an environment")
    refuse(taxiway("env", "add", "qa", "--namespace", "airflow-dev"), 2, "share namespace 'airflow-dev'")
    refuse(taxiway("env", "add", "qa", "--after", "nope"), 2, "'nope' is not in taxiway.yaml")
    refuse(taxiway("env", "remove", "dev", "--yes"), 2, "'dev' is the first environment")
    refuse(taxiway("env", "remove", "nope"), 2, "'nope' is not in taxiway.yaml")
    assert snapshot(repo) == before


def test_an_environment_by_pull_request_is_sealed_once(repo: Path, remote: Path, taxiway: Taxiway) -> None:
    one = succeed(taxiway("env", "add", "qa", "--pr", "-o", "json"), "pushed")
    again = succeed(taxiway("env", "add", "qa", "--pr", "-o", "json"), "unchanged")
    assert branches(remote) == [one["branch"]]
    assert git(remote, "rev-parse", str(one["branch"])) == one["commit"] == again["commit"]
    assert not (repo / "overlays/qa").exists()


def test_the_environments_are_listed(repo: Path, taxiway: Taxiway) -> None:
    assert taxiway("hold", "prod", "--reason", "month end").code == 0
    lines = taxiway("env", "list").out.splitlines()
    assert lines[0].split() == ["ENVIRONMENT", "NAMESPACE", "CLUSTER", "AIRFLOW", "HOLD"]
    assert [line.split()[:4] for line in lines[1:]] == [
        [name, f"airflow-{name}", "default", "3.3.2"] for name in ("dev", "staging", "prod")
    ]
    assert "month end (by Test on " in lines[3]
    rows = json.loads(taxiway("env", "list", "-o", "json").out)["data"]["environments"]
    assert [each["hold"] is None for each in rows] == [True, True, False]


def test_a_hold_is_a_line_and_its_release_restores_the_bytes(repo: Path, taxiway: Taxiway) -> None:
    before = (repo / "taxiway.yaml").read_bytes()
    succeed(taxiway("hold", "prod", "--reason", "a: \"quoted\" 'reason' # é", "-o", "json"), "committed")
    succeed(taxiway("hold", "prod", "--reason", "a: \"quoted\" 'reason' # é", "-o", "json"), "unchanged")
    entry = yaml.safe_load((repo / "taxiway.yaml").read_text())["environments"][2]["hold"]
    assert (entry["reason"], entry["author"]) == ("a: \"quoted\" 'reason' # é", "Test")
    refuse(taxiway("hold", "prod", "--reason", " "), 2, "a hold needs a reason")
    succeed(taxiway("unhold", "prod", "-o", "json"), "committed")
    succeed(taxiway("unhold", "prod", "-o", "json"), "unchanged")
    assert (repo / "taxiway.yaml").read_bytes() == before


def test_init_on_a_repo_with_a_hold_still_changes_nothing(repo: Path, taxiway: Taxiway) -> None:
    assert taxiway("hold", "prod", "--reason", "x").code == 0
    said = taxiway("init", repo)
    assert (said.code, "unchanged" in said.out) == (0, True), said.err


@pytest.mark.parametrize("command", [("set",), ("env",)])
def test_a_group_alone_shows_its_commands(taxiway: Taxiway, command: tuple[str, ...]) -> None:
    said = taxiway(*command)
    assert "Commands" in said.out + said.err


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (("image", "airflow=apache/airflow:3.3.3", "--environment", "staging"), None),
        (("config", "staging", "AIRFLOW__CORE__PARALLELISM=64"), "config staging AIRFLOW__CORE__PARALLELISM=…"),
        (("config", "staging", "AIRFLOW__API__INSTANCE_NAME-"), None),
    ],
)
def test_the_command_in_a_body_names_the_environment_and_no_value(
    repo: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], shown: str | None
) -> None:
    monkeypatch.setattr("bootstrap.pullrequests.description._ROWS", (0,))  # so that the body is cut
    body = succeed(taxiway("set", *arguments, "--dry-run", "-o", "json"), "planned")["body"]
    assert isinstance(body, str)
    assert f"more: `taxiway set {shown or ' '.join(arguments)} --dry-run`" in body
