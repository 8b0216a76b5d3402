"""From `taxiway init` to a green DAG run, under the real controllers: both environments side by side on one cluster."""

import os
import time

import pytest

from tests.cluster.conftest import ARGOCD, Hello, Settled
from tests.cluster.kit.controllers import Controller
from tests.cluster.kit.environments import (
    ENVIRONMENTS,
    WORKLOADS,
    EnvironmentRepo,
    objects,
    pods_of,
    restarts,
)
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.waiting import wait_for

# How long nothing may change in a synced environment.
QUIET = float(os.environ.get("TAXIWAY_QUIET_SECONDS", "300"))


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest, settled: Settled, kubectl: Kubectl) -> Kubectl:
    """kubectl in the namespace of each environment."""
    return kubectl.within(f"airflow-{request.param}")


@pytest.mark.still
def test_every_sealed_secret_opens(environment: Kubectl) -> None:
    sealed = environment.items("sealedsecrets")
    verdicts = {s["metadata"]["name"]: [c["status"] for c in s["status"]["conditions"]] for s in sealed}
    assert verdicts and set(map(tuple, verdicts.values())) == {("True",)}, verdicts


@pytest.mark.still
def test_all_is_ready_without_a_restart(environment: Kubectl) -> None:
    environment.wait_ready(*WORKLOADS, seconds=5)
    assert restarts(environment) == {}


@pytest.mark.still
def test_the_migration_ends_before_the_user_is_made(environment: Kubectl) -> None:
    jobs = {j["metadata"]["labels"]["app.kubernetes.io/component"]: j["status"] for j in environment.items("jobs")}
    assert jobs["migrate"]["completionTime"] <= jobs["create-user"]["completionTime"]


@pytest.mark.still
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_ui_answers_and_a_dag_runs(hello: Hello, name: str) -> None:
    assert hello.runs[name].state == "success", hello.runs[name]


@pytest.mark.still
def test_workers_run_the_image_of_their_release(hello: Hello) -> None:
    assert hello.images == {hello.wanted}


@pytest.mark.quiet
def test_nothing_fights_the_controller(settled: Settled, controller: Controller, kubectl: Kubectl) -> None:
    controller.refresh(kubectl, ENVIRONMENTS)
    time.sleep(max(0.0, settled.since + QUIET - time.monotonic()))
    assert {namespace: objects(kubectl.within(namespace)) for namespace in settled.objects} == settled.objects
    for environment in ENVIRONMENTS:
        controller.wait(kubectl, environment, settled.commit, seconds=5)


def test_a_manual_change_is_put_right(repo: EnvironmentRepo, controller: Controller, kubectl: Kubectl) -> None:
    here = kubectl.within("airflow-dev")
    here("scale", "deployment/airflow-triggerer", "--replicas=2")
    here("delete", "poddisruptionbudget", "airflow-scheduler")
    controller.refresh(kubectl, ["dev"])

    def right() -> bool:
        scaled = here.get("deployment", "airflow-triggerer")["spec"]["replicas"] == 1
        return scaled and here.find("poddisruptionbudget", "airflow-scheduler") is not None

    wait_for("the replicas and the PodDisruptionBudget", right, seconds=90, every=0.5)
    here.wait_ready("deployment/airflow-triggerer")


@ARGOCD
def test_a_setting_restarts_its_readers_only(
    repo: EnvironmentRepo, controller: Controller, kubectl: Kubectl, figures: Figures
) -> None:
    here, file = kubectl.within("airflow-complete"), repo.tree / "overlays/complete/base/airflow/dags.env"
    before, text = pods_of(here), file.read_text()
    other = pods_of(kubectl.within("airflow-dev"))
    file.write_text(f"{text.rstrip()}\nAIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD=70\n")
    commit = repo.publish("a DAG is stale after 70 seconds")
    with figures.time(f"{controller.name}: a changed setting, from push to synced and healthy"):
        controller.refresh(kubectl, ["complete"])
        controller.wait(kubectl, "complete", commit, seconds=240)
    after = pods_of(here)
    assert {name for name, uid in before.items() if after[name] != uid} == {"dag-processor"}
    assert pods_of(kubectl.within("airflow-dev")) == other
    assert here.get("configmap", _settings_of(here))["data"]["AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD"] == "70"


def test_what_leaves_git_leaves_the_cluster(repo: EnvironmentRepo, controller: Controller, kubectl: Kubectl) -> None:
    here = kubectl.within("airflow-complete")
    base = repo.tree / "overlays/complete/base/airflow"
    listed = base / "kustomization.yaml"
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(line for line in lines if "poddisruptionbudget.triggerer" not in line))
    commit = repo.publish("no budget for the triggerer")
    controller.refresh(kubectl, ["complete"])
    controller.wait(kubectl, "complete", commit, seconds=240)
    gone = "the removed PodDisruptionBudget to be pruned"
    wait_for(gone, lambda: here.find("poddisruptionbudget", "airflow-triggerer") is None, seconds=60)


def _settings_of(kubectl: Kubectl) -> str:
    """The name of the ConfigMap that the dag-processor alone reads."""
    spec = kubectl.get("deployment", "airflow-dag-processor")["spec"]["template"]["spec"]
    sources = [s["configMapRef"]["name"] for s in spec["containers"][0]["envFrom"] if "configMapRef" in s]
    return str(next(name for name in sources if name.startswith("airflow-dags")))
