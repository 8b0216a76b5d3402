"""The tutorial's DAGs in a synced environment, in worker pods that are made through the real Role."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cluster.conftest import ARGOCD, Hello, Settled
from tests.cluster.kit.airflow import Airflow, Run
from tests.cluster.kit.environments import administrator
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.waiting import wait_for

pytestmark = [ARGOCD, pytest.mark.still]

ENVIRONMENT = "complete"
# What runs beside hello_world.
OTHERS = ("tutorial", "kubernetes_pod", "kubernetes_pod_that_fails")
# One key of the bucket a line, asked inside of the localstack pod.
LIST_BUCKET = (
    "awslocal",
    "s3api",
    "list-objects-v2",
    "--bucket",
    "logs",
    "--query",
    "Contents[].Key",
    "--output",
    "json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tutorial:
    """The tutorial's runs by DAG, and the annotated role of each kind of pod that they made."""

    runs: dict[str, Run]
    roles: dict[str, str]


@pytest.fixture(scope="module")
def here(settled: Settled, kubectl: Kubectl) -> Kubectl:
    """kubectl in the environment's namespace."""
    return kubectl.within(f"airflow-{ENVIRONMENT}")


@pytest.fixture(scope="module")
def airflow(here: Kubectl) -> Iterator[Airflow]:
    """The administrator."""
    with administrator(here) as airflow:
        yield airflow


@pytest.fixture(scope="module")
def tutorial(here: Kubectl, airflow: Airflow, hello: Hello) -> Tutorial:
    """One finished run of each tutorial DAG."""
    airflow.wait_for_dags(*OTHERS)
    begun = {dag: airflow.trigger(dag) for dag in OTHERS}
    roles: dict[str, str] = {}

    def all_ended() -> bool:
        for pod in here.items("pods", labels="dag_id=kubernetes_pod"):
            labels, annotations = pod["metadata"]["labels"], pod["metadata"].get("annotations", {})
            kind = "operator" if labels.get("kubernetes_pod_operator") else "executor"
            roles[kind] = annotations.get("iam.amazonaws.com/role", "")
        return all(airflow.look(dag, run).ended for dag, run in begun.items())

    wait_for("the end of all runs", all_ended, seconds=300, every=0.5, state=here.overview)
    ended = {dag: airflow.look(dag, run) for dag, run in begun.items()}
    return Tutorial(runs={"hello_world": hello.runs[ENVIRONMENT], **ended}, roles=roles)


@pytest.mark.parametrize("dag", ["hello_world", "tutorial", "kubernetes_pod"])
def test_the_tutorial_succeeds_in_worker_pods(tutorial: Tutorial, dag: str) -> None:
    run = tutorial.runs[dag]
    assert run.state == "success", run
    assert set(run.tries.values()) == {1}


def test_a_failing_pod_fails_its_task(tutorial: Tutorial) -> None:
    assert tutorial.runs["kubernetes_pod_that_fails"].state == "failed"


def test_the_pods_of_tasks_are_annotated(tutorial: Tutorial) -> None:
    assert tutorial.roles == {"operator": "test", "executor": "test"}


def test_no_pod_of_a_task_is_left(here: Kubectl, tutorial: Tutorial) -> None:
    def left() -> list[str]:
        return [p["metadata"]["name"] for p in here.items("pods") if "dag_id" in p["metadata"].get("labels", {})]

    wait_for("the end of all task pods", lambda: not left(), seconds=60, state=left)


def test_a_log_is_an_object_in_the_bucket_and_read_back(here: Kubectl, airflow: Airflow, tutorial: Tutorial) -> None:
    run = tutorial.runs["hello_world"]
    airflow.wait_for_log(run, "bash_ls", "Command exited with return code 0")
    keys: list[str] = json.loads(here.exec("deployment/airflow-s3", *LIST_BUCKET))
    # One that ran: an empty task is done by the scheduler, without a pod and without a log.
    tasks = [task for task in run.tasks if any(f"{run.run}/task_id={task}/" in key for key in keys)]
    assert set(tasks) >= {"hello_task", "bash_ls"}
    airflow.wait_for_log(run, "hello_task", "hello world")
    assert "debug" not in airflow.levels(run, "hello_task")
