"""`taxiway init`, end to end: real Git, real kustomize, real certificates."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap.config.model import Model
from bootstrap.secrets.sealing import Scope
from tests import rendering
from tests.conftest import REPO_URL, Keys, Ran, Taxiway


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, Git's own included, but for what Git writes when it only looks."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and path.name != "index"
    }


@pytest.fixture
def init(taxiway: Taxiway, keys: Keys) -> Taxiway:
    """Run `taxiway init` with a repository URL and a certificate, and expect success."""

    def run(*arguments: object) -> Ran:
        ran = taxiway("init", "--repo", REPO_URL, "--sealing-cert", keys.certificate, *arguments)
        assert ran.code == 0, ran.err
        return ran

    return run


def objects(folder: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(rendering.build(folder)))


def test_a_new_folder_becomes_a_repository_with_one_commit(init: Taxiway, tmp_path: Path) -> None:
    target = tmp_path / "envs"
    said = init(target)
    assert git(target, "status", "--porcelain") == ""
    assert git(target, "rev-list", "--count", "HEAD") == "1"
    assert git(target, "branch", "--show-current") == "main"
    assert (
        git(target, "log", "-1", "--format=%an <%ae> %s") == "Test <test@example.com> Bootstrap Airflow: dev, complete"
    )
    assert git(target, "config", "remote.origin.url") == REPO_URL
    assert "dev → complete" in said.out
    assert said.err == ""
    assert [path.name for path in tmp_path.iterdir()] == ["envs"]


def test_the_repository_has_the_shape_of_the_design(init: Taxiway, tmp_path: Path) -> None:
    init(tmp_path / "envs")
    names = {path.name for path in (tmp_path / "envs").iterdir()}
    assert names == {".git", ".github", ".taxiway", "README.md", "base", "clusters", "overlays", "taxiway.yaml"}
    for overlay, pinned in (("dev", False), ("complete", True)):
        folder = tmp_path / "envs/overlays" / overlay
        assert (folder / "base").is_dir() == pinned
        assert {"kustomization.yaml", "airflow.env", "release", "secrets", "namespace.yaml"} <= {
            p.name for p in folder.iterdir()
        }
    shared, pinned_base = tmp_path / "envs/base", tmp_path / "envs/overlays/complete/base"
    assert snapshot(shared) == snapshot(pinned_base)


def test_every_environment_builds_into_its_own_namespace_with_every_secret_sealed(
    init: Taxiway, keys: Keys, tmp_path: Path
) -> None:
    init(tmp_path / "envs", "--namespace", "complete=data-prod")
    for overlay, namespace in (("dev", "airflow-dev"), ("complete", "data-prod")):
        built = objects(tmp_path / "envs/overlays" / overlay)
        assert {each["metadata"].get("namespace", namespace) for each in built} == {namespace}
        assert [each["metadata"]["name"] for each in built if each["kind"] == "Namespace"] == [namespace]
        assert "Secret" not in {each["kind"] for each in built}
        sealed = {each["metadata"]["name"]: each for each in built if each["kind"] == "SealedSecret"}
        assert set(sealed) == {
            "airflow-admin", "airflow-api", "airflow-connections", "airflow-fernet", "airflow-jwt", "airflow-postgres",
        }  # fmt: skip
        for name, each in sealed.items():
            assert each["spec"]["template"]["metadata"] == {"name": name, "namespace": namespace}
            for key, value in each["spec"]["encryptedData"].items():
                assert keys.open(value, Scope.STRICT, namespace, name)
                record = dict(
                    part.split("=", 1) for part in each["metadata"]["annotations"][f"taxiway/sealed.{key}"].split()
                )
                assert record["for"] == f"{namespace}/{name}"
                assert record["scope"] == "strict"
                assert record["certificate"].startswith("sha256:")
                assert record["at"].endswith("Z")


def test_environments_share_no_secret(init: Taxiway, keys: Keys, tmp_path: Path) -> None:
    init(tmp_path / "envs")
    seen: dict[str, set[bytes]] = {}
    for overlay in ("dev", "complete"):
        for each in objects(tmp_path / "envs/overlays" / overlay):
            if each["kind"] == "SealedSecret":
                for key, value in each["spec"]["encryptedData"].items():
                    name = each["metadata"]["name"]
                    seen.setdefault(key, set()).add(keys.open(value, Scope.STRICT, f"airflow-{overlay}", name))
    shared = {key for key, values in seen.items() if len(values) == 1}
    assert shared == {"DATABASE_HOST", "DATABASE_PORT", "DATABASE_DB", "DATABASE_USER", "ADMIN_USERNAME"}


def test_given_secrets_are_the_ones_that_are_sealed(init: Taxiway, keys: Keys, tmp_path: Path) -> None:
    given = tmp_path / "secrets.yaml"
    given.write_text("dev:\n  DATABASE_PASSWORD: chosen-by-me\n")
    init(tmp_path / "envs", "--secrets-from", given)
    sealed = yaml.safe_load((tmp_path / "envs/overlays/dev/secrets/sealedsecret.airflow-postgres.yaml").read_text())
    items = sealed["spec"]["encryptedData"]
    assert keys.open(items["DATABASE_PASSWORD"], Scope.STRICT, "airflow-dev", "airflow-postgres") == b"chosen-by-me"
    url = keys.open(items["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], Scope.STRICT, "airflow-dev", "airflow-postgres")
    assert url == b"postgresql+psycopg2://airflow:chosen-by-me@airflow-pg:5432/airflow"


@pytest.mark.parametrize(
    "arguments", [(), ("--controller", "flux", "--cluster", "complete=prod", "--node-port", "dev=30080")]
)
def test_a_second_run_changes_nothing(init: Taxiway, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    target = tmp_path / "envs"
    init(target, *arguments)
    before = snapshot(target)
    assert init(target, *arguments).out == "unchanged\n"
    assert init(target).out == "unchanged\n"
    assert snapshot(target) == before


def test_a_second_run_changes_nothing_that_was_edited_by_hand(init: Taxiway, tmp_path: Path) -> None:
    target = tmp_path / "envs"
    init(target)
    edited = target / "overlays/dev/airflow.env"
    edited.write_text(edited.read_text() + "AIRFLOW__CORE__PARALLELISM=64\n")
    before = snapshot(target)
    assert init(target).out == "unchanged\n"
    assert snapshot(target) == before


def test_a_second_run_says_that_it_reads_no_secrets(init: Taxiway, tmp_path: Path) -> None:
    init(tmp_path / "envs")
    assert "--secrets-from was not read" in init(tmp_path / "envs", "--secrets-from", "anything").err


@pytest.mark.parametrize("commits", [0, 1])
def test_an_existing_repository_gets_one_more_commit(init: Taxiway, tmp_path: Path, commits: int) -> None:
    git(tmp_path, "init", "--quiet", "--initial-branch=trunk", "envs")
    target = tmp_path / "envs"
    if commits:
        (target / "NOTES").write_text("ours\n")
        (target / ".github").mkdir()
        (target / ".github/CODEOWNERS").write_text("* @acme\n")
        git(target, "add", ".")
        git(target, "commit", "--quiet", "-m", "before")
    (target / "scratch").write_text("not theirs\n")
    init(target)
    assert git(target, "rev-list", "--count", "HEAD") == str(commits + 1)
    assert git(target, "branch", "--show-current") == "trunk"
    assert git(target, "status", "--porcelain") == "?? scratch"
    assert Model.parse((target / "taxiway.yaml").read_bytes()).branch == "trunk"
    assert not (target / ".git/taxiway").exists()
    if commits:
        assert (target / ".github/CODEOWNERS").exists()
        assert (target / ".github/workflows/taxiway.yaml").exists()


def test_other_staged_changes_stay_staged_and_out_of_the_commit(init: Taxiway, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "envs")
    target = tmp_path / "envs"
    (target / "mine").write_text("staged\n")
    git(target, "add", "mine")
    init(target)
    assert git(target, "status", "--porcelain") == "A  mine"


def test_the_folder_that_one_stands_in_is_filled_in_place(
    init: Taxiway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "envs"
    target.mkdir()
    monkeypatch.chdir(target)
    inode = target.stat().st_ino
    init()
    assert target.stat().st_ino == inode
    assert git(target, "status", "--porcelain") == ""
    assert git(target, "config", "remote.origin.url") == REPO_URL


def test_the_remote_origin_is_the_default(taxiway: Taxiway, keys: Keys, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "envs")
    git(tmp_path / "envs", "remote", "add", "origin", "git@gitlab.example.com:acme/airflow.git")
    assert taxiway("init", tmp_path / "envs", "--sealing-cert", keys.certificate).code == 0
    assert (
        Model.parse((tmp_path / "envs/taxiway.yaml").read_bytes()).remote.url
        == "git@gitlab.example.com:acme/airflow.git"
    )
    assert (tmp_path / "envs/.gitlab-ci.yml").exists()


def test_the_users_hooks_run_and_may_refuse(taxiway: Taxiway, init: Taxiway, keys: Keys, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "envs")
    target = tmp_path / "envs"
    hook = target / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho no commits on Fridays >&2\nexit 1\n")
    hook.chmod(0o755)
    before = snapshot(target)
    said = taxiway("init", target, "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == 8
    assert "no commits on Fridays" in said.err
    left = {path: data for path, data in snapshot(target).items() if not path.startswith(".git/objects/")}
    assert left == before
    hook.write_text(
        '#!/bin/sh\ngit diff --cached --name-only | grep -q taxiway.yaml && touch "$(git rev-parse --git-dir)/ran"\n'
    )
    init(target)
    assert (target / ".git/ran").exists()


def test_a_new_sealing_key_is_private_and_used_again(taxiway: Taxiway, tmp_path: Path) -> None:
    key, target = tmp_path / "deep/key.pem", tmp_path / "envs"
    arguments = ("init", target, "--repo", REPO_URL, "--new-sealing-key", key, "--environment", "dev")
    said = taxiway(*arguments)
    assert said.code == 0, said.err
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert f"--key={key}" in said.out
    assert "kubectl -n kube-system create secret tls" in said.out
    certificate = target / "overlays/dev/secrets/sealing-cert.pem"
    sealed = yaml.safe_load((target / "overlays/dev/secrets/sealedsecret.airflow-admin.yaml").read_text())["spec"]
    opened = Keys(key=key, certificate=certificate).open(
        sealed["encryptedData"]["ADMIN_PASSWORD"], Scope.STRICT, "airflow-dev", "airflow-admin"
    )
    assert len(opened) >= 24
    before = key.read_bytes()
    assert taxiway(*arguments).out == "unchanged\n"
    assert taxiway(*arguments[:1], tmp_path / "second", *arguments[2:]).code == 0
    assert key.read_bytes() == before


def test_a_dry_run_writes_nothing(init: Taxiway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    said = init(tmp_path / "away/envs", "--dry-run")
    assert "Would write" in said.out
    assert "overlays/complete/base/ (a copy of base/" in said.out
    assert not (tmp_path / "away").exists()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("existing", [True, False])
def test_without_a_commit_the_files_are_there(init: Taxiway, tmp_path: Path, existing: bool) -> None:
    target = tmp_path / "envs"
    if existing:
        git(tmp_path, "init", "--quiet", "envs")
    said = init(target, "--no-commit")
    assert "Not committed" in said.out
    assert "?? taxiway.yaml" in git(target, "status", "--porcelain")
    assert init(target, "--no-commit").out == "unchanged\n"


def test_json_is_a_contract(init: Taxiway, tmp_path: Path, keys: Keys) -> None:
    said = json.loads(init(tmp_path / "envs", "-o", "json", "--node-port", "dev=30080").out)
    assert said["status"] == "created"
    assert sorted(said["data"]) == [
        *("branch", "commit", "controller", "directory", "environments", "files", "forge", "next", "repository"),
        "sealingKey",
    ]
    assert said["data"]["environments"][0] == {
        "name": "dev", "namespace": "airflow-dev", "cluster": "default", "nodePort": 30080,
        "certificate": keys.fingerprint,
    }  # fmt: skip
    assert said["data"]["commit"] == git(tmp_path / "envs", "rev-parse", "HEAD")
    assert said["data"]["files"] == sorted(git(tmp_path / "envs", "ls-files").splitlines())
    again = json.loads(init(tmp_path / "envs", "-o", "json").out)
    assert again["status"] == "unchanged"


def test_json_tells_mistakes_too(taxiway: Taxiway, tmp_path: Path) -> None:
    said = taxiway("init", tmp_path / "envs", "--controller", "jenkins", "--repo", REPO_URL, "-o", "json")
    failed = json.loads(said.out)
    assert (failed["status"], failed["exitCode"]) == ("error", said.code)
    assert failed["errors"] == [
        {"message": "'jenkins' is not a controller that taxiway knows", "hint": "known: argocd, flux"}
    ]


def test_a_node_port_is_on_the_service_alone(init: Taxiway, tmp_path: Path) -> None:
    init(tmp_path / "envs", "--node-port", "complete=31000")
    ports = {
        (overlay, each["metadata"]["name"]): [port.get("nodePort") for port in each["spec"]["ports"]]
        for overlay in ("dev", "complete")
        for each in objects(tmp_path / "envs/overlays" / overlay)
        if each["kind"] == "Service"
    }
    assert ports.pop(("complete", "airflow-web")) == [31000]
    assert {port for each in ports.values() for port in each} == {None}


def test_environments_of_any_name_in_any_number(init: Taxiway, keys: Keys, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(keys.certificate.read_bytes())
    names = ["--environment", "play", "--environment", "qa", "--environment", "prod"]
    init(tmp_path / "envs", *names, "--cluster", "prod=c2", "--sealing-cert", f"prod={other}")
    for name in ("play", "qa", "prod"):
        built = objects(tmp_path / "envs/overlays" / name)
        settings = next(each["data"] for each in built if each["metadata"]["name"].startswith("airflow-env-"))
        assert settings["AIRFLOW__API__INSTANCE_NAME"] == f"Airflow: {name}"
    found = sorted(
        path.relative_to(tmp_path / "envs/clusters").as_posix() for path in (tmp_path / "envs/clusters").rglob("*.yaml")
    )
    assert found == ["c2/prod.yaml", "default/play.yaml", "default/qa.yaml"]


def test_argo_cd_syncs_each_environment_by_itself(init: Taxiway, tmp_path: Path) -> None:
    init(tmp_path / "envs")
    project, application = yaml.safe_load_all((tmp_path / "envs/clusters/default/complete.yaml").read_text())
    assert (project["kind"], application["kind"]) == ("AppProject", "Application")
    assert project["spec"]["sourceRepos"] == [REPO_URL]
    assert [each["namespace"] for each in project["spec"]["destinations"]] == ["airflow-complete"]
    assert application["spec"]["project"] == project["metadata"]["name"]
    assert application["spec"]["source"] == {"repoURL": REPO_URL, "targetRevision": "main", "path": "overlays/complete"}
    assert application["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
    assert "finalizers" not in application["metadata"]  # deleting the Application must not delete the database


def test_flux_syncs_each_environment_by_itself(taxiway: Taxiway, keys: Keys, tmp_path: Path) -> None:
    url = "git@git.example.com:acme/airflow.git"
    said = taxiway("init", tmp_path / "envs", "--controller", "flux", "--repo", url, "--sealing-cert", keys.certificate)
    assert said.code == 0, said.err
    source, sync = yaml.safe_load_all((tmp_path / "envs/clusters/default/dev.yaml").read_text())
    assert (source["kind"], sync["kind"]) == ("GitRepository", "Kustomization")
    assert source["spec"]["url"] == "ssh://git@git.example.com/acme/airflow.git"
    assert source["spec"]["ref"] == {"branch": "main"}
    assert sync["spec"]["sourceRef"] == {"kind": "GitRepository", "name": source["metadata"]["name"]}
    assert (sync["spec"]["path"], sync["spec"]["prune"], sync["spec"]["wait"]) == ("./overlays/dev", True, True)


def test_the_runbook_names_what_is_in_the_repository(init: Taxiway, tmp_path: Path) -> None:
    target = tmp_path / "envs"
    init(target, "--controller", "flux", "--cluster", "complete=prod", "--namespace", "dev=play")
    text = (target / "README.md").read_text()
    assert "kubectl apply -f clusters/prod/" in text
    assert "kubectl -n play get secret airflow-admin" in text
    for path in ("overlays/dev/secrets/sealing-cert.pem", ".github/workflows/taxiway.yaml"):
        assert path in text
        assert (target / path).exists()
    table = text[text.index("| component |") : text.index("Look before you push")]
    named = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert named == {path.name for path in (target / "base/components").iterdir()} - {"generated-secrets"}


@pytest.mark.parametrize("forge", ["github", "gitlab"])
def test_the_runbook_replaces_what_ci_installs(init: Taxiway, tmp_path: Path, forge: str) -> None:
    """With the same version it changes nothing, but for what was not as that version has it."""
    target = tmp_path / "envs"
    init(target, "--forge", forge)
    blocks = (target / "README.md").read_text().split("```")
    (script,) = [each for each in blocks if "fresh=" in each]
    (target / ".taxiway/taxiway-0.0.1-py3-none-any.whl").write_bytes(b"older")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["sh", "-ec", script], cwd=target, check=True, env={**os.environ, "PATH": path})
    assert git(target, "status", "--porcelain") == ""


@pytest.mark.parametrize("name", ["with space", "ümläut", "it's", "-dash", "a=b"])
def test_any_folder_name_will_do(init: Taxiway, tmp_path: Path, name: str) -> None:
    init(tmp_path / name)
    assert git(tmp_path / name, "status", "--porcelain") == ""


def test_a_link_to_an_empty_folder_stays_a_link(init: Taxiway, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    init(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real/taxiway.yaml").exists()
