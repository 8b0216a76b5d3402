"""`kubectl apply -k overlays/complete`, as it lies in this project, on an empty cluster: what the environment does."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.errors import CommandFailed
from tests.cluster.kit.environments import COMPONENTS, WORKLOADS, administrator, generations, remove, restarts
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.kit.logs import levels, lines, newest_pod

NAMESPACE = "airflow-complete"
RBAC = Path(__file__).parent / "rbac.json"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


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


def test_the_quick_look_knows_the_schema_of_its_image(complete: Kubectl) -> None:
    look = ("python", "/opt/airflow/config/migrated.py")
    complete.exec("deployment/airflow-scheduler", *look)
    # Of who migrates with another auth manager it knows nothing.
    with pytest.raises(CommandFailed):
        complete.exec("deployment/airflow-scheduler", "env", "AIRFLOW__CORE__AUTH_MANAGER=a.SimpleAuthManager", *look)


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


def test_a_dag_runs(complete: Kubectl, figures: Figures) -> None:
    with administrator(complete) as airflow:
        airflow.wait_for_dags("hello_world")
        run = airflow.run("hello_world")
        assert run.state == "success", run
        airflow.wait_for_log(run, "hello_task", "hello world")
        assert "debug" not in airflow.levels(run, "hello_task")
    figures.take("first run of hello_world", run.duration)


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


def test_no_eviction_while_another_pod_is_not_ready(complete: Kubectl) -> None:
    name = newest_pod(complete, "triggerer")["metadata"]["name"]
    complete("scale", "deployment/airflow-triggerer", "--replicas=2")
    both = "a budget that knows of both pods"
    complete.wait(both, "poddisruptionbudget", "airflow-triggerer", lambda b: b["status"].get("expectedPods") == 2)
    with pytest.raises(CommandFailed, match="disruption budget"):
        _evict(complete, name)
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
