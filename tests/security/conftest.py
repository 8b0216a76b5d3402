"""An environment repo to be made hostile, a folder outside of it that must stay as it is, and a host that listens."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap import cli
from tests.commands.test_init import git
from tests.conftest import Keys, warm
from tests.security.hostile import CANARY, Place

# Port of the listener in hostile URLs; nothing may ever connect to it.
_NAMES = ("dev", "prod")


@pytest.fixture(scope="session")
def pristine(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment repo of two environments, with a bare remote beside it; it stays as it is."""
    folder = tmp_path_factory.mktemp("pristine")
    names = [word for name in _NAMES for word in ("--environment", name)]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        url = "https://git.example.com/acme/airflow-environments.git"
        cli.main(["init", str(folder / "envs"), "--repo", url, "--sealing-cert", str(keys.certificate), *names])
    assert not end.value.code
    git(folder, "clone", "--quiet", "--bare", "envs", "remote.git")
    return folder


@pytest.fixture
def place(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A clone to be made hostile, which is the current folder, and what must not be touched or reached."""
    shutil.copytree(pristine / "remote.git", tmp_path / "remote.git")
    git(tmp_path, "clone", "--quiet", "remote.git", "repo")
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("kustomization.yaml", "airflow.env", "namespace.yaml", "secret.txt"):
        (outside / name).write_text(f"# {CANARY}\n")
    monkeypatch.chdir(tmp_path / "repo")
    warm(pristine / "envs")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield Place(repo=tmp_path / "repo", outside=outside, listener=listener)
