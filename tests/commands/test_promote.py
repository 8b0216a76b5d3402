"""`taxiway promote` and `taxiway rollback` through a bare repository: real Git, real kustomize, no forge."""

import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.commands.conftest import clone
from tests.commands.test_init import git, snapshot
from tests.conftest import Ran, Taxiway

RELEASE = "release/kustomization.yaml"


def edit(repo: Path, path: str, old: str, new: str) -> None:
    text = (repo / path).read_text()
    assert text.count(old) == 1, path
    (repo / path).write_text(text.replace(old, new))


def publish(repo: Path, message: str = "a change") -> str:
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", message)
    git(repo, "push", "--quiet", "origin", "HEAD:main")
    return git(repo, "rev-parse", "HEAD")


def new_image(repo: Path, tag: str = "3.3.3", environment: str = "dev", before: str = "3.3.2") -> None:
    """A new Airflow in an environment, as the runbook has it, and published."""
    edit(repo, f"overlays/{environment}/{RELEASE}", f'newTag: "{before}"', f'newTag: "{tag}"')
    ids = [each.replace(".", "-") for each in (before, tag)]
    edit(repo, f"overlays/{environment}/release/release.env", f"RELEASE={ids[0]}", f"RELEASE={ids[1]}")
    publish(repo, f"Airflow {tag} in {environment}")


def branches(remote: Path) -> list[str]:
    """The branches of the remote but for main."""
    return [each for each in git(remote, "branch", "--format=%(refname:short)").splitlines() if each != "main"]


def merge(repo: Path, *, how: str = "merge") -> str:
    """Merge the one proposed branch, as a forge does, and take it in here; `title` squashes and keeps no message."""
    (branch,) = branches(Path(git(repo, "remote", "get-url", "origin")))
    git(repo, "fetch", "--quiet", "origin", branch)
    if how != "merge":
        git(repo, "merge", "--quiet", "--squash", "FETCH_HEAD")
        message = ("--file", ".git/SQUASH_MSG") if how == "squash" else ("--message", "A promotion (!12)")
        git(repo, "commit", "--quiet", *message)
    else:
        git(repo, "merge", "--quiet", "--no-ff", "--no-edit", "FETCH_HEAD")
    git(repo, "push", "--quiet", "origin", "main")
    git(repo, "push", "--quiet", "origin", "--delete", branch)
    return git(repo, "rev-parse", "HEAD")


def succeed(said: Ran, status: str) -> dict[str, object]:
    assert said.code == 0, said.err
    answer = json.loads(said.out)
    assert answer["status"] == status, answer
    data: dict[str, object] = answer["data"]
    return data


def release(repo: Path, environment: str) -> dict[str, bytes]:
    """The release of an environment that runs a pinned base: its files."""
    files = {**snapshot(repo / f"overlays/{environment}/release")}
    return {**files, **{f"base/{k}": v for k, v in snapshot(repo / f"overlays/{environment}/base").items()}}


def test_a_dry_run_shows_all_and_touches_nothing(repo: Path, remote: Path, taxiway: Taxiway) -> None:
    new_image(repo)
    before = snapshot(repo), snapshot(remote)
    said = taxiway("promote", "dev", "staging", "--dry-run")
    assert said.code == 0, said.err
    assert (snapshot(repo), snapshot(remote)) == before
    for line in (
        "Promote dev → staging: airflow 3.3.2 → 3.3.3",
        "- **migration**: `Job/airflow-migrate` the database is migrated, by airflow-migrate-3-3-3",
        "| restart | `Deployment/airflow-scheduler` | its pods restart |",
    ):
        assert line in said.out.splitlines()


def test_a_promotion_is_one_branch_whose_merge_brings_the_target_in_step(
    repo: Path, remote: Path, taxiway: Taxiway
) -> None:
    new_image(repo)
    edit(
        repo,
        "base/airflow/service.yaml",
        "    app.kubernetes.io/name: airflow\n    app.kubernetes.io/component: api-server\nspec",
        "    app.kubernetes.io/name: airflow\n    app.kubernetes.io/component: api-server\n    team: data\nspec",
    )
    publish(repo)
    data = succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    assert branches(remote) == [data["branch"]]
    commit = str(data["commit"])
    changed = git(repo, "diff", "--name-only", f"{commit}^", commit).splitlines()
    assert changed == [
        "overlays/staging/base/airflow/service.yaml",
        "overlays/staging/release/kustomization.yaml",
        "overlays/staging/release/release.env",
    ]
    assert succeed(taxiway("promote", "staging", "-o", "json"), "unchanged")["branch"] == data["branch"]
    assert git(remote, "rev-parse", str(data["branch"])) == commit
    merge(repo)
    assert release(repo, "staging")["kustomization.yaml"] == (repo / f"overlays/dev/{RELEASE}").read_bytes()
    assert snapshot(repo / "overlays/staging/base") == snapshot(repo / "base")
    succeed(taxiway("promote", "staging", "-o", "json"), "unchanged")
    succeed(taxiway("validate", "-o", "json"), "passed")


@pytest.mark.parametrize("how", ["merge", "squash", "title"])
def test_a_newer_release_goes_on_in_the_same_branch_and_later_ones_follow(
    repo: Path, remote: Path, taxiway: Taxiway, how: str
) -> None:
    new_image(repo)
    first = succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    new_image(repo, "3.3.4", before="3.3.3")
    second = succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    assert (second["branch"], branches(remote)) == (first["branch"], [first["branch"]])
    merge(repo, how=how)
    new_image(repo, "3.3.5", before="3.3.4")
    succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    merge(repo, how=how)
    assert b'newTag: "3.3.5"' in release(repo, "staging")["kustomization.yaml"]


def test_the_users_checkout_index_and_stash_stay(repo: Path, taxiway: Taxiway) -> None:
    new_image(repo)
    (repo / "NOTES").write_text("mine\n")
    git(repo, "add", "NOTES")
    (repo / "scratch.txt").write_text("mine too\n")
    before = {path: data for path, data in snapshot(repo).items() if not path.startswith(".git/")}
    told = [git(repo, *each) for each in (("status", "--porcelain"), ("branch", "--list"), ("worktree", "list"))]
    succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    assert {path: data for path, data in snapshot(repo).items() if not path.startswith(".git/")} == before
    assert [
        git(repo, *each) for each in (("status", "--porcelain"), ("branch", "--list"), ("worktree", "list"))
    ] == told


def test_what_the_target_owns_stays_byte_for_byte(repo: Path, taxiway: Taxiway) -> None:
    overlay = repo / "overlays/staging"
    (overlay / "airflow.env").write_text("# ours\nAIRFLOW__CORE__PARALLELISM=7   \n")
    edit(repo, "overlays/staging/kustomization.yaml", "resources:\n", "resources:   # ours\n")
    publish(repo)
    new_image(repo)
    before = snapshot(overlay)
    succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    merge(repo)
    after = snapshot(overlay)
    assert {path for path in after if after[path] != before.get(path)} == {RELEASE, "release/release.env"}


def test_one_step_or_the_whole_chain(repo: Path, remote: Path, taxiway: Taxiway) -> None:
    new_image(repo)
    new_image(repo, environment="staging")
    data = succeed(taxiway("promote", "--all", "-o", "json"), "pushed")
    steps = data["steps"]
    assert isinstance(steps, list)
    assert [(each["source"], each["target"], each["status"]) for each in steps] == [
        ("dev", "staging", "unchanged"),
        ("staging", "prod", "pushed"),
    ]
    assert len(branches(remote)) == 1


def test_of_a_chain_nothing_is_pushed_where_one_step_is_refused(repo: Path, remote: Path, taxiway: Taxiway) -> None:
    new_image(repo)
    new_image(repo, "3.3.4", environment="staging")
    assert taxiway("hold", "prod", "--reason", "month end").code == 0
    git(repo, "push", "--quiet", "origin", "main")
    refuse(taxiway("promote", "--all"), 5, "both sides changed", "prod is on hold: month end")
    assert branches(remote) == []


def test_the_command_in_a_body_promotes_the_same(repo: Path, taxiway: Taxiway, monkeypatch: pytest.MonkeyPatch) -> None:
    new_image(repo)
    monkeypatch.setattr("bootstrap.pullrequests.description._ROWS", (0,))  # so that the body is cut
    options = ("--only", "images", "--pin", "3.3.9", "--from", "HEAD", "--dry-run")
    data = succeed(taxiway("promote", "staging", *options, "-o", "json"), "planned")
    assert f"more: `taxiway promote dev staging {' '.join(options)}`" in str(data["body"])


def test_only_a_part_a_pin_and_an_older_release(repo: Path, taxiway: Taxiway) -> None:
    old = git(repo, "rev-parse", "HEAD")
    new_image(repo)
    (repo / "overlays/dev/release/airflow.env").write_text("AIRFLOW__CORE__PARALLELISM=64\n")
    publish(repo)
    assert succeed(taxiway("promote", "staging", "--from", old, "-o", "json"), "unchanged")["moved"] == []
    data = succeed(taxiway("promote", "staging", "--only", "settings", "--dry-run", "-o", "json"), "planned")
    moved = data["moved"]
    assert isinstance(moved, list)
    assert {each["field"] for each in moved} == {"AIRFLOW__CORE__PARALLELISM"}
    data = succeed(taxiway("promote", "staging", "--pin", "3.3.9", "--only", "images", "-o", "json"), "pushed")
    merge(repo)
    assert b'newTag: "3.3.9"' in release(repo, "staging")["kustomization.yaml"]
    assert b"PARALLELISM" not in release(repo, "staging")["airflow.env"]


def refuse(said: Ran, code: int, *pieces: str) -> None:
    assert said.code == code, (said.out, said.err)
    assert said.err.count("error: ") == said.err.count("  hint: ")
    for piece in pieces:
        assert piece in said.err, said.err
    assert "Traceback" not in said.err


def test_what_can_not_work_is_refused_before_anything_is_pushed(repo: Path, remote: Path, taxiway: Taxiway) -> None:
    new_image(repo)
    (repo / "overlays/dev/airflow.env").write_text("X=1\n")
    refuse(taxiway("promote", "staging"), 5, "uncommitted changes in overlays/dev/airflow.env")
    git(repo, "checkout", "--quiet", "--", ".")
    refuse(taxiway("promote", "dev"), 5, "nothing is promoted into 'dev'")
    refuse(taxiway("promote", "qa"), 2, "'qa' is not in taxiway.yaml", "dev, staging, prod")
    refuse(taxiway("promote"), 2, "a promotion needs a target")
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "not pushed")
    refuse(taxiway("promote", "staging"), 5, "HEAD is no commit of main that origin has")
    git(repo, "reset", "--quiet", "--hard", "origin/main")
    assert taxiway("hold", "staging", "--reason", "month end").code == 0
    git(repo, "push", "--quiet", "origin", "main")
    refuse(taxiway("promote", "staging"), 5, "staging is on hold: month end", "taxiway unhold staging")
    assert taxiway("unhold", "staging").code == 0
    git(repo, "push", "--quiet", "origin", "main")
    new_image(repo, "3.4.0", environment="staging")
    refuse(taxiway("promote", "staging"), 5, "both sides changed")
    assert branches(remote) == []


def test_a_downgrade_is_refused(repo: Path, taxiway: Taxiway) -> None:
    new_image(repo)
    succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    merge(repo)
    new_image(repo, "3.3.2", before="3.3.3")
    refuse(taxiway("promote", "staging"), 5, "apache/airflow:3.3.3", "apache/airflow:3.3.2", "newer database")


def test_a_result_that_could_not_run_is_refused(repo: Path, remote: Path, taxiway: Taxiway) -> None:
    # A manifest that reads a secret key which the target does not have.
    edit(
        repo,
        "base/airflow/deployment.scheduler.yaml",
        "            - name: AIRFLOW__CORE__FERNET_KEY\n",
        "            - name: AIRFLOW_CONN_WAREHOUSE\n              valueFrom:\n                secretKeyRef:\n"
        "                  name: airflow-connections\n                  key: AIRFLOW_CONN_WAREHOUSE\n"
        "            - name: AIRFLOW__CORE__FERNET_KEY\n",
    )
    publish(repo)
    refuse(taxiway("promote", "staging"), 7, "AIRFLOW_CONN_WAREHOUSE", "which staging does not have")
    # A setting that Airflow ignores in silence; both are told at once.
    (repo / "overlays/dev/release/airflow.env").write_text("AIRFLOW__CORE__PARALELISM=64\n")
    publish(repo)
    ignored = "overlays/staging/release/airflow.env:1", "AIRFLOW__CORE__PARALELISM"
    refuse(taxiway("promote", "staging"), 7, "AIRFLOW_CONN_WAREHOUSE", "which staging does not have", *ignored)
    # A source that does not build.
    (repo / "base/airflow/service.yaml").unlink()
    publish(repo)
    refuse(taxiway("promote", "staging"), 7, "the source dev does not build")
    assert branches(remote) == []


def test_the_base_branch_may_move_in_other_files_alone(
    repo: Path, remote: Path, taxiway: Taxiway, tmp_path: Path
) -> None:
    new_image(repo)
    other = clone(remote, tmp_path / "other")
    (other / "NOTES").write_text("theirs\n")
    newest = publish(other)
    data = succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    assert git(repo, "rev-parse", f"{data['commit']}^") == newest
    (other / "overlays/staging/airflow.env").write_text("AIRFLOW__CORE__PARALLELISM=9\n")
    publish(other)
    refuse(taxiway("promote", "staging"), 5, "main moved meanwhile in overlays/staging/airflow.env", "git pull")


def test_the_remote_is_asked_once_and_pushed_to_once(
    repo: Path, taxiway: Taxiway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "trace"
    for tag, before, status, talk in (
        ("3.3.3", "3.3.2", "pushed", ["ls-remote", "push"]),
        ("3.3.4", "3.3.3", "pushed", ["ls-remote", "push"]),
        ("", "", "unchanged", ["ls-remote"]),
    ):
        if tag:
            new_image(repo, tag, before=before)
        with monkeypatch.context() as patch:
            patch.setenv("GIT_TRACE", str(log))
            succeed(taxiway("promote", "staging", "-o", "json"), status)
        assert re.findall(r"built-in: git (ls-remote|fetch|pull|push) ", log.read_text()) == talk
        log.unlink()


def test_two_at_once_end_with_one_branch(repo: Path, remote: Path, tmp_path: Path) -> None:
    new_image(repo)
    clones = [clone(remote, tmp_path / f"clone{number}") for number in range(3)]
    script = "from bootstrap.cli import main; main(['promote', 'staging', '-o', 'json'])"
    ready = threading.Barrier(len(clones))
    done: list[subprocess.CompletedProcess[str]] = []

    def run(folder: Path) -> None:
        ready.wait()
        done.append(
            subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)
        )

    threads = [threading.Thread(target=run, args=[each]) for each in clones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.returncode for each in done] == [0] * len(clones), [each.stderr for each in done]
    assert len(branches(remote)) == 1
    assert "pushed" in {json.loads(each.stdout)["status"] for each in done}


def test_what_someone_added_by_hand_is_not_overwritten(
    repo: Path, remote: Path, taxiway: Taxiway, tmp_path: Path
) -> None:
    new_image(repo)
    branch = str(succeed(taxiway("promote", "staging", "-o", "json"), "pushed")["branch"])
    other = clone(remote, tmp_path / "other")
    git(other, "switch", "--quiet", branch)
    (other / "NOTES").write_text("by hand\n")
    git(other, "add", "--all")
    git(other, "commit", "--quiet", "-m", "by hand")
    git(other, "push", "--quiet", "origin", branch)
    new_image(repo, "3.3.4", before="3.3.3")
    refuse(taxiway("promote", "staging"), 8, f"{branch} has commits that are not taxiway's")
    assert git(remote, "log", "-1", "--format=%s", branch) == "by hand"


def test_a_rollback_restores_the_release_keeps_the_rest_and_holds(repo: Path, taxiway: Taxiway) -> None:
    before = release(repo, "staging")
    new_image(repo)
    succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    merge(repo)
    (repo / "overlays/staging/airflow.env").write_text("AIRFLOW__CORE__PARALLELISM=9\n")
    publish(repo)
    assert release(repo, "staging") != before
    said = taxiway("rollback", "staging", "--reason", "tasks hang")
    assert said.code == 0, said.err
    assert "airflow db downgrade" in said.err
    merge(repo)
    assert release(repo, "staging") == before
    assert (repo / "overlays/staging/airflow.env").read_text() == "AIRFLOW__CORE__PARALLELISM=9\n"
    refuse(taxiway("promote", "staging"), 5, "staging is on hold: tasks hang")
    assert taxiway("unhold", "staging").code == 0
    git(repo, "push", "--quiet", "origin", "main")
    # Released, the promotion brings the newer release again.
    succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    merge(repo)
    assert release(repo, "staging") != before


def test_a_rollback_by_steps_and_to_a_commit(repo: Path, taxiway: Taxiway) -> None:
    start, first = git(repo, "rev-parse", "HEAD"), release(repo, "staging")
    for before, tag in (("3.3.2", "3.3.3"), ("3.3.3", "3.3.4")):
        new_image(repo, tag, before=before)
        succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
        merge(repo)
    refuse(taxiway("rollback", "staging", "--steps", "3"), 2, "no release 3 steps back")
    by_steps = succeed(taxiway("rollback", "staging", "--steps", "2", "--dry-run", "-o", "json"), "planned")
    by_commit = succeed(taxiway("rollback", "staging", "--to", start, "--dry-run", "-o", "json"), "planned")
    assert by_steps["moved"] == by_commit["moved"]
    succeed(taxiway("rollback", "staging", "--to", start, "-o", "json"), "pushed")
    merge(repo)
    assert release(repo, "staging") == first


def test_the_revert_of_a_promotion_is_a_true_rollback(repo: Path, taxiway: Taxiway) -> None:
    before = taxiway("render", "staging").out
    new_image(repo)
    succeed(taxiway("promote", "staging", "-o", "json"), "pushed")
    commit = merge(repo)
    assert taxiway("render", "staging").out != before
    git(repo, "revert", "--no-edit", "-m", "1", commit)
    assert taxiway("render", "staging").out == before
