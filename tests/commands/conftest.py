"""Environment repos which the tests of several commands share, with a remote and without, and what is built there."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bootstrap.system import process
from tests.commands.test_init import git
from tests.conftest import REPO_URL, Keys, warm

Builds = Callable[[], list[str]]


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
def repo(origin: Path, remote: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of that, which is the current folder; what it renders to is known."""
    warm(origin.with_name("envs"))
    folder = clone(remote, tmp_path / "repo")
    monkeypatch.chdir(folder)
    return folder


def clone(remote: Path, folder: Path) -> Path:
    git(folder.parent, "clone", "--quiet", str(remote), folder.name)
    return folder


@pytest.fixture
def fresh(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the fresh environment repo, and the current folder somewhere inside of it."""
    shutil.copytree(fresh, tmp_path / "envs", symlinks=True)
    monkeypatch.chdir(tmp_path / "envs/overlays/dev")
    return tmp_path / "envs"


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builds:
    """The environments that were built since the last call."""
    folder, log = tmp_path / "bin", tmp_path / "builds"
    folder.mkdir()
    real = process.find_program("kustomize") or f"{process.find_program('kubectl')} kustomize"
    build = shlex.quote(real) + " build" if process.find_program("kustomize") else real
    script = folder / "kustomize"
    lines = ('[ "$1" = version ] && exec echo v5', f'echo "${{2##*/}}" >>{shlex.quote(str(log))}', f'exec {build} "$2"')
    script.write_text("\n".join(("#!/bin/sh", *lines, "")))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def since() -> list[str]:
        names = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return sorted(names)

    return since


def edit(path: Path, old: str, new: str) -> None:
    """Put one text in the place of another that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def break_it(repo: Path) -> None:
    """A mistake that kustomize refuses, in `dev` alone."""
    edit(repo / "overlays/dev/kustomization.yaml", "  - namespace.yaml\n", "  - namespace.yaml\n  - nothing.yaml\n")
