"""What a person outside of the cluster meets: the UI in a real Chromium, over the NodePort, and nothing else."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.cluster.conftest import Hello, Settled
from tests.cluster.errors import NotOnThisMachine
from tests.cluster.kit.airflow import Airflow, Run
from tests.cluster.kit.environment import own_cluster, reach
from tests.cluster.kit.environments import log_in, node_port
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.kubectl import Kubectl

pytestmark = pytest.mark.still

ENVIRONMENT = "dev"
# No sandbox: Chromium has none for root. The rest keeps it from what is not there: a GPU, and Google.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TUTORIAL = ("hello_world", "kubernetes_pod", "kubernetes_pod_that_fails", "tutorial")
# A page's first load takes long where all of a cluster shares two cores.
PATIENCE = 60_000
NODE_PORTS = range(30000, 32768)
# Of PostgreSQL, of LocalStack, and of LocalStack's Service.
INSIDE = (5432, 4566, 33000)


@pytest.fixture(scope="module")
def environment(kubectl: Kubectl, settled: Settled) -> Kubectl:
    """kubectl in the namespace of a synced environment with sealed secrets."""
    return kubectl.within(f"airflow-{ENVIRONMENT}")


@pytest.fixture(scope="module")
def url(environment: Kubectl) -> Iterator[str]:
    """The UI's address."""
    if own_cluster():
        yield node_port(environment)
    else:
        with reach(environment, "airflow-web", 8080) as url:
            yield url


@pytest.fixture(scope="module")
def run(environment: Kubectl, url: str, hello: Hello) -> Run:
    """A finished run of hello_world, its log in the bucket and its pods gone."""
    airflow: Airflow = log_in(environment, url)
    airflow.wait_for_dags(*TUTORIAL, seconds=300)
    airflow.wait_for_log(hello.runs[ENVIRONMENT], "hello_task", "hello world")
    return hello.runs[ENVIRONMENT]


@pytest.fixture
def page() -> Iterator[Page]:
    """An empty page of a browser that knows no one."""
    chromium = shutil.which("chromium")
    if not chromium:
        raise NotOnThisMachine("missing: Debian packages (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        yield page
        browser.close()


def test_a_wrong_password_opens_nothing(environment: Kubectl, url: str, page: Page) -> None:
    _sign_in(page, url, environment.secret("airflow-admin")["ADMIN_USERNAME"], "not-the-password")
    expect(page.get_by_text("Invalid login")).to_be_visible()
    page.goto(f"{url}/dags")
    expect(page.locator("input[name=password]")).to_be_visible()


def test_the_sealed_password_opens_the_ui_and_a_log_is_read_back(
    environment: Kubectl, url: str, page: Page, run: Run, figures: Figures
) -> None:
    admin = environment.secret("airflow-admin")
    with figures.time("browser: from the sign-in page to the list of DAGs"):
        _sign_in(page, url, admin["ADMIN_USERNAME"], admin["ADMIN_PASSWORD"])
        page.get_by_role("link", name="Dags").first.click()
        expect(page.get_by_test_id("dag-id")).to_have_text([*TUTORIAL])
    with figures.time("browser: from the list of DAGs to the log of a task"):
        page.locator(f"a[href*='/dags/hello_world/runs/{run.run}']").first.click()
        # By its name: there is a link of the same address in the grid, which opens a tooltip over the log.
        page.locator(f"a[href*='/runs/{run.run}/tasks/hello_task']", has_text="hello_task").click()
        # What is printed comes through a pipe of its own, and may come to stand in either group.
        for group in ("Log message source details", "Pre Execute", "Post Execute"):
            page.get_by_test_id(f"summary-{group}").click()
        log = page.get_by_test_id("virtualized-list")
        expect(log).to_contain_text("INFO - hello world")
    # Where Airflow read it. The worker's pod, the other place that a log can come from, is gone.
    expect(log).to_contain_text(
        f"s3://logs/airflow/dag_id=hello_world/run_id={run.run}/task_id=hello_task/attempt=1.log"
    )
    if picture := os.environ.get("TAXIWAY_SCREENSHOT"):
        page.screenshot(path=Path(picture))


@pytest.mark.skipif(not own_cluster(), reason="CLUSTER=existing: this process is not on the node's network")
def test_only_the_ui_answers_on_the_node(environment: Kubectl, url: str) -> None:
    host = url.removeprefix("http://").split(":")[0]
    published = {
        port["nodePort"]: service["metadata"]
        for service in environment.items("services", everywhere=True)
        for port in service["spec"]["ports"]
        if "nodePort" in port
    }
    own = {port for port, meta in published.items() if meta["namespace"] == environment.namespace}
    assert [published[port]["name"] for port in own] == ["airflow-web"]
    # Another environment may be about to start.
    assert own <= {port for port in NODE_PORTS if _answers(host, port)} <= set(published)
    assert [port for port in INSIDE if _answers(host, port)] == []
    # The same attempt where it must succeed: both are up, and answer at their cluster addresses.
    for service, port in (("airflow-pg", 5432), ("airflow-s3", 33000)):
        assert _answers(environment.get("service", service)["spec"]["clusterIP"], port)


def _sign_in(page: Page, url: str, name: str, password: str) -> None:
    page.goto(url)
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(password)
    page.locator("input[type=submit]").click()


def _answers(host: str, port: int) -> bool:
    """Whether a TCP connection is accepted; refused is the only other answer that counts."""
    try:
        socket.create_connection((host, port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True
