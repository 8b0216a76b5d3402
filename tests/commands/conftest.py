"""An environment repo with a remote, which the tests of several commands share."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.test_init import git
from tests.conftest import REPO_URL, Keys


@pytest.fixture(scope="session")
def origin(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bare repository with an environment repo of dev, staging and prod, which stays as it is."""
    folder = tmp_path_factory.mktemp("origin")
    names = [word for name in ("dev", "staging", "prod") for word in ("--environment", name)]
    script = "from bootstrap.cli import main; main()"
    arguments = ["init", folder / "envs", "--repo", REPO_URL, "--sealing-cert", keys.certificate, *names]
    identity = {f"GIT_{role}_{what}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": f"{os.environ['PATH']}:{Path(sys.executable).parent}", "HOME": str(folder), **identity}
    subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], check=True, env=environment, capture_output=True
    )
    git(folder, "clone", "--quiet", "--bare", "envs", "remote.git")
    return folder / "remote.git"


@pytest.fixture
def remote(origin: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(origin, tmp_path / "remote.git")
    return tmp_path / "remote.git"


@pytest.fixture
def repo(remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of that, which is the current folder."""
    folder = clone(remote, tmp_path / "repo")
    monkeypatch.chdir(folder)
    return folder


def clone(remote: Path, folder: Path) -> Path:
    git(folder.parent, "clone", "--quiet", str(remote), folder.name)
    return folder
