"""`taxiway init` as a person meets it: questions on a real pseudo-terminal, and a sign of life when it takes long."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pexpect
import pytest
import yaml

from bootstrap.secrets import sealing
from tests.conftest import REPO_URL, Keys

COMMAND = [sys.executable, "-m", "bootstrap"]


def start(*arguments: object, **environment: str) -> "pexpect.spawn[str]":
    child = pexpect.spawn(
        COMMAND[0],
        [*COMMAND[1:], *map(str, arguments)],
        env=os.environ | {"COLUMNS": "120"} | environment,
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 160),
    )
    assert isinstance(child, pexpect.spawn)
    return child


def ended(child: "pexpect.spawn[str]") -> int:
    child.expect(pexpect.EOF)
    child.close()
    return int(child.exitstatus if child.exitstatus is not None else -1)


def test_enter_takes_the_defaults(tmp_path: Path) -> None:
    child = start("init", tmp_path / "envs")
    child.expect("URL of the repository")
    child.sendline(REPO_URL)
    for question in ("Controller", "Environments", "Cluster of dev", "Cluster of complete", "Namespace of dev"):
        child.expect(question)
        child.sendline("")
    for question in ("Namespace of complete", "Node port of dev", "Node port of complete", "sealing certificate"):
        child.expect(question)
        child.sendline("")
    child.expect("private sealing key")
    child.sendline(str(tmp_path / "key.pem"))
    child.expect("secrets of your own")
    child.sendline("")
    child.expect("Write it to .*envs.*[Y/n]")
    child.sendline("")
    child.expect("Commit [0-9a-f]{10} on main")
    assert ended(child) == 0
    assert (tmp_path / "key.pem").exists()
    model = yaml.safe_load((tmp_path / "envs/taxiway.yaml").read_text())
    assert [each["name"] for each in model["environments"]] == ["dev", "complete"]


def test_answers_count_and_a_bad_one_is_asked_again(keys: Keys, tmp_path: Path) -> None:
    child = start("init", tmp_path / "envs", "--node-port", "qa=30080")
    child.expect("URL of the repository")
    child.sendline("nonsense")
    child.expect("not one that a controller can clone")
    child.expect("URL of the repository")
    child.sendline(REPO_URL)
    child.expect("Controller")
    child.sendline("jenkins")
    child.expect("one of: argocd, flux")
    child.sendline("flux")
    child.expect("Environments")
    child.sendline("qa, prod")
    for answer in ("west", "east", "", "data", "31000", str(keys.certificate), "", "y"):
        child.expect(r"\]: ")
        child.sendline(answer)
    assert ended(child) == 0
    given = sealing.read_certificate(keys.certificate.read_bytes(), source="test", now=datetime.now(UTC))
    pin = {"certificate": given.fingerprint}
    assert yaml.safe_load((tmp_path / "envs/taxiway.yaml").read_text()) == {
        "scaffold": "0.1.0",
        "repository": REPO_URL,
        "branch": "main",
        "forge": "github",
        "controller": "flux",
        "secrets": "sealed-secrets",
        "kubernetes": ">=1.31",
        "environments": [
            {"name": "qa", "namespace": "airflow-qa", "cluster": "west", "nodePort": 30080, **pin},
            {"name": "prod", "namespace": "data", "cluster": "east", "nodePort": 31000, **pin},
        ],
    }


@pytest.mark.parametrize("way", ["no", "ctrl-c", "ctrl-d"])
def test_a_no_leaves_nothing(keys: Keys, tmp_path: Path, way: str) -> None:
    child = start("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate)
    if way == "no":
        for _ in range(9):
            child.expect(r"\]: ")
            child.sendline("")
        child.expect("Write it to")
        child.sendline("n")
    else:
        child.expect("Controller")
        child.sendcontrol(way[-1])
    child.expect("interrupted; nothing was changed")
    assert ended(child) == 130
    assert not (tmp_path / "envs").exists()


def test_yes_asks_nothing(keys: Keys, tmp_path: Path) -> None:
    child = start("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate, "--yes")
    child.expect("Wrote .* files")
    assert ended(child) == 0


def slow(folder: Path) -> str:
    """A PATH whose kustomize takes a second."""
    folder.mkdir()
    script = folder / "kustomize"
    script.write_text("#!/bin/sh\nsleep 1.2\nprintf 'kind: Namespace\\nmetadata: {name: x}\\n'\n")
    script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_wait_of_more_than_half_a_second_is_explained(keys: Keys, tmp_path: Path) -> None:
    arguments = ("init", tmp_path / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate, "--yes")
    child = start(*arguments, PATH=slow(tmp_path / "bin"))
    child.expect("building the overlays")
    child.expect("Wrote .* files")
    assert ended(child) == 0


def test_nothing_is_explained_to_a_file(keys: Keys, tmp_path: Path) -> None:
    log = tmp_path / "log"
    arguments = ["init", str(tmp_path / "envs"), "--repo", REPO_URL, "--sealing-cert", str(keys.certificate)]
    line = " ".join([*COMMAND, *arguments, "--yes", f"2>{log}"])
    child = pexpect.spawn(
        "/bin/sh", ["-c", line], env=os.environ | {"PATH": slow(tmp_path / "bin")}, encoding="utf-8", timeout=30
    )
    assert isinstance(child, pexpect.spawn)
    assert ended(child) == 0
    assert log.read_text() == ""
