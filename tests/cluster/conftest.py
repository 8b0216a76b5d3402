"""What the cluster tests share. Controllers are installed once, by the first test that asks for them."""

import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cluster.errors import NotOnThisMachine
from tests.cluster.images.catalogue import AIRFLOW, OTHER_TAG
from tests.cluster.install import gitea, sealed_secrets
from tests.cluster.kit import proof
from tests.cluster.kit.airflow import Run
from tests.cluster.kit.controllers import ArgoCD, Controller, Flux
from tests.cluster.kit.environment import own_cluster
from tests.cluster.kit.environments import (
    ENVIRONMENTS,
    EnvironmentRepo,
    administrator,
    bootstrap,
    objects,
    remove,
    run_hello,
)
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.forge import Forge
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.python import CHECKOUT

CONTROLLERS = (ArgoCD(), Flux())
# The objects are the same under both controllers, and so is what they do once applied. So a change is made under one of
# them: a setting and a newer schema under the one, the way back from a release under the other, which begins with that
# release. Each controller is killed in the middle of one.
ARGOCD, FLUX = (
    pytest.mark.parametrize("controller", [each], indirect=True, ids=lambda c: c.name, scope="session")
    for each in CONTROLLERS
)
OTHER_RELEASE = "another image"
FIGURES = pytest.StashKey[Figures]()
# The marks that say when a test has its turn under a controller; without one it comes last, and may change anything.
TURNS = ("early", "still", "meanwhile", "quiet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Both environments, synced and healthy at a commit: since when (monotonic seconds), their objects by namespace."""

    commit: str
    since: float
    objects: dict[str, dict[str, tuple[int, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Environment -> a finished run of hello_world.

    `images` are of the first one's workers, which all should have the image that is `wanted`.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    wanted: str


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run outside of a cluster: a test session that tests nothing must not look like a good one."""
    config.stash[FIGURES] = Figures()
    if not own_cluster() and os.environ.get("CLUSTER") != "existing":
        how = "run these tests with: python -m tests.cluster test   (or CLUSTER=existing, for your own kubectl context)"
        pytest.exit(how, returncode=NotOnThisMachine.exit_code)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Under each controller: what only looks, then tests of elsewhere while all must stay as it is, then the rest.

    What takes its time is begun before all that.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, int]:
    names = [controller.name for controller in CONTROLLERS]
    spec = getattr(item, "callspec", None)  # pytest gives it to what has parameters
    meanwhile = item.get_closest_marker("meanwhile")
    if spec and "controller" in spec.params:
        name = spec.params["controller"].name
    elif meanwhile:
        (name,) = meanwhile.args
    else:
        return 0, 0
    turn = next((number for number, mark in enumerate(TURNS) if item.get_closest_marker(mark)), len(TURNS))
    return 1 + names.index(name), turn


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


@pytest.fixture(scope="session", params=CONTROLLERS, ids=lambda c: c.name)
def controller(request: pytest.FixtureRequest, kubectl: Kubectl, figures: Figures) -> Controller:
    """Each controller, installed. All tests of the one come before those of the other."""
    controller: Controller = request.param
    gitea.begin(kubectl)
    with figures.time(f"{controller.name}: installed to ready"):
        controller.install(kubectl)
    return controller


@pytest.fixture(scope="session")
def begun(controller: Controller) -> Hello:
    """What ran before both environments were there."""
    tag = OTHER_TAG if isinstance(controller, Flux) else AIRFLOW
    return Hello(wanted=f"apache/airflow:{tag}")


@pytest.fixture(scope="session")
def repo(
    kubectl: Kubectl,
    controller: Controller,
    forge: Forge,
    certificate: str,
    begun: Hello,
    figures: Figures,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EnvironmentRepo]:
    """A new environment repo, pushed; its first environment synced by itself, then the other one beside it."""
    first, *others = ENVIRONMENTS
    namespaces = {name: f"airflow-{name}" for name in ENVIRONMENTS}
    # What a session that was cut off has left.
    controller.remove(kubectl, ENVIRONMENTS)
    remove(kubectl, *namespaces.values())
    tree = tmp_path_factory.mktemp(controller.name) / "environments"
    repository = forge.create(f"{controller.name}-{secrets.token_hex(3)}")
    repo = bootstrap(tree, repository, controller=controller.name, certificate=certificate)
    commit = repo.push()
    if isinstance(controller, Flux):
        repo.change_release(first, OTHER_TAG)
        commit = repo.publish(OTHER_RELEASE)
    controller.give_access(kubectl, repository, ENVIRONMENTS)
    clusters = tree / "clusters" / "default"
    with figures.time(f"{controller.name}: one environment, from nothing to the first green DAG run"):
        with figures.time(f"{controller.name}: one environment, from nothing to synced and healthy"):
            kubectl("apply", "--filename", clusters / f"{first}.yaml")
            controller.wait(kubectl, first, commit, seconds=600)
        with administrator(kubectl.within(namespaces[first])) as airflow:
            begun.runs[first], images = run_hello(kubectl.within(namespaces[first]), airflow)
            begun.images.update(images)
            assert begun.runs[first].state == "success"
    if isinstance(controller, ArgoCD):
        with administrator(kubectl.within(namespaces[first])) as airflow:
            figures.take("a warm run of hello_world, three tasks", airflow.run("hello_world").duration)
    with figures.time(f"{controller.name}: another environment beside it, from nothing to synced and healthy"):
        kubectl("apply", "--filename", clusters)
        for environment in others:
            controller.wait(kubectl, environment, commit, seconds=600)
    rendered = kubectl("kustomize", tree / "overlays" / first)
    figures.take("objects of one environment", rendered.count("\nkind: "), "")
    figures.take("size of what is applied for one environment", len(rendered.encode()) / 1024, "KiB")
    yield repo
    controller.remove(kubectl, ENVIRONMENTS)
    remove(kubectl, *namespaces.values(), wait=False)


@pytest.fixture(scope="session")
def hello(settled: Settled, begun: Hello, kubectl: Kubectl, controller: Controller, figures: Figures) -> Hello:
    """A finished run of hello_world in each environment, those of all but the first beside the others."""
    for each in ENVIRONMENTS[1:]:
        here = kubectl.within(f"airflow-{each}")
        with administrator(here) as airflow:
            begun.runs[each], _ = run_hello(here, airflow)
        figures.take(f"{controller.name}: hello_world in {each} beside the other one", begun.runs[each].duration)
    return begun


@pytest.fixture(scope="session")
def settled(repo: EnvironmentRepo, kubectl: Kubectl) -> Settled:
    """Both environments as they are once synced and healthy, from which nothing may change by itself."""
    here = (kubectl.within(f"airflow-{name}") for name in ENVIRONMENTS)
    seen = {each.namespace: objects(each) for each in here}
    return Settled(commit=repo.push(), since=time.monotonic(), objects=seen)
