"""`taxiway render` and `taxiway diff`, end to end on a fresh environment repo."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import rendering
from tests.commands.conftest import edit
from tests.commands.test_init import git, snapshot
from tests.conftest import Taxiway, loaded


@pytest.fixture
def repo(fresh: Path) -> Path:
    """One that was made a moment ago."""
    return fresh


def test_render_is_what_kustomize_builds(repo: Path, taxiway: Taxiway) -> None:
    built = rendering.build(repo / "overlays/dev").decode()
    assert taxiway("render", "dev").out == built
    assert taxiway("render", "dev").out == built
    both = taxiway("render").out
    assert both.startswith(built)
    assert len(list(yaml.safe_load_all(both))) == len(taxiway("render", "-o", "names").out.splitlines())


def test_one_object_is_found_with_and_without_its_hash(repo: Path, taxiway: Taxiway) -> None:
    said = taxiway("render", "dev", "--object", "configmap/airflow-env", "-o", "json")
    (found,) = json.loads(said.out)["items"]
    assert found["metadata"]["name"].startswith("airflow-env-")
    exact = taxiway("render", "dev", "--object", f"ConfigMap/{found['metadata']['name']}", "-o", "names")
    assert exact.out == f"airflow-dev ConfigMap/{found['metadata']['name']}\n"
    missing = taxiway("render", "--object", "ConfigMap/nope")
    assert (missing.code, "no environment renders ConfigMap/nope" in missing.err) == (2, True)


def test_a_commit_is_rendered_as_it_was(repo: Path, taxiway: Taxiway) -> None:
    before = taxiway("render").out
    edit(repo / "overlays/dev/airflow.env", "Airflow: dev", "Airflow: other")
    assert taxiway("render", "--ref", "HEAD").out == before
    assert "Airflow: other" in taxiway("render", "dev").out
    said = taxiway("render", "--ref", "nope")
    assert (said.code, "'nope' is not a commit" in said.err) == (2, True)


def test_a_commit_from_before_the_bootstrap_is_told(repo: Path, taxiway: Taxiway) -> None:
    empty = git(repo, "commit-tree", "-m", "empty", git(repo, "hash-object", "-t", "tree", "-w", "/dev/null"))
    for arguments in (("render", "--ref", empty), ("diff", "--from", empty)):
        said = taxiway(*arguments)
        assert (said.code, f"there is no taxiway.yaml at {empty}" in said.err) == (5, True)


def test_out_holds_one_file_an_object(repo: Path, taxiway: Taxiway, tmp_path: Path) -> None:
    taxiway("render", "--out", tmp_path / "out")
    first = snapshot(tmp_path / "out")
    assert "complete/deployment.airflow-scheduler.yaml" in first
    assert len(first) == len(taxiway("render", "-o", "names").out.splitlines()) + 1
    taxiway("render", "--out", tmp_path / "out")
    assert snapshot(tmp_path / "out") == first
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious").write_text("photos")
    said = taxiway("render", "--out", tmp_path / "mine")
    assert said.code == 5
    assert (tmp_path / "mine/precious").read_text() == "photos"


@pytest.mark.parametrize("command", ["render", "diff"])
def test_outside_of_a_repo_and_unknown_environments_are_told(
    repo: Path, taxiway: Taxiway, tmp_path: Path, command: str
) -> None:
    said = taxiway(command, "-C", tmp_path)
    assert (said.code, "is in no environment repo" in said.err) == (5, True)
    said = taxiway(command, "qa")
    assert (said.code, "'qa' is not in taxiway.yaml" in said.err) == (2, True)


def test_nothing_changed_is_said_and_ends_well(repo: Path, taxiway: Taxiway) -> None:
    before = snapshot(repo)
    said = taxiway("diff", "--exit-code")
    assert (said.code, said.out) == (0, "dev: no difference\n\ncomplete: no difference\n")
    assert snapshot(repo) == before


def test_a_new_release_is_told_with_what_it_does(repo: Path, taxiway: Taxiway) -> None:
    edit(repo / "overlays/dev/release/kustomization.yaml", '"3.3.2"', '"3.3.3"')
    edit(repo / "overlays/dev/release/release.env", "RELEASE=3-3-2", "RELEASE=3-3-3")
    said = taxiway("diff", "dev", "--exit-code")
    assert said.code == 1
    for line in (
        "  ! Job/airflow-migrate: the database is migrated, by airflow-migrate-3-3-3",
        "  • Deployment/airflow-scheduler: its pods restart",
        "    data[pod-template.yaml].spec.containers[base].image: apache/airflow:3.3.2 → apache/airflow:3.3.3",
        "    spec.template.spec.containers[scheduler].image: apache/airflow:3.3.2 → apache/airflow:3.3.3",
    ):
        assert line in said.out.splitlines()
    git(repo, "commit", "--all", "--quiet", "-m", "new")
    assert taxiway("diff", "dev", "--from", "HEAD~1", "--to", "HEAD").out == said.out
    assert taxiway("diff", "dev").out == "dev: no difference\n"


def test_a_change_of_the_base_reaches_the_first_environment_alone(repo: Path, taxiway: Taxiway) -> None:
    edit(
        repo / "base/airflow/deployment.scheduler.yaml",
        "terminationGracePeriodSeconds: 60",
        "terminationGracePeriodSeconds: 90",
    )
    said = json.loads(taxiway("diff", "-o", "json").out)
    changed = {each["environment"]: [o["name"] for o in each["objects"]] for each in said["data"]["environments"]}
    assert changed == {"dev": ["airflow-scheduler"], "complete": []}


def test_two_environments_differ_in_what_is_theirs_alone(repo: Path, taxiway: Taxiway) -> None:
    said = taxiway("diff", "--between", "dev", "complete")
    assert said.out.startswith("dev → complete: no difference (")
    assert "environment's own folded away" in said.out
    assert "SealedSecret/airflow-admin" in taxiway("diff", "--between", "dev", "complete", "--all").out
    edit(repo / "overlays/dev/release/airflow.env", "#", "AIRFLOW__CORE__PARALLELISM=3\n#")
    assert "data.AIRFLOW__CORE__PARALLELISM" in taxiway("diff", "--between", "dev", "complete").out
    edit(repo / "overlays/dev/release/airflow.env", "AIRFLOW__CORE__PARALLELISM=3\n", "")
    edit(repo / "overlays/dev/airflow.env", "#", "AIRFLOW__CORE__PARALLELISM=3\n#")
    assert taxiway("diff", "--between", "dev", "complete").out.startswith("dev → complete: no difference (")


def test_markdown_is_for_a_pull_request(repo: Path, taxiway: Taxiway) -> None:
    edit(repo / "overlays/dev/airflow.env", "Airflow: dev", "Airflow: other")
    said = taxiway("diff", "-o", "markdown").out
    assert "### dev" in said
    assert "| restart | `Deployment/airflow-scheduler` | its pods restart |" in said
    assert "<details><summary>" in said
    assert "### complete\n\nNo difference." in said
    assert said.count("```") == 2


def test_a_comment_for_another_job_has_the_same_lines(repo: Path, taxiway: Taxiway) -> None:
    (repo / "overlays/dev/airflow.env").write_bytes(
        (repo / "overlays/dev/airflow.env").read_bytes() + b"AIRFLOW__CORE__PARALLELISM=7\n"
    )
    said = taxiway("diff", "dev", "-o", "comment").out
    assert said.startswith("### dev\n\n")
    assert said.rstrip() == taxiway("diff", "dev", "-o", "markdown").out.rstrip()


def test_what_opens_rights_is_the_same_in_every_form(repo: Path, taxiway: Taxiway) -> None:
    base = repo / "base/rbac"
    made = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "x"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "thief", "namespace": "elsewhere"}],
    }
    (base / "thief.yaml").write_text(yaml.safe_dump(made))
    listed = base / "kustomization.yaml"
    listed.write_text(listed.read_text() + "  - thief.yaml\n")
    pinned = repo / "overlays/complete/base/rbac"
    (pinned / "thief.yaml").write_text(yaml.safe_dump(made))
    (pinned / "kustomization.yaml").write_text(listed.read_text())
    what = (
        "gives ClusterRole/cluster-admin (full control of everything) to ServiceAccount/thief of namespace elsewhere "
        "in the whole cluster"
    )
    data = json.loads(taxiway("diff", "-o", "json").out)["data"]["environments"]
    assert [each["environment"] for each in data] == ["dev", "complete"]
    for each in data:
        assert each["consequences"][0] == {"effect": "security", "object": "ClusterRoleBinding/x", "what": what}
    lines = taxiway("diff").out.splitlines()
    assert lines[:2] == [
        "what is serious, of all environments:",
        f"  ! security: ClusterRoleBinding/x: {what} (dev, complete)",
    ]
    assert lines.count(f"  ! security: ClusterRoleBinding/x: {what}") == 2
    text = taxiway("diff", "-o", "markdown").out
    assert f"| security | `ClusterRoleBinding/x` | {what} | dev, complete |" in text
    assert text.index("dev, complete |") < text.index("<details>")


def test_what_kustomize_renders_in_another_order_restarts(repo: Path, taxiway: Taxiway) -> None:
    one, two = (f"        - name: {name}\n          emptyDir: {{}}\n" for name in ("run", "tmp"))
    edit(repo / "base/postgres/statefulset.yaml", one + two, two + one)
    lines = taxiway("diff", "dev").out.splitlines()
    assert "  • StatefulSet/airflow-pg: its pods restart: the order of what they have changes" in lines
    assert "    spec.template.spec.volumes (order): [run, tmp, dshm] → [tmp, run, dshm]" in lines


def test_a_database_that_leaves_or_does_not_start_is_told(repo: Path, taxiway: Taxiway) -> None:
    edit(repo / "overlays/dev/release/kustomization.yaml", 'newTag: "17"', 'newTag: "18"')
    said = "PostgreSQL 18 will not start on the data of PostgreSQL 17: dump it before, and load it into a new volume"
    assert taxiway("diff", "dev").out.splitlines()[1] == f"  ! StatefulSet/airflow-pg: {said}"
    git(repo, "checkout", "--quiet", ".")
    overlay = repo / "overlays/dev/kustomization.yaml"
    edit(overlay, "components:\n", "components:\n  - ../../base/components/external-database\n")
    lines = taxiway("diff", "dev").out.splitlines()
    assert "  ! StatefulSet/airflow-pg: is pruned; its volume claims stay in the cluster, with the data" in lines


def test_a_closed_pipe_is_no_mistake(repo: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m bootstrap render | head -n 1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


def test_a_difference_needs_little_code(repo: Path) -> None:
    """What takes longer to import than Git and kustomize take to answer: GitPython, the rules."""
    heavy = ("git", "cryptography", "ruamel", "httpx", "bootstrap.validate.registry")
    assert loaded(heavy, "diff", "dev") == ("dev: no difference\n", [])
