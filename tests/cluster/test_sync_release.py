"""A new release and its revert, under the real controllers."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
import yaml

from tests.cluster.conftest import ARGOCD, FLUX, OTHER_RELEASE
from tests.cluster.errors import ClusterError
from tests.cluster.images.catalogue import AIRFLOW, NEWER_TAG, OTHER_TAG
from tests.cluster.kit.controllers import Controller
from tests.cluster.kit.environment import own_cluster
from tests.cluster.kit.environments import (
    COMPONENTS,
    WORKLOADS,
    EnvironmentRepo,
    administrator,
    objects,
    release_of,
)
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.footprint import Memory, granted, memory, start_time
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.kit.waiting import wait_for

ENVIRONMENT = "dev"
NAMESPACE = f"airflow-{ENVIRONMENT}"
NEWER_SCHEMA = timedelta(seconds=20)  # the migration that the image of NEWER_TAG brings takes no less


@pytest.fixture(scope="module")
def here(kubectl: Kubectl, repo: EnvironmentRepo) -> Kubectl:
    """kubectl in the namespace of the synced environment."""
    return kubectl.within(NAMESPACE)


def test_a_second_sync_changes_no_object(here: Kubectl, controller: Controller) -> None:
    before = objects(here)
    controller.sync_again(here, ENVIRONMENT)
    assert objects(here) == before


@ARGOCD
@pytest.mark.still
def test_no_pod_needs_more_than_it_asks_for(here: Kubectl, figures: Figures) -> None:
    pods = {_component(p): p for p in here.items("pods") if p["status"]["phase"] == "Running"}
    assert set(pods) == {*COMPONENTS, "localstack", "postgres"}
    used = {part: memory(here, pod["metadata"]["name"]) for part, pod in pods.items()}
    for part, pod in pods.items():
        figures.take(f"pod {part}: start", start_time(pod))
    worker, used["worker"] = _worker(here)
    pods["worker"] = worker
    asked = {part: (granted(pod, "requests"), granted(pod, "limits")) for part, pod in pods.items()}
    for part, (request, limit) in asked.items():
        figures.take(f"pod {part}: at rest", used[part].held, "MiB")
        figures.take(f"pod {part}: request", request, "MiB")
        figures.take(f"pod {part}: peak", used[part].peak, "MiB")
        figures.take(f"pod {part}: limit", limit, "MiB")
    assert not [part for part, (request, _) in asked.items() if used[part].held > request], (used, asked)
    assert not [part for part, (_, limit) in asked.items() if used[part].peak > 0.9 * limit], (used, asked)


@ARGOCD
def test_a_release_migrates_before_the_pods_that_need_it_though_the_controller_dies_in_the_middle(
    here: Kubectl, repo: EnvironmentRepo, controller: Controller, figures: Figures
) -> None:
    # On a cluster of yours: no image that upstream has asks for a newer schema.
    tag = NEWER_TAG if own_cluster() else OTHER_TAG
    old = _migration(here)
    repo.change_release(ENVIRONMENT, tag)
    commit = repo.publish("a newer image")
    with figures.time(f"{controller.name}: a newer image, its controller killed, from push to synced and healthy"):
        _die_in_the_middle(here, controller, commit)
    _wait_for_images(here, tag)
    new = _migration(here)
    assert new["metadata"]["name"] == f"airflow-migrate-{release_of(tag)}"
    assert new["metadata"]["uid"] != old["metadata"]["uid"]
    assert _image(new["spec"]["template"]) == f"apache/airflow:{tag}"
    ready = {_component(pod): _ready_since(pod) for pod in _pods(here)}
    assert set(ready) == set(COMPONENTS)
    # Not from the Job's end: its last steps may take their time beside the pods that the new schema let start.
    migrated = datetime.fromisoformat(new["status"]["startTime"]) + NEWER_SCHEMA
    assert min(map(datetime.fromisoformat, ready.values())) >= migrated or tag == OTHER_TAG
    assert _image_of_template(here) == f"apache/airflow:{tag}"


@FLUX
def test_a_revert_goes_back_though_the_controller_dies_in_the_middle(
    here: Kubectl, repo: EnvironmentRepo, controller: Controller
) -> None:
    assert {_image(pod) for pod in _pods(here)} == {f"apache/airflow:{OTHER_TAG}"}
    commit = repo.revert(OTHER_RELEASE)
    _die_in_the_middle(here, controller, commit)
    _wait_for_images(here, AIRFLOW)
    assert _migration(here)["metadata"]["name"] == f"airflow-migrate-{release_of(AIRFLOW)}"
    assert _image_of_template(here) == f"apache/airflow:{AIRFLOW}"


def _die_in_the_middle(kubectl: Kubectl, controller: Controller, commit: str) -> None:
    """Kill a controller while it applies a commit, and wait until its successor has."""
    controller.refresh(kubectl, [ENVIRONMENT])
    middle = f"{controller.name} in the middle of a sync"
    wait_for(middle, lambda: controller.is_syncing(kubectl, ENVIRONMENT, commit), seconds=60, every=0.05)
    controller.kill(kubectl)
    controller.wait(kubectl, ENVIRONMENT, commit, seconds=600)


def _migration(kubectl: Kubectl) -> Json:
    """The one migration Job: that of any other release is pruned."""

    def one() -> Json | None:
        jobs = kubectl.items("jobs", labels="app.kubernetes.io/component=migrate")
        return jobs[0] if len(jobs) == 1 else None

    return wait_for("the end of the old release's Job", one, seconds=60, every=0.5, state=kubectl.overview)


def _pods(kubectl: Kubectl) -> list[Json]:
    """The pods of Airflow's own parts that are not ending."""
    pods = kubectl.items("pods", labels=f"app.kubernetes.io/component in ({','.join(COMPONENTS)})")
    return [p for p in pods if "deletionTimestamp" not in p["metadata"]]


def _wait_for_images(kubectl: Kubectl, tag: str) -> None:
    """Wait until every part of Airflow runs one image, and nothing else."""

    def images() -> set[tuple[str, str]]:
        return {(_component(pod), _image(pod)) for pod in _pods(kubectl)}

    wanted = {(part, f"apache/airflow:{tag}") for part in COMPONENTS}
    wait_for(f"{tag} everywhere", lambda: images() == wanted, seconds=180, every=0.5, state=images)
    kubectl.wait_ready(*WORKLOADS, seconds=180)


def _image_of_template(kubectl: Kubectl) -> str:
    """The image of the pods that the scheduler makes from now on."""
    return _image(yaml.safe_load(kubectl.get("configmap", "airflow-pod-template")["data"]["pod-template.yaml"]))


def _worker(kubectl: Kubectl) -> tuple[Json, Memory]:
    """A worker's pod, and the most that was seen of any in a run."""
    pods: list[Json] = []
    seen: list[Memory] = []

    def over() -> bool:
        for pod in kubectl.items("pods", labels="dag_id=hello_world"):
            # One that is about to end takes no more commands.
            with suppress(ClusterError):
                seen.append(memory(kubectl, pod["metadata"]["name"]))
                pods.append(pod)
        return airflow.look("hello_world", run).state == "success"

    with administrator(kubectl) as airflow:
        run = airflow.trigger("hello_world")
        wait_for("the end of the run", over, seconds=300, every=0.2, state=kubectl.overview)
    return pods[-1], Memory(held=max(m.held for m in seen), peak=max(m.peak for m in seen))


def _component(pod: Json) -> str:
    return str(pod["metadata"]["labels"]["app.kubernetes.io/component"])


def _image(pod: Json) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def _ready_since(pod: Json) -> str:
    """When a pod became ready; ISO 8601 in UTC, so that the order of the texts is that of the times."""
    return next(str(c["lastTransitionTime"]) for c in pod["status"]["conditions"] if c["type"] == "Ready")
