"""`taxiway validate` over and over: what it builds and what it remembers, and that nothing it tells is stale."""

import json
import os
import shutil
import stat
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from bootstrap.secrets import sealing
from tests.commands.conftest import Builds, break_it, edit
from tests.commands.test_init import git, snapshot
from tests.conftest import Keys, Taxiway


@pytest.fixture
def repo(fresh: Path) -> Path:
    """One that was made a moment ago."""
    return fresh


def test_what_was_built_once_is_not_built_again(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    before = snapshot(repo)
    first = taxiway("validate", "-o", "json")
    assert (first.code, builds()) == (0, ["complete", "dev"])
    assert (taxiway("validate", "-o", "json"), builds()) == (first, [])
    assert taxiway("validate", "--no-cache", "-o", "json") == first
    assert builds() == ["complete", "dev"]
    assert snapshot(repo) == before


def test_a_file_that_comes_into_an_empty_folder_is_seen(repo: Path, taxiway: Taxiway) -> None:
    (repo / "overlays/dev/empty").mkdir()
    assert [taxiway("validate").code for _ in range(2)] == [0, 0]
    (repo / "overlays/dev/empty/stray.yaml").write_text("a: b\n")
    said = taxiway("validate", "-o", "json")
    assert [each["path"] for each in json.loads(said.out)["data"]["findings"]] == ["overlays/dev/empty/stray.yaml"]


def test_a_certificate_ages_though_nothing_else_changes(
    repo: Path, taxiway: Taxiway, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [taxiway("validate").code for _ in range(3)] == [0, 0, 0]
    certificate = sealing.read_certificate(keys.certificate.read_bytes(), source="test", now=datetime.now(UTC))
    days = 0

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return certificate.not_after.astimezone(tz) - timedelta(days=days)

    monkeypatch.setattr("bootstrap.commands.validate.datetime", Later)
    # Of the days that are left, and the answer then; each twice, for what is remembered of it.
    for left, says in ((31, "no finding"), (29, "expires on"), (31, "no finding"), (-1, "expired on")):
        days = left
        for _ in range(2):
            assert says in taxiway("validate").out


def test_only_what_changed_is_built(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    taxiway("validate")
    builds()
    edit(repo / "overlays/complete/airflow.env", "Airflow: complete", "Airflow: other")
    assert (taxiway("validate").code, builds()) == (0, ["complete"])
    git(repo, "commit", "--all", "--quiet", "-m", "other")
    assert (taxiway("validate").code, builds()) == (0, [])  # the same files, now of a commit
    edit(
        repo / "base/airflow/deployment.scheduler.yaml",
        "terminationGracePeriodSeconds: 60",
        "terminationGracePeriodSeconds: 90",
    )
    assert (taxiway("validate").code, builds()) == (0, ["dev"])  # `complete` has a base of its own
    git(repo, "checkout", "--quiet", ".")
    assert (taxiway("validate").code, builds()) == (0, [])
    edit(repo / "taxiway.yaml", "airflow-dev", "airflow-other")
    taxiway("validate")
    assert builds() == []  # what is rendered is still the same


def test_what_a_shared_file_no_longer_says_of_an_environment_is_a_change_of_it(repo: Path, taxiway: Taxiway) -> None:
    dev, complete = (repo / f"clusters/default/{name}.yaml" for name in ("dev", "complete"))
    text = dev.read_text()
    dev.write_text(f"{text}---\n{complete.read_text()}")
    complete.unlink()
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "one file for both")

    def changed() -> list[str]:
        found: list[str] = json.loads(taxiway("validate", "--since", "HEAD", "-o", "json").out)["data"]["environments"]
        return found

    assert changed() == []
    dev.write_text(text)
    assert changed() == ["dev", "complete"]


@pytest.mark.parametrize("how", ["untracked", "staged", "assume-unchanged", "skip-worktree", "removed"])
def test_no_change_is_missed(repo: Path, taxiway: Taxiway, how: str) -> None:
    kustomization = repo / "overlays/dev/kustomization.yaml"
    # What is built, what is remembered of each environment, what is remembered of all at once.
    assert [taxiway("validate").code for _ in range(3)] == [0, 0, 0]
    if how in ("assume-unchanged", "skip-worktree"):
        git(repo, "update-index", f"--{how}", "overlays/dev/kustomization.yaml")
    if how == "removed":
        (repo / "overlays/dev/namespace.yaml").unlink()
    elif how == "untracked":
        (repo / "overlays/dev/kustomization.yml").write_text("resources: []\n")
    else:
        break_it(repo)
    if how == "staged":
        git(repo, "add", "--all")
    assert taxiway("validate").code == 1
    for flag in ("--no-assume-unchanged", "--no-skip-worktree"):
        git(repo, "update-index", flag, "overlays/dev/kustomization.yaml")
    git(repo, "reset", "--quiet", "--hard")
    git(repo, "clean", "--quiet", "--force")
    assert kustomization.exists()
    assert taxiway("validate").code == 0


def test_a_file_that_git_ignores_makes_no_stale_answer(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    edit(repo / "overlays/dev/kustomization.yaml", "  - namespace.yaml\n", "  - namespace.yaml\n  - local.yaml\n")
    (repo / "overlays/dev/local.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: local}\n")
    (repo / ".gitignore").write_text("local.yaml\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "reads what is not committed")
    first = taxiway("render", "dev", "--object", "ConfigMap/local").out
    edit(repo / "overlays/dev/local.yaml", "{name: local}", "{name: local, labels: {a: b}}")
    assert taxiway("render", "dev", "--object", "ConfigMap/local").out != first
    builds()
    taxiway("validate", "dev")
    assert builds() == ["dev"]
    for _ in range(2):  # nor is it remembered of all at once
        taxiway("validate")
        assert "dev" in builds()


def test_what_git_converts_makes_no_stale_answer(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    """A filter such as git-crypt's shows other bytes than those of the ids, and Git calls that unchanged."""
    (repo / ".gitattributes").write_text("overlays/dev/airflow.env filter=other\n")
    git(repo, "config", "filter.other.clean", "sed 's/OTHER/dev/'")
    git(repo, "config", "filter.other.smudge", "sed 's/Airflow: dev/Airflow: OTHER/'")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "a filter")
    (repo / "overlays/dev/airflow.env").unlink()
    git(repo, "checkout", "--quiet", "overlays/dev/airflow.env")
    assert "OTHER" in taxiway("render", "dev").out
    git(repo, "config", "filter.other.smudge", "cat")
    (repo / "overlays/dev/airflow.env").unlink()
    git(repo, "checkout", "--quiet", "overlays/dev/airflow.env")
    assert git(repo, "status", "--porcelain") == ""
    assert "OTHER" not in taxiway("render", "dev").out


def test_a_build_that_fails_is_a_finding_and_is_tried_again(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    break_it(repo)
    for _ in range(2):
        said = taxiway("validate", "-o", "json")
        assert (said.code, json.loads(said.out)["status"]) == (1, "failed")
        assert "dev" in builds()
    assert str(repo) not in said.out
    assert {name for each in json.loads(said.out)["data"]["findings"] for name in each["environments"]} == {"dev"}


def test_an_environment_may_read_another_one_s_files(repo: Path, taxiway: Taxiway, builds: Builds) -> None:
    edit(
        repo / "overlays/complete/kustomization.yaml", "  - namespace.yaml\n", "  - namespace.yaml\n  - ../dev/extra\n"
    )
    (repo / "overlays/dev/extra").mkdir()
    (repo / "overlays/dev/extra/kustomization.yaml").write_text("resources: [x.yaml]\n")
    (repo / "overlays/dev/extra/x.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n")
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "shared")
    before = taxiway("render", "complete").out
    assert "name: extra" in before
    builds()
    assert (taxiway("render", "complete").out, builds()) == (before, [])
    edit(repo / "overlays/dev/extra/x.yaml", "name: extra", "name: other")
    assert "name: other" in taxiway("render", "complete").out
    assert "ConfigMap/other" in taxiway("diff", "complete").out
    builds()
    git(repo, "checkout", "--quiet", ".")
    assert (taxiway("render", "complete").out, builds()) == (before, [])


def test_the_result_of_an_edit_is_built_before_its_commit_and_not_again(
    repo: Path, taxiway: Taxiway, builds: Builds
) -> None:
    said = taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64", "--dry-run")
    assert (said.code, builds()) == (0, ["dev", "dev"]), said.err
    assert (taxiway("set", "config", "dev", "AIRFLOW__CORE__PARALLELISM=64").code, builds()) == (0, [])
    assert "AIRFLOW__CORE__PARALLELISM: '64'" in taxiway("render", "dev").out.replace('"', "'")
    assert builds() == []


def test_a_plain_secret_is_copied_nowhere(repo: Path, taxiway: Taxiway, tmp_path: Path) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: open}\nstringData: {password: correct-horse}\n"
    (repo / "overlays/dev/open.yaml").write_text(secret)
    edit(repo / "overlays/dev/kustomization.yaml", "  - namespace.yaml\n", "  - namespace.yaml\n  - open.yaml\n")
    assert "correct-horse" in taxiway("render", "dev").out
    taxiway("validate")
    import zlib

    kept = [path.read_bytes()[26:] for path in Path(os.environ["XDG_CACHE_HOME"]).rglob("??/*") if path.is_file()]
    assert kept
    assert not [each for each in kept if b"correct-horse" in zlib.decompress(each)]


@pytest.mark.parametrize("harm", ["removed", "cut", "unwritable"])
def test_a_harmed_cache_harms_nothing(repo: Path, taxiway: Taxiway, harm: str) -> None:
    wanted = taxiway("validate", "-o", "json")
    folder = Path(os.environ["XDG_CACHE_HOME"])
    if harm == "removed":
        shutil.rmtree(folder)
    elif harm == "cut":
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[:-1])
    else:
        shutil.rmtree(folder)
        folder.write_text("no folder")
    assert taxiway("validate", "-o", "json") == wanted


def test_the_folder_of_the_cache_is_its_owner_s(repo: Path, taxiway: Taxiway) -> None:
    taxiway("validate")
    folder = Path(os.environ["XDG_CACHE_HOME"]) / "taxiway/builds"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
