"""What the cluster tests share. Controllers are installed once, by the first test that asks for them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.errors import NotOnThisMachine
from tests.cluster.install import gitea, sealed_secrets
from tests.cluster.kit import proof
from tests.cluster.kit.environment import own_cluster
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.forge import Forge
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.python import CHECKOUT

FIGURES = pytest.StashKey[Figures]()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run outside of a cluster: a test session that tests nothing must not look like a good one."""
    config.stash[FIGURES] = Figures()
    if not own_cluster() and os.environ.get("CLUSTER") != "existing":
        how = "run these tests with: python -m tests.cluster test   (or CLUSTER=existing, for your own kubectl context)"
        pytest.exit(how, returncode=NotOnThisMachine.exit_code)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode, config: pytest.Config
) -> None:
    """Show the figures that the tests took, and write them where TAXIWAY_FIGURES and TAXIWAY_PROOF say."""
    figures = config.stash[FIGURES]
    terminalreporter.section("figures")
    terminalreporter.write_line(figures.table())
    if path := os.environ.get("TAXIWAY_FIGURES"):
        figures.write(Path(path))
    if (path := os.environ.get("TAXIWAY_PROOF")) and exitstatus == pytest.ExitCode.OK:
        proof.write(Path(path), figures, Kubectl(), len(terminalreporter.getreports("passed")))


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """Where a test writes down what it measured."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """kubectl, in the cluster that is tested."""
    return Kubectl()


@pytest.fixture(scope="session")
def certificate(kubectl: Kubectl) -> str:
    """The certificate of a real sealed-secrets controller."""
    sealed_secrets.install(kubectl)
    return sealed_secrets.fetch_certificate()


@pytest.fixture(scope="session")
def forge(kubectl: Kubectl) -> Iterator[Forge]:
    """A real Gitea."""
    with gitea.installed(kubectl) as forge:
        yield forge


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The top of this project."""
    return CHECKOUT
