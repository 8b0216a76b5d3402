"""The check that the environment repo's CI runs: it passes what init wrote and refuses a Secret in the clear."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bootstrap import process
from tests.conftest import REPO_URL, Keys, Taxiway

PLAIN = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: oops\nstringData:\n  password: hunter2\n"


def check(top: Path) -> subprocess.CompletedProcess[str]:
    beside = str(Path(sys.executable).parent)
    return subprocess.run(
        ["sh", ".taxiway/check.sh"],
        cwd=top,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": f"{os.environ['PATH']}:{beside}"},
    )


@pytest.fixture
def repo(taxiway: Taxiway, keys: Keys, tmp_path: Path) -> Path:
    """A fresh environment repo."""
    said = taxiway("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    assert said.code == 0, said.err
    return tmp_path / "envs"


def test_a_fresh_repository_passes(repo: Path) -> None:
    done = check(repo)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 overlays build; no Secret is in the clear\n"


@pytest.mark.parametrize(
    "text",
    [PLAIN, PLAIN.replace("Secret", '"Secret"'), PLAIN.replace("kind: Secret", "kind:   Secret  # mine"),
     '{\n  "apiVersion": "v1",\n  "kind": "Secret",\n  "metadata": {"name": "a"}\n}\n', "---\n" + PLAIN,
     "kind: Kustomization\nsecretGenerator:\n- name: a\n"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["secret.yaml", "deep/er/secret.yml", "secret.json"])
def test_a_secret_in_any_file_is_refused(repo: Path, text: str, name: str) -> None:
    path = repo / "overlays/dev/patches" / name
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = check(repo)
    assert done.returncode == 1
    assert f"overlays/dev/patches/{name}: holds a Secret in the clear" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_a_secret_in_the_render_is_refused(repo: Path) -> None:
    overlay = repo / "overlays/dev"
    (overlay / "hidden.txt").write_text(PLAIN)
    text = (overlay / "kustomization.yaml").read_text()
    (overlay / "kustomization.yaml").write_text(text.replace("  - secrets\n", "  - secrets\n  - hidden.txt\n"))
    done = check(repo)
    assert done.returncode == 1
    assert "overlays/dev: renders a Secret in the clear" in done.stderr


def test_an_overlay_that_does_not_build_is_refused(repo: Path) -> None:
    (repo / "overlays/complete/release/replacements.yaml").unlink()
    done = check(repo)
    assert done.returncode == 1
    assert "overlays/complete: does not build" in done.stderr


def test_the_check_says_when_it_can_not_check(repo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("dirname", "sh"):
        (folder / name).symlink_to(process.find(name) or "")
    done = subprocess.run(
        [str(folder / "sh"), ".taxiway/check.sh"],
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(folder)},
    )
    assert (done.returncode, done.stderr) == (2, "neither kustomize nor kubectl is on PATH\n")


@pytest.mark.parametrize(
    ("forge", "path"),
    [("github", ".github/workflows/taxiway.yaml"), ("gitlab", ".gitlab-ci.yml"),
     ("gitea", ".gitea/workflows/taxiway.yaml"), ("forgejo", ".forgejo/workflows/taxiway.yaml")],
)  # fmt: skip
def test_each_forge_calls_the_check(taxiway: Taxiway, keys: Keys, tmp_path: Path, forge: str, path: str) -> None:
    arguments = ("--repo", REPO_URL, "--sealing-cert", keys.certificate, "--forge", forge)
    assert taxiway("init", tmp_path / "envs", *arguments).code == 0
    workflow = yaml.load((tmp_path / "envs" / path).read_text(), Loader=yaml.BaseLoader)
    if forge == "gitlab":
        scripts = workflow["check"]["script"]
    else:
        assert workflow["on"] == {"pull_request": "", "push": {"branches": ["main"]}}
        scripts = [step.get("run", "") for step in workflow["jobs"]["check"]["steps"]]
    assert any(script.strip() == "sh .taxiway/check.sh" for script in scripts)
    for script in scripts:
        done = subprocess.run(["sh", "-n", "-c", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
