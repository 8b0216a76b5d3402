"""`kubectl apply -k overlays/complete`, as it lies in this project, on an empty cluster: what the environment does."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.errors import CommandFailed
from tests.cluster.kit.airflow import Airflow, Run
from tests.cluster.kit.environment import own_cluster, reach
from tests.cluster.kit.environments import COMPONENTS, WORKLOADS, generations, log_in, node_port, remove, restarts
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.kit.logs import levels, lines
from tests.cluster.kit.waiting import wait_for

NAMESPACE = "airflow-complete"
RBAC = Path(__file__).parent / "rbac.json"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
FIRST = "hello_world"
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
def complete(kubectl: Kubectl, checkout: Path, figures: Figures) -> Iterator[Kubectl]:
    """kubectl in the namespace of the applied overlay, all Ready."""
    remove(kubectl, NAMESPACE)
    here = kubectl.within(NAMESPACE)
    with figures.time("kubectl apply -k overlays/complete: from nothing to all Ready"):
        kubectl.apply_folder(checkout / "overlays" / "complete")
        here.wait_ready(*WORKLOADS, seconds=300)
    yield here
    remove(kubectl, NAMESPACE, wait=False)


@pytest.fixture(scope="module")
def airflow(complete: Kubectl) -> Iterator[Airflow]:
    """The administrator at the UI's address."""
    if own_cluster():
        yield log_in(complete, node_port(complete))
    else:
        with reach(complete, "airflow-web", 8080) as url:
            yield log_in(complete, url)


@pytest.fixture(scope="module")
def tutorial(complete: Kubectl, airflow: Airflow, figures: Figures) -> Tutorial:
    """One finished run of each tutorial DAG: the first by itself, the others side by side."""
    airflow.wait_for_dags(FIRST, *OTHERS)
    runs = {FIRST: airflow.run(FIRST)}
    figures.take(f"first run of {FIRST}", runs[FIRST].duration)
    begun = {dag: airflow.trigger(dag) for dag in OTHERS}
    roles: dict[str, str] = {}

    def all_ended() -> bool:
        for pod in complete.items("pods", labels="dag_id=kubernetes_pod"):
            labels, annotations = pod["metadata"]["labels"], pod["metadata"].get("annotations", {})
            kind = "operator" if labels.get("kubernetes_pod_operator") else "executor"
            roles[kind] = annotations.get("iam.amazonaws.com/role", "")
        return all(airflow.look(dag, run).ended for dag, run in begun.items())

    wait_for("the end of all runs", all_ended, seconds=300, every=0.5, state=complete.overview)
    return Tutorial(runs=runs | {dag: airflow.look(dag, run) for dag, run in begun.items()}, roles=roles)


def test_logs_are_plain_and_not_at_debug_level(complete: Kubectl) -> None:
    assert {component: levels(complete, component) for component in COMPONENTS} == {c: set() for c in COMPONENTS}
    written = [COLOUR.sub("", line) for component in COMPONENTS for line in lines(complete, component)]
    assert written and not [line for line in written if "[debug" in line or " DEBUG" in line]


def test_nothing_was_restarted(complete: Kubectl) -> None:
    assert restarts(complete) == {}


@pytest.mark.parametrize(("part", "job"), [("dag-processor", "DagProcessorJob"), ("triggerer", "TriggererJob")])
def test_the_quick_look_knows_the_job_of_its_own_pod(complete: Kubectl, part: str, job: str) -> None:
    look = (f"deployment/airflow-{part}", "python", "/opt/airflow/config/job_alive.py")
    complete.exec(*look, job)
    # It runs, in another pod.
    with pytest.raises(CommandFailed):
        complete.exec(*look, "SchedulerJob")


def test_applying_it_again_changes_nothing(complete: Kubectl, checkout: Path) -> None:
    before = generations(complete)
    # kubectl may say "configured": it replaces a budget's selector and a claim's template, by what they are.
    complete.apply_folder(checkout / "overlays" / "complete")
    assert generations(complete) == before


def test_every_object_passes_strict_validation(complete: Kubectl, checkout: Path) -> None:
    folder = checkout / "overlays" / "complete"
    complete("apply", "--dry-run=server", "--validate=strict", "--kustomize", folder)


def test_a_privileged_pod_is_refused(complete: Kubectl) -> None:
    pod = {"containers": [{"name": "root", "image": "any", "securityContext": {"privileged": True}}]}
    with pytest.raises(CommandFailed, match="violates PodSecurity"):
        complete.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": pod})


@pytest.mark.parametrize("dag", ["hello_world", "tutorial", "kubernetes_pod"])
def test_the_tutorial_succeeds_in_worker_pods(tutorial: Tutorial, dag: str) -> None:
    run = tutorial.runs[dag]
    assert run.state == "success", run
    assert set(run.tries.values()) == {1}


def test_a_failing_pod_fails_its_task(tutorial: Tutorial) -> None:
    assert tutorial.runs["kubernetes_pod_that_fails"].state == "failed"


def test_the_pods_of_tasks_are_annotated(tutorial: Tutorial) -> None:
    assert tutorial.roles == {"operator": "test", "executor": "test"}


def test_no_pod_of_a_task_is_left(complete: Kubectl, tutorial: Tutorial) -> None:
    def left() -> list[str]:
        return [p["metadata"]["name"] for p in complete.items("pods") if "dag_id" in p["metadata"].get("labels", {})]

    wait_for("the end of all task pods", lambda: not left(), seconds=60, state=left)


def test_a_log_is_an_object_in_the_bucket_and_read_back(
    complete: Kubectl, airflow: Airflow, tutorial: Tutorial
) -> None:
    run = tutorial.runs["hello_world"]
    airflow.wait_for_log(run, "bash_ls", "Command exited with return code 0")
    keys: list[str] = json.loads(complete.exec("deployment/airflow-s3", *LIST_BUCKET))
    # One that ran: an empty task is done by the scheduler, without a pod and without a log.
    tasks = [task for task in run.tasks if any(f"{run.run}/task_id={task}/" in key for key in keys)]
    assert set(tasks) >= {"hello_task", "bash_ls"}
    airflow.wait_for_log(run, "hello_task", "hello world")
    assert "debug" not in airflow.levels(run, "hello_task")


def test_every_account_may_do_what_the_table_says(complete: Kubectl) -> None:
    accounts = [a["metadata"]["name"] for a in complete.items("serviceaccounts")]
    assert {name: _allowed(complete, name) for name in accounts} == json.loads(RBAC.read_text())


def test_only_the_ui_is_open_to_the_outside(complete: Kubectl) -> None:
    kinds = {s["metadata"]["name"]: s["spec"]["type"] for s in complete.items("services")}
    assert [name for name, kind in kinds.items() if kind != "ClusterIP"] == ["airflow-web"]
    pods = complete.items("pods")
    ports = [p for pod in pods for c in pod["spec"]["containers"] for p in c.get("ports", [])]
    assert not [p for p in ports if "hostPort" in p]
    assert not [pod for pod in pods if pod["spec"].get("hostNetwork")]


def test_a_second_eviction_at_once_is_refused(complete: Kubectl) -> None:
    complete("scale", "deployment/airflow-triggerer", "--replicas=2")
    complete.wait_ready("deployment/airflow-triggerer", seconds=120)
    names = [p["metadata"]["name"] for p in complete.items("pods", labels="app.kubernetes.io/component=triggerer")]
    budget = "poddisruptionbudget"
    allowed = "a budget that knows both pods"
    complete.wait(allowed, budget, "airflow-triggerer", lambda b: b["status"].get("disruptionsAllowed") == 1)
    _evict(complete, names[0])
    with pytest.raises(CommandFailed, match="disruption budget"):
        _evict(complete, names[1])
    complete("scale", "deployment/airflow-triggerer", "--replicas=1")


def _evict(kubectl: Kubectl, pod: str) -> None:
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": kubectl.namespace},
    }
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "--filename=-", stdin=json.dumps(eviction))


def _allowed(kubectl: Kubectl, account: str) -> dict[str, str]:
    """Resource -> verbs, of what an account may do in the namespace beyond what every account may."""
    review: Json = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": kubectl.namespace},
    }
    who = f"--as=system:serviceaccount:{kubectl.namespace}:{account}"
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = kubectl("create", "--raw", path, "--filename=-", who, stdin=json.dumps(review))
    rules: list[dict[str, Any]] = json.loads(answer)["status"]["resourceRules"]
    allowed: dict[str, set[str]] = {}
    for rule in rules:
        if not {"authorization.k8s.io", "authentication.k8s.io"} & set(rule["apiGroups"]):
            for resource in rule["resources"]:
                allowed.setdefault(resource, set()).update(rule["verbs"])
    return {resource: " ".join(sorted(verbs)) for resource, verbs in allowed.items()}
