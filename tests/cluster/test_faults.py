"""What an environment outlives. It is applied by hand, `kubectl apply -k`, from what `taxiway init` wrote."""

import secrets
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import FLUX, Settled
from tests.cluster.install import sealed_secrets
from tests.cluster.kit.airflow import Airflow
from tests.cluster.kit.environments import WORKLOADS, add_dag_files, administrator, bootstrap, objects, remove
from tests.cluster.kit.forge import Forge
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.waiting import wait_for

pytestmark = pytest.mark.meanwhile("flux")

NAME = "faults"
NAMESPACE = f"airflow-{NAME}"
DAGS = Path(__file__).parent / "dags"
# Beside two synced environments a node of two cores has no room for a third one's full requests.
MODEST = """\
patches:
  - target:
      kind: (Deployment|StatefulSet|Job)
    patch: |-
      - op: replace
        path: /spec/template/spec/containers/0/resources/requests/cpu
        value: 10m
  - target:
      kind: Deployment
      name: airflow-(api-server|scheduler|dag-processor|triggerer)
    patch: |-
      - op: replace
        path: /spec/template/spec/initContainers/0/resources/requests/cpu
        value: 10m
"""
# No time to say goodbye.
KILL = ("--grace-period=0", "--force")


@pytest.fixture(scope="session")
def overlay(forge: Forge, certificate: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The overlay of a new environment repo, with this module's DAGs beside the tutorial's."""
    tree = tmp_path_factory.mktemp("faults") / "environments"
    repository = forge.create(f"faults-{secrets.token_hex(3)}")
    bootstrap(tree, repository, controller="argocd", certificate=certificate, environments=[NAME])
    add_dag_files(tree, DAGS / "deferred.py", DAGS / "long.py")
    overlay = tree / "overlays" / NAME
    kustomization = overlay / "kustomization.yaml"
    text = kustomization.read_text()
    assert "\npatches:" not in text
    kustomization.write_text(text + MODEST)
    return overlay


@pytest.fixture(scope="session")
def applied(kubectl: Kubectl, overlay: Path) -> Kubectl:
    """kubectl in the namespace of the applied overlay."""
    remove(kubectl, NAMESPACE)
    kubectl.apply_folder(overlay)
    return kubectl.within(NAMESPACE)


@pytest.fixture(scope="module")
def here(applied: Kubectl) -> Iterator[Kubectl]:
    """The same, all Ready."""
    applied.wait_ready(*WORKLOADS, seconds=600)
    yield applied
    remove(applied, NAMESPACE, wait=False)


@pytest.fixture(scope="module")
def airflow(here: Kubectl) -> Iterator[Airflow]:
    """The administrator, once every DAG is known."""
    with administrator(here) as airflow:
        airflow.wait_for_dags("deferred", "long")
        yield airflow


@FLUX
@pytest.mark.early
def test_every_object_is_accepted(settled: Settled, applied: Kubectl, overlay: Path) -> None:
    rendered = yaml.safe_load_all(applied("kustomize", overlay))
    names = {f"{each['kind']}/{each['metadata']['name']}" for each in rendered}
    assert names - {f"Namespace/{NAMESPACE}"} <= set(objects(applied))


def test_a_second_apply_changes_no_object(here: Kubectl, overlay: Path) -> None:
    before = objects(here)
    here.apply_folder(overlay)
    assert objects(here) == before


def test_a_deferred_task_outlives_the_api_server_and_the_triggerer(here: Kubectl, airflow: Airflow) -> None:
    run = airflow.trigger("deferred")
    both = {"for_a_time": "deferred", "for_a_pod": "deferred"}
    wait_for(
        "two deferred tasks",
        lambda: airflow.look("deferred", run).tasks == both,
        seconds=240,
        every=0.5,
        state=lambda: airflow.look("deferred", run),
    )
    here.replace_pods("app.kubernetes.io/component in (api-server,triggerer)", *KILL, seconds=300)
    ended = airflow.wait("deferred", run, seconds=480)
    assert (ended.state, ended.tries) == ("success", {"for_a_time": 1, "for_a_pod": 1})


def test_a_run_outlives_its_scheduler(here: Kubectl, airflow: Airflow) -> None:
    run = _begin(airflow)
    here.replace_pods("app.kubernetes.io/component=scheduler", *KILL, seconds=300)
    _ends_well(here, airflow, run)


def test_a_run_outlives_the_database_and_the_object_store(here: Kubectl, airflow: Airflow) -> None:
    run = _begin(airflow)
    here.replace_pods("app.kubernetes.io/component in (postgres,localstack)", *KILL, seconds=300)
    _ends_well(here, airflow, run)
    # The task that ended after the fault has its log in the new bucket, all of it.
    airflow.wait_for_log(airflow.look("long", run), "first", "begins")
    airflow.wait_for_log(airflow.look("long", run), "second", "goes on")


def test_after_a_renewal_of_the_sealing_key_all_still_opens(here: Kubectl, certificate: str) -> None:
    sealed = [s["metadata"]["name"] for s in here.items("sealedsecrets")]
    before = {name: here.secret(name) for name in sealed}
    assert all(before.values())
    current = sealed_secrets.fetch_certificate()
    sealed_secrets.renew_key(here, formatdate())
    wait_for("the new certificate", lambda: sealed_secrets.fetch_certificate() != current, seconds=60, every=1)
    here("delete", "secret", *sealed)
    assert (
        wait_for("the Secrets, made again", lambda: {name: here.secret(name) for name in sealed}, seconds=60) == before
    )
    wait_for("the controller's verdict on each", lambda: set(_verdicts(here).values()) == {"True"}, seconds=60)


def _verdicts(kubectl: Kubectl) -> dict[str, str]:
    """SealedSecret -> whether it is synced, as its controller says."""
    sealed = kubectl.items("sealedsecrets")
    return {s["metadata"]["name"]: s["status"]["conditions"][0]["status"] for s in sealed}


def _begin(airflow: Airflow) -> str:
    """Start a run, and wait until its first task runs; return the run's id."""
    run = airflow.trigger("long")
    wait_for(
        "a running task",
        lambda: airflow.look("long", run).tasks.get("first") == "running",
        seconds=240,
        every=0.5,
        state=lambda: airflow.look("long", run),
    )
    return run


def _ends_well(here: Kubectl, airflow: Airflow, run: str) -> None:
    """Let the first task go on, and wait for the end of the run."""
    pods = here.items("pods", labels="dag_id=long,task_id=first")
    (name,) = [p["metadata"]["name"] for p in pods if p["metadata"]["annotations"]["run_id"] == run]
    here.exec(name, "touch", "/tmp/go-on")
    ended = airflow.wait("long", run, seconds=480)
    assert (ended.state, ended.tries) == ("success", {"first": 1, "second": 1})
