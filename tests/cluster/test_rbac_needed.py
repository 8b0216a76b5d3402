"""Takes each verb of each Role away in turn and looks at what fails: the evidence for the Roles, not a daily test.

    python -m tests.cluster test -- -m evidence tests/cluster/test_rbac_needed.py

With TAXIWAY_RBAC=docs/rbac.md the run writes down what it saw.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.builds.parts import KUBERNETES
from tests.cluster.errors import ClusterError, TookTooLong
from tests.cluster.images.catalogue import AIRFLOW
from tests.cluster.kit.airflow import Airflow
from tests.cluster.kit.environments import WORKLOADS, add_dag_files, administrator, remove
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.kit.waiting import wait_for

pytestmark = pytest.mark.evidence

NAMESPACE = "airflow-complete"
DAGS = Path(__file__).parent / "dags"
RBAC: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "rbac.json").read_text())
KILL = ("--grace-period=0", "--force")
# How the API server refuses: `pods is forbidden: User "…" cannot list resource "pods" in API group "" …`.
_REFUSAL = re.compile(r'cannot (\w+) resource \W*"([\w/]+)')
_HEAD = """# Every verb of every Role

What fails when one verb is taken away and everything else stays. Written by
`TAXIWAY_RBAC=docs/rbac.md python -m tests.cluster test -- -m evidence` on {date}, with Airflow {airflow} and Kubernetes
{kubernetes}.

| Role | resource | verb | without it |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a probe plays on."""

    kubectl: Kubectl
    airflow: Airflow


Probe = Callable[[Stage], list[str]]


@pytest.fixture(scope="module")
def stage(kubectl: Kubectl, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """`kubectl apply -k overlays/complete`, with this module's DAGs; nothing puts a changed Role right."""
    tree = tmp_path_factory.mktemp("rbac")
    for folder in ("base", "overlays"):
        shutil.copytree(checkout / folder, tree / folder)
    add_dag_files(tree, DAGS / "deferred.py", DAGS / "long.py")
    remove(kubectl, NAMESPACE)
    kubectl.apply_folder(tree / "overlays" / "complete")
    here = kubectl.within(NAMESPACE)
    here.wait_ready(*WORKLOADS, seconds=600)
    with administrator(here) as airflow:
        airflow.wait_for_dags("deferred", "hello_world", "kubernetes_pod", "kubernetes_pod_that_fails", "long")
        yield Stage(kubectl=here, airflow=airflow)
    remove(kubectl, NAMESPACE)


@pytest.fixture(scope="module")
def evidence() -> dict[tuple[str, str, str], str]:
    """(Role, resource, verb) -> what failed without it."""
    return {}


def run_tasks(stage: Stage) -> list[str]:
    """A new scheduler, for a watch outlives the right to it, and a run."""
    began = _now()
    stage.kubectl.replace_pods("app.kubernetes.io/component=scheduler", *KILL, seconds=240)
    return [*_run(stage, "hello_world"), *_left(stage), *_refusals(stage, "scheduler", began)]


def adopt_workers(stage: Stage) -> list[str]:
    """A scheduler that dies while a worker runs."""
    began = _now()
    run = _running(stage)
    stage.kubectl.replace_pods("app.kubernetes.io/component=scheduler", *KILL, seconds=240)
    # A new scheduler adopts another one's pods once that counts as dead, and looks for such every five minutes.
    return [*_end(stage, "long", run, "success"), *_left(stage, seconds=330), *_refusals(stage, "scheduler", began)]


def run_pods(stage: Stage) -> list[str]:
    """Pods as tasks, one that hands a value on and one that fails."""
    failing = _run(stage, "kubernetes_pod_that_fails", wanted="failed")
    return [*_run(stage, "kubernetes_pod"), *failing, *_left(stage)]


def wait_for_pods(stage: Stage) -> list[str]:
    """A task that waits in the triggerer for its pod."""
    began = _now()
    return [*_run(stage, "deferred"), *_refusals(stage, "triggerer", began)]


def read_a_running_log(stage: Stage) -> list[str]:
    """The log of a task that is still running, as the UI shows it."""
    run = _running(stage)
    found: list[str] = []
    try:
        wait_for("its output", lambda: "begins" in stage.airflow.log("long", run, "first"), seconds=12, every=1)
    except TookTooLong:
        text = stage.airflow.log("long", run, "first")
        found = [f"the log of a running task can't be read: {', '.join(_refused(text)) or text[-200:]}"]
    return [*found, *_end(stage, "long", run, "success")]


def make_secrets(stage: Stage) -> list[str]:
    """The Job that makes the Secrets, once more."""
    here = stage.kubectl
    job = here.items("jobs", labels="app.kubernetes.io/component=generate-secrets")[0]
    spec = {"backoffLimit": 0, "template": job["spec"]["template"]}
    for label in ("controller-uid", "job-name"):
        for key in (label, f"batch.kubernetes.io/{label}"):
            spec["template"]["metadata"]["labels"].pop(key, None)
    again = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "generate-again"}, "spec": spec}
    here("delete", "job", "generate-again", "--ignore-not-found")
    here.apply(again)
    try:
        here.wait_ready("job/generate-again", seconds=90)
    except AssertionError:
        return ["no Secret is made: the Job fails with HTTP 403"]
    return []


PROBES: dict[str, tuple[Probe, ...]] = {
    "airflow-scheduler": (run_tasks, adopt_workers),
    "airflow-worker": (run_pods,),
    "airflow-triggerer": (wait_for_pods,),
    "airflow-api-server": (read_a_running_log,),
    "airflow-generate-secrets": (make_secrets,),
}
VERBS = [
    (role, resource, verb)
    for role, rules in RBAC.items()
    for resource, verbs in rules.items()
    for verb in verbs.split()
]


@pytest.mark.parametrize("role", PROBES)
def test_with_every_verb_nothing_fails(stage: Stage, role: str) -> None:
    assert [complaint for probe in PROBES[role] for complaint in probe(stage)] == []


@pytest.mark.parametrize(("role", "resource", "verb"), VERBS)
def test_without_a_verb_something_fails(
    stage: Stage, evidence: dict[tuple[str, str, str], str], role: str, resource: str, verb: str
) -> None:
    before = stage.kubectl.get("role", role)["rules"]
    _set_rules(stage.kubectl, role, _without(before, resource, verb))
    try:
        found: list[str] = []
        for probe in PROBES[role]:
            found += probe(stage)
            if found:
                break
    finally:
        _set_rules(stage.kubectl, role, before)
        _clean_up(stage.kubectl)
    evidence[(role, resource, verb)] = "; ".join(dict.fromkeys(found)) or "**nothing was seen to fail**"
    _write(evidence)
    assert found


def _write(evidence: dict[tuple[str, str, str], str]) -> None:
    """After each verb, so that a run that is cut off has not run for nothing."""
    if path := os.environ.get("TAXIWAY_RBAC"):
        date, kubernetes = datetime.now(UTC).date().isoformat(), KUBERNETES.removeprefix("v")
        head = _HEAD.format(date=date, airflow=AIRFLOW, kubernetes=kubernetes)
        rows = (f"| {' | '.join([*(f'`{word}`' for word in key), text])} |\n" for key, text in evidence.items())
        Path(path).write_text(head + "".join(rows))


def _without(rules: list[Json], resource: str, verb: str) -> list[Json]:
    return [
        {**rule, "verbs": [v for v in rule["verbs"] if v != verb] or ["none"]}
        if resource in rule["resources"]
        else rule
        for rule in rules
    ]


def _set_rules(kubectl: Kubectl, role: str, rules: list[Json]) -> None:
    kubectl("patch", "role", role, "--type=merge", "--patch", json.dumps({"rules": rules}))
    # The API server's authorizer learns it from a watch.
    time.sleep(1)


def _run(stage: Stage, dag: str, *, wanted: str = "success", seconds: float = 200) -> list[str]:
    return _end(stage, dag, stage.airflow.trigger(dag), wanted, seconds=seconds)


def _running(stage: Stage) -> str:
    run = stage.airflow.trigger("long")
    first = "a running task"
    wait_for(first, lambda: stage.airflow.look("long", run).tasks.get("first") == "running", seconds=90, every=0.5)
    return run


def _end(stage: Stage, dag: str, run: str, wanted: str, *, seconds: float = 200) -> list[str]:
    """What is wrong with the end of a run, and what its logs say was refused."""
    try:
        seen = stage.airflow.wait(dag, run, seconds=seconds)
    except TookTooLong:
        seen = stage.airflow.look(dag, run)
        stage.airflow.patch(f"/api/v2/dags/{dag}/dagRuns/{run}", {"state": "failed"})
        states = ", ".join(f"{task} {state}" for task, state in seen.tasks.items())
        return [f"`{dag}` does not end ({states})"]
    found = [] if seen.state == wanted else [f"`{dag}` ends in {seen.state}"]
    for task, tries in seen.tries.items():
        for number in range(1, tries + 1):
            found += [f"its log: {refused}" for refused in _refused(_log(stage, dag, run, task, number))]
    return found


def _log(stage: Stage, dag: str, run: str, task: str, number: int) -> str:
    try:
        return stage.airflow.log(dag, run, task, number)
    except ClusterError:
        return ""


def _refusals(stage: Stage, component: str, began: str) -> list[str]:
    """What the pods of a component have logged about refusals since a time (RFC 3339)."""
    pods = stage.kubectl.items("pods", labels=f"app.kubernetes.io/component={component}")
    text = "\n".join(stage.kubectl.logs(p["metadata"]["name"], f"--since-time={began}") for p in pods)
    return [f"the {component} logs {refused}" for refused in _refused(text)]


def _refused(text: str) -> list[str]:
    plain = text.replace("\\", "")
    return list(dict.fromkeys(f"403, cannot {verb} {resource}" for verb, resource in _REFUSAL.findall(plain)))


def _left(stage: Stage, *, seconds: float = 60) -> list[str]:
    """What is left of pods that ran tasks, some time later."""

    def left() -> list[Json]:
        return [p for p in stage.kubectl.items("pods") if "dag_id" in p["metadata"].get("labels", {})]

    try:
        wait_for("the end of all task pods", lambda: not left(), seconds=seconds, every=1)
    except TookTooLong:
        return [f"{len(left())} finished pods of tasks are left"]
    return []


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _clean_up(kubectl: Kubectl) -> None:
    kubectl("delete", "pods", "--selector=dag_id", *KILL)
