"""Docs are code: every `taxiway` command of the README runs as it is written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Keys

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
FENCED = [block.partition("\n") for block in README.split("```")[1::2]]
BLOCKS = [block.strip() for language, _, block in FENCED if not language]
COMMANDS = [block for block in BLOCKS if "taxiway init" in block and not block.startswith("Wrote")]


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a folder, with `taxiway` on PATH; the first failing command ends it."""
    path = f"{Path(sys.executable).parent}:{folder / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-ec", script], cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"PATH": path}
    )


@pytest.fixture
def folder(keys: Keys, tmp_path: Path) -> Path:
    """A folder with the certificates that the README speaks of, and a kubeseal that fetches one of them."""
    for name in ("sealing-cert.pem", "nonprod.pem", "eu-west.pem"):
        (tmp_path / name).write_bytes(keys.certificate.read_bytes())
    (tmp_path / "bin").mkdir()
    # A cluster is the edge of the network here: its certificate is a file.
    (tmp_path / "bin/kubeseal").write_text(f'#!/bin/sh\ncat "{keys.certificate}"\n')
    (tmp_path / "bin/kubeseal").chmod(0o755)
    return tmp_path


def test_the_readme_shows_commands() -> None:
    assert len(COMMANDS) == 4


@pytest.mark.parametrize("script", COMMANDS)
def test_a_command_runs_as_it_is_written(script: str, folder: Path) -> None:
    done = run(script, folder)
    assert done.returncode == 0, done.stderr
    said = [line.split(":")[0] for line in README.splitlines() if line.startswith("Wrote ")]
    if script.startswith("kubeseal"):
        count = said[0].split()[1]
        assert done.stdout.startswith(f"Wrote {count} files to ")


def test_the_difference_that_the_readme_shows_is_the_one_that_is_told(folder: Path) -> None:
    assert run(COMMANDS[0], folder).returncode == 0
    release = folder / "my-airflow/overlays/dev/release"
    for name, old, new in (("kustomization.yaml", "3.3.2", "3.3.3"), ("release.env", "3-3-2", "3-3-3")):
        (release / name).write_text((release / name).read_text().replace(old, new))
    shown = next(block for block in BLOCKS if block.startswith("$ taxiway diff")).splitlines()
    done = run(shown[0].removeprefix("$ "), folder / "my-airflow")
    told = done.stdout.splitlines()
    for line in shown[1:]:
        assert line in told or line.strip() == "…", line


def test_the_finding_that_the_readme_shows_is_the_one_that_is_found(folder: Path) -> None:
    assert run(COMMANDS[0], folder).returncode == 0
    with (folder / "my-airflow/overlays/dev/airflow.env").open("a") as file:
        file.write("AIRFLOW__CORE__PARALELISM=64\n")
    shown = next(block for block in BLOCKS if block.startswith("$ taxiway validate")).splitlines()
    done = run(shown[0].removeprefix("$ "), folder / "my-airflow")
    assert done.stdout.splitlines() == shown[1:]


def test_the_promotion_of_the_readme_runs_as_it_is_written(folder: Path) -> None:
    assert run(COMMANDS[0], folder).returncode == 0
    repo = folder / "my-airflow"
    # A folder in place of the forge.
    remote = f"git init -q --bare -b main {folder}/remote.git && git remote set-url origin {folder}/remote.git"
    assert run(f"{remote} && git push -q -u origin HEAD", repo).returncode == 0
    promotion, others = (block for block in BLOCKS if "taxiway promote" in block or "taxiway rollback" in block)
    done = run(promotion, repo)
    assert done.returncode == 0, done.stderr
    merged = "git fetch -q && git merge -q --no-edit $(git branch -r --list 'origin/taxiway/*') && git push -q"
    assert run(merged, repo).returncode == 0
    done = run(others, repo)
    assert done.returncode == 0, done.stderr


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
