"""Pods of an environment, and the variables of their containers."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from bootstrap.config.model import Controller, Environment, Model
from bootstrap.config.remote import Forge, Remote
from bootstrap.core.tree import Tree
from bootstrap.gitrepo.environment_repo import open_work_tree
from bootstrap.secrets.catalog import CATALOG
from bootstrap.validate import pods, registry
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container, Pod
from bootstrap.yamltools.positions import Place
from tests import rendering
from tests.conftest import REPO_URL
from tests.validate import files
from tests.validate.cases import line_of

DEV = Environment(name="dev", namespace="airflow-dev", cluster="default")
MODEL = Model(
    scaffold="0.1.0",
    remote=Remote.parse(REPO_URL),
    branch="main",
    forge=Forge.GITHUB,
    controller=Controller.ARGOCD,
    environments=(DEV,),
)
CONFIG = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {ONE: from settings, TWO: from settings}
"""
MORE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: more}
data: {TWO: from more, THREE: from more}
binaryData: {BLOB: AAAA}
"""
SEALED = """
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: sealed}
spec:
  encryptedData: {PASSWORD: AgA=}
  template:
    data: {URL: "db://{{ .PASSWORD }}"}
"""


def rendered(*documents: str) -> EnvironmentContext:
    """An environment that kustomize made these objects of."""
    return EnvironmentContext(model=MODEL, environment=DEV, tree=Tree(), rendered="---".join(documents).encode())


def deployment(container: str) -> str:
    """A Deployment with one container, whose fields are given as a flow mapping's inside."""
    return f"""
apiVersion: apps/v1
kind: Deployment
metadata: {{name: one}}
spec:
  template:
    metadata: {{labels: {{app: one}}}}
    spec:
      containers: [{{name: main, {container}}}]
"""


def only(context: EnvironmentContext) -> Container:
    """The one container of the one pod."""
    ((container,),) = [pod.containers for pod in pods.of(context)]
    return container


@pytest.fixture(scope="module")
def dev(fresh: Path) -> EnvironmentContext:
    """The first environment of a fresh repo."""
    checkout = open_work_tree(fresh)
    (environment,) = checkout.select(["dev"])
    return EnvironmentContext(
        model=checkout.model,
        environment=environment,
        tree=files.of(checkout, environment),
        rendered=rendering.build(fresh / environment.overlay),
    )


def pod(context: EnvironmentContext, name: str) -> Pod:
    """The pod whose owner has this name."""
    (found,) = [pod for pod in pods.of(context) if str(pod) == name]
    return found


def test_the_pods_are_those_of_workloads_and_the_worker_template(dev: EnvironmentContext) -> None:
    assert {str(pod) for pod in pods.of(dev)} == {
        "Deployment/airflow-api-server",
        "Deployment/airflow-dag-processor",
        "Deployment/airflow-s3",
        "Deployment/airflow-scheduler",
        "Deployment/airflow-triggerer",
        "Job/airflow-create-user",
        "Job/airflow-migrate",
        "StatefulSet/airflow-pg",
        "ConfigMap/airflow-pod-template (pod-template.yaml)",
    }


@pytest.mark.parametrize(
    ("owner", "field", "piece", "path"),
    [
        ("Deployment/airflow-scheduler", "image", 'newTag: "3.3.2"', "overlays/dev/release/kustomization.yaml"),
        ("Deployment/airflow-scheduler", "name", "- name: scheduler", "base/airflow/deployment.scheduler.yaml"),
        (
            "ConfigMap/airflow-pod-template (pod-template.yaml)",
            "name",
            "- name: base",
            "base/airflow/pod-template.yaml",
        ),
    ],
)
def test_the_place_of_a_container_field_is_the_line_to_edit(
    dev: EnvironmentContext, owner: str, field: str, piece: str, path: str
) -> None:
    container = pod(dev, owner).containers[-1]
    assert container.place(field) == Place(path, line_of(dev.tree, path, piece))


def test_the_place_of_a_variable_is_the_last_line_that_sets_it(dev: EnvironmentContext) -> None:
    settings = pod(dev, "Deployment/airflow-scheduler").containers[-1].settings
    executor, instance = settings["AIRFLOW__CORE__EXECUTOR"], settings["AIRFLOW__API__INSTANCE_NAME"]
    base, own = "base/airflow/airflow.env", "overlays/dev/airflow.env"
    assert executor.value == "KubernetesExecutor"
    assert executor.place == Place(base, line_of(dev.tree, base, "AIRFLOW__CORE__EXECUTOR="))
    assert instance.value == "Airflow: dev"
    assert instance.place == Place(own, line_of(dev.tree, own, "AIRFLOW__API__INSTANCE_NAME="))


def test_a_variable_from_a_secret_has_a_key_and_no_value(dev: EnvironmentContext) -> None:
    setting = pod(dev, "Deployment/airflow-scheduler").containers[-1].settings["AIRFLOW__CORE__FERNET_KEY"]
    assert (setting.value, setting.kind, setting.name) == (None, "Secret", "airflow-fernet")


def test_a_later_source_wins_and_env_wins_over_all() -> None:
    container = only(
        rendered(
            CONFIG,
            MORE,
            deployment(
                "envFrom: [{configMapRef: {name: settings}}, {configMapRef: {name: more}}],"
                "env: [{name: THREE, value: own}, {name: FOUR, valueFrom: {configMapKeyRef: {name: more, key: TWO}}}]"
            ),
        )
    )
    values = {name: setting.value for name, setting in container.settings.items()}
    assert values == {"ONE": "from settings", "TWO": "from more", "BLOB": None, "THREE": "own", "FOUR": "from more"}


def test_an_env_from_prefix_is_added_to_every_key() -> None:
    container = only(rendered(CONFIG, deployment("envFrom: [{prefix: A_, configMapRef: {name: settings}}]")))
    assert {name: setting.key for name, setting in container.settings.items()} == {"A_ONE": "ONE", "A_TWO": "TWO"}


def test_a_sealed_secret_has_the_keys_of_encrypted_data_and_template() -> None:
    context = rendered(SEALED, deployment("envFrom: [{secretRef: {name: sealed}}]"))
    assert pods.data_of(context, "Secret", "sealed") == {"PASSWORD": None, "URL": None}
    assert set(only(context).settings) == {"PASSWORD", "URL"}


def test_a_missing_config_map_differs_from_an_empty_one() -> None:
    context = rendered("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: empty}\n")
    assert pods.data_of(context, "ConfigMap", "empty") == {}
    assert pods.data_of(context, "ConfigMap", "absent") is None
    assert pods.data_of(context, "Secret", "absent") is None


def test_the_generating_job_makes_the_secrets_of_the_catalog() -> None:
    context = rendered("apiVersion: batch/v1\nkind: Job\nmetadata: {name: airflow-generate-secrets-3-3-2}\n")
    for name in {key.secret for key in CATALOG if key.generator is not None}:
        made = {key.name for key in CATALOG if key.secret == name and key.generator is not None}
        assert set(pods.data_of(context, "Secret", name) or ()) == made
    assert pods.data_of(context, "Secret", "airflow-dags-git") is None  # nothing can make that one up


@pytest.mark.parametrize(
    "container",
    [
        "env: 7",
        "env: [7, {name: 7}, {value: x}]",
        "envFrom: {a: b}",
        "envFrom: [{configMapRef: settings}, {configMapRef: {name: [settings]}}, {secretRef: null}]",
        "env: [{name: A, valueFrom: {secretKeyRef: {name: {}, key: []}}}]",
    ],
)
def test_values_of_unexpected_types_are_skipped(container: str) -> None:
    settings = only(rendered(CONFIG, deployment(container))).settings
    assert all(setting.value is None for setting in settings.values())


def test_text_that_is_no_pod_is_no_template() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\ndata: {note: 'kind: a Pod'}\n"
    assert pods.of(rendered(text)) == ()


def test_an_examined_environment_is_freed_without_the_cycle_collector(dev: EnvironmentContext) -> None:
    context = replace(dev)
    registry.examine(context)
    left = weakref.ref(context)
    gc.disable()  # which would find it in the end, after some time and much memory
    try:
        context.forget()
        del context
        assert left() is None
    finally:
        gc.enable()
