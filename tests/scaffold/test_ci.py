"""What the environment repo's CI validates, run here with this taxiway: it passes what init wrote, refuses a mistake.

Its steps as they are, taxiway's installation among them, run in tests/security/test_ci.py.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootstrap import cli
from tests.commands.test_init import git
from tests.conftest import REPO_URL, Keys

FORGES = {
    "github": ".github/workflows/taxiway.yaml",
    "gitlab": ".gitlab-ci.yml",
    "gitea": ".gitea/workflows/taxiway.yaml",
    "forgejo": ".forgejo/workflows/taxiway.yaml",
}
PLAIN = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: oops\nstringData:\n  password: hunter2\n"


@pytest.fixture(scope="session", params=FORGES)
def made(request: pytest.FixtureRequest, keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment repo for each forge, in a folder of the forge's name, which stays as it is."""
    target: Path = tmp_path_factory.mktemp("made") / request.param
    arguments = ["--repo", REPO_URL, "--sealing-cert", str(keys.certificate), "--forge", request.param]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        cli.main(["init", str(target), *arguments])
    assert not end.value.code
    return target


@pytest.fixture
def repo(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(made, tmp_path / made.name, symlinks=True)
    return tmp_path / made.name


def job(repo: Path) -> dict[str, Any]:
    """The job of the forge's workflow that validates; every value is text."""
    workflow = yaml.load((repo / FORGES[repo.name]).read_text(), Loader=yaml.BaseLoader)
    found: dict[str, Any] = workflow["validate"] if repo.name == "gitlab" else workflow["jobs"]["validate"]
    return found


def scripts(repo: Path) -> list[str]:
    """The job's scripts, in order."""
    if repo.name == "gitlab":
        return list(job(repo)["script"])
    return [step["run"] for step in job(repo)["steps"] if "run" in step]


def run(repo: Path, base: str = "") -> subprocess.CompletedProcess[str]:
    """The job's validation, as the forge runs it for a pull request against a base commit, or without one."""
    others = ("pip install", "remote set-url", "git fetch", "--output comment", "mktemp")
    wanted = [each for each in scripts(repo) if not any(word in each for word in others)]
    temp = repo.parent / "temp"
    (temp / "taxiway/bin").mkdir(parents=True, exist_ok=True)
    if not (temp / "taxiway/bin/taxiway").exists():
        (temp / "taxiway/bin/taxiway").symlink_to(Path(sys.executable).with_name("taxiway"))
    environment = {"RUNNER_TEMP": str(temp), "BASE": base, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    shell = ["bash", "-e", "-c", "\n".join(wanted)]
    return subprocess.run(shell, cwd=repo, capture_output=True, text=True, check=False, env=os.environ | environment)


def test_a_fresh_repository_passes(repo: Path) -> None:
    done = run(repo)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 environments checked: no finding\n"


def test_only_what_changes_is_looked_at(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    (repo / "overlays/complete/airflow.env").write_text("AIRFLOW__CORE__PARALLELISM=64\n")
    git(repo, "commit", "--all", "--quiet", "-m", "more")
    done = run(repo, base)
    assert (done.returncode, done.stdout) == (0, "1 environment checked: no finding\n"), done.stderr


def test_a_mistake_is_refused_at_its_line_and_a_secret_not_shown(repo: Path) -> None:
    base = git(repo, "rev-parse", "HEAD")
    overlay = repo / "overlays/dev"
    (overlay / "oops.yaml").write_text(PLAIN)
    text = (overlay / "kustomization.yaml").read_text()
    (overlay / "kustomization.yaml").write_text(text.replace("  - secrets\n", "  - secrets\n  - oops.yaml\n"))
    git(repo, "add", "--all")
    git(repo, "commit", "--quiet", "-m", "oops")
    done = run(repo, base)
    assert done.returncode == 1
    assert "hunter2" not in done.stdout + done.stderr
    if repo.name == "gitlab":
        report = json.loads((repo / job(repo)["artifacts"]["reports"]["codequality"]).read_text())
        assert "overlays/dev/oops.yaml" in {each["location"]["path"] for each in report}
        assert "overlays/dev/oops.yaml:4: error" in done.stdout
    else:
        assert "::error file=overlays/dev/oops.yaml,line=4" in done.stdout


def test_the_workflow_runs_for_pull_requests_and_has_the_history(repo: Path) -> None:
    workflow = yaml.load((repo / FORGES[repo.name]).read_text(), Loader=yaml.BaseLoader)
    if repo.name == "gitlab":
        assert job(repo)["variables"]["GIT_DEPTH"] == "0"
    else:
        assert workflow["on"] == {"pull_request": "", "push": {"branches": ["main"]}}
        first = job(repo)["steps"][0]
        assert first["with"]["fetch-depth"] == "0" if repo.name == "github" else "refs/heads/*" in first["run"]
    assert ("permissions" in workflow) == (repo.name in ("github", "gitea"))
    for script in scripts(repo):
        done = subprocess.run(["sh", "-n", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
