"""Fixtures for forges: one Gitea for the session, a repository and a client for each test."""

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootstrap.config.remote import Forge, Remote
from bootstrap.forges import client, tokens
from bootstrap.forges.client import PullRequests
from bootstrap.forges.hosting import HostedRepository
from tests.forge.gitea import Account, Gitea, Repository, repository, running

Connect = Callable[..., PullRequests]
BRANCH = "taxiway/promote-dev-complete-1f2e3d"
# Read before a fixture gives the test another home folder.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "taxiway" / "forge"


# The fixtures that need Go or npm.
BUILT = {"gitea", "installed", "client"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests with such a fixture: `make test-forge` runs them."""
    for item in items:
        if BUILT & set(getattr(item, "fixturenames", ())) and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.forge)


@contextlib.contextmanager
def build_lock(name: str) -> Iterator[None]:
    """Let one worker of a parallel run build, while the others wait for the result."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def gitea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """A running Gitea; without Go and a C compiler to build it, the tests are skipped."""
    programs = pytest.importorskip("tests.cluster.builds.programs", reason="tests/cluster is not in this copy")
    from tests.cluster.builds.modules import source
    from tests.cluster.console import Console

    if missing := [name for name in ("go", "gcc", "git") if not shutil.which(name)]:
        pytest.skip(f"no Gitea to test against: {' and '.join(missing)} missing, which build it from its Go module")
    with build_lock("gitea"):
        programs.build(["gitea"], Console())
    with running(programs.program("gitea"), source("gitea"), tmp_path_factory.mktemp("gitea")) as server:
        yield server


@pytest.fixture(scope="session")
def acme(gitea: Gitea) -> Account:
    """The owner of all repositories."""
    return gitea.account("acme", admin=True)


@pytest.fixture(scope="session")
def reviewer(gitea: Gitea, acme: Account) -> Account:
    """A user who can review where a repository has them as a collaborator."""
    return gitea.account("ada")


@pytest.fixture
def envs(acme: Account) -> Repository:
    """A repository with one commit on its branch `main`."""
    return repository(acme)


def clone_of(folder: Path, url: str) -> Path:
    """A repository whose remote `origin` has this URL."""
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(["git", "-C", folder, "config", "remote.origin.url", url], check=True)
    return folder


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Connect]:
    """A function that connects to the forge of a URL, with the token in TAXIWAY_TOKEN."""

    def to(url: str, kind: Forge, token: str) -> PullRequests:
        monkeypatch.setenv(tokens.GENERAL, token)
        hosted = HostedRepository.of(Remote.parse(url), kind)
        clone = clone_of(tmp_path / "clone", url)
        return stack.enter_context(client.connect(hosted, clone, progress=lambda _: contextlib.nullcontext()))

    with contextlib.ExitStack() as stack:
        yield to


@pytest.fixture
def pulls(envs: Repository, acme: Account, connect: Connect) -> PullRequests:
    """The client of a repository to which the branch of a promotion is pushed."""
    envs.commit(BRANCH, "release.env", "RELEASE=3-1-1\n")
    return connect(envs.url, Forge.GITEA, acme.token())


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds of each pause before a retry; no test really waits."""
    seconds: list[float] = []
    monkeypatch.setattr("bootstrap.forges.http.time.sleep", seconds.append)
    return seconds
