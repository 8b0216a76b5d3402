"""Airflow rules: their exceptions, the components that they recognize, and the list of settings by release."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.airflow import settings, values
from bootstrap.airflow.settings import Settings
from bootstrap.gitrepo.environment_repo import open_work_tree
from bootstrap.kubernetes.objects import Object, identify
from bootstrap.validate.airflow_components import Process, find_airflow
from bootstrap.validate.context import EnvironmentContext
from tests import rendering
from tests.validate import files, found

KNOWN = settings.load_settings((3, 3, 2))
assert KNOWN is not None
SETTINGS: Settings = KNOWN
OPTIONS = sorted(SETTINGS.options)


@pytest.fixture(scope="module")
def context(fresh: Path) -> EnvironmentContext:
    """The first environment of a fresh repo."""
    checkout = open_work_tree(fresh)
    environment = checkout.model.environments[0]
    tree = files.of(checkout, environment)
    rendered = rendering.build(fresh / environment.overlay)
    return EnvironmentContext(model=checkout.model, environment=environment, tree=tree, rendered=rendered)


def changed(
    context: EnvironmentContext, change: Callable[[dict[str, Object]], None], *, more: tuple[Object, ...] = ()
) -> EnvironmentContext:
    """The same environment after a change of its objects, which go by `Kind/name`."""
    objects = {str(identify(obj)): deepcopy(obj) for obj in context.objects}
    change(objects)
    rendered = yaml.safe_dump_all([*objects.values(), *more]).encode()
    return EnvironmentContext(
        model=context.model, environment=context.environment, tree=context.tree, rendered=rendered
    )


def rules(context: EnvironmentContext) -> set[str]:
    return {finding.rule.name.removeprefix("airflow/") for finding in found(context, "airflow")}


def main(objects: dict[str, Object], name: str) -> dict[str, Any]:
    """The container of a component of the scaffold."""
    container: dict[str, Any] = objects[f"Deployment/airflow-{name}"]["spec"]["template"]["spec"]["containers"][0]
    return container


def set_env(objects: dict[str, Object], key: str, value: str | None) -> None:
    """Set, or remove, a variable of both ConfigMaps that every component reads."""
    for name in ("ConfigMap/airflow-env", "ConfigMap/airflow-worker-env"):
        if value is None:
            objects[name]["data"].pop(key, None)
        else:
            objects[name]["data"][key] = value


def test_every_process_of_the_scaffold_is_found(context: EnvironmentContext) -> None:
    airflow = find_airflow(context)
    kinds = ["api-server", "dag-processor", "scheduler", "triggerer", "worker"]
    assert sorted(component.kind for component in airflow.components) == kinds
    assert airflow.executors == ("KubernetesExecutor",)
    assert [str(component) for component in airflow.task_runners()] == ["the worker's template"]


@pytest.mark.parametrize(
    ("command", "args"),
    [
        (None, ["scheduler"]),
        (["airflow"], ["scheduler"]),
        (["airflow", "scheduler", "--pid", "/tmp/pid"], None),
        (["bash", "-c"], ["set -e; exec airflow scheduler"]),
        (["/usr/bin/dumb-init", "--"], ["airflow", "scheduler"]),
    ],
)
def test_a_process_is_known_by_its_command(
    context: EnvironmentContext, command: list[str] | None, args: list[str] | None
) -> None:
    def change(objects: dict[str, Object]) -> None:
        pod = objects["Deployment/airflow-scheduler"]["spec"]["template"]
        pod["metadata"]["labels"] = {"team": "data"}
        container = pod["spec"]["containers"][0]
        container.pop("args")
        container |= {key: value for key, value in (("command", command), ("args", args)) if value}

    assert find_airflow(changed(context, change)).first(Process.SCHEDULER) is not None


def test_a_scheduler_of_other_software_is_not_a_component(context: EnvironmentContext) -> None:
    labels = {"app.kubernetes.io/name": "backups", "app.kubernetes.io/component": "scheduler"}
    container = {"name": "backups", "image": "registry.example.com/backups:1", "args": ["scheduler"]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "backups"}}
    assert rules(changed(context, lambda objects: None, more=({**other, "spec": {"template": template}},))) == set()


def test_another_major_version_of_airflow_has_no_findings(context: EnvironmentContext) -> None:
    def change(objects: dict[str, Object]) -> None:
        main(objects, "scheduler")["image"] = "apache/airflow:2.11.2"
        set_env(objects, "AIRFLOW__WEBSERVER__BASE_URL", "http://localhost:8080")

    assert rules(changed(context, change)) == set()


def test_a_failed_build_has_no_airflow_findings(context: EnvironmentContext) -> None:
    unbuilt = EnvironmentContext(
        model=context.model, environment=context.environment, tree=context.tree, failure="it does not build"
    )
    assert rules(unbuilt) == set()


def test_an_option_set_in_airflow_cfg_is_not_reported_as_missing(context: EnvironmentContext) -> None:
    def without(objects: dict[str, Object]) -> None:
        container = main(objects, "triggerer")
        container["env"] = [entry for entry in container["env"] if "FERNET" not in entry["name"]]

    def configured(objects: dict[str, Object]) -> None:
        without(objects)
        objects["ConfigMap/airflow-local-settings"]["data"]["airflow.cfg"] = "[core]\nfernet_key = {{ }}\n"

    assert rules(changed(context, without)) == {"key-missing"}
    assert rules(changed(context, configured)) == set()


def test_replicas_of_the_api_server_share_their_secret_key(context: EnvironmentContext) -> None:
    def alone(objects: dict[str, Object]) -> None:
        container = main(objects, "api-server")
        container["env"] = [entry for entry in container["env"] if entry["name"] != "AIRFLOW__API__SECRET_KEY"]

    def several(objects: dict[str, Object]) -> None:
        alone(objects)
        objects["Deployment/airflow-api-server"]["spec"]["replicas"] = 2

    assert rules(changed(context, alone)) == set()
    assert rules(changed(context, several)) == {"key-missing"}


def test_permissions_from_any_binding_count(context: EnvironmentContext) -> None:
    account = {"kind": "ServiceAccount", "name": "airflow-scheduler", "namespace": context.environment.namespace}

    def moved(objects: dict[str, Object]) -> None:
        rights = objects.pop("Role/airflow-scheduler")["rules"]
        objects.pop("RoleBinding/airflow-scheduler")
        metadata = {"name": "pods"}
        objects["role"] = {"kind": "ClusterRole", "metadata": metadata, "rules": rights}
        reference = {"kind": "ClusterRole", "name": "pods"}
        objects["bind"] = {
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": reference,
            "subjects": [account],
        }

    def elsewhere(objects: dict[str, Object]) -> None:
        moved(objects)
        objects["bind"]["subjects"] = [{**account, "namespace": "another"}]

    assert rules(changed(context, moved)) == set()
    assert rules(changed(context, elsewhere)) == {"executor-rights"}


def test_permissions_of_an_external_service_account_are_not_checked(context: EnvironmentContext) -> None:
    def change(objects: dict[str, Object]) -> None:
        objects.pop("ServiceAccount/airflow-scheduler")
        objects.pop("RoleBinding/airflow-scheduler")

    assert rules(changed(context, change)) == set()


def test_tasks_of_the_local_executor_need_the_bundles_in_the_scheduler(context: EnvironmentContext) -> None:
    def change(objects: dict[str, Object]) -> None:
        set_env(objects, "AIRFLOW__CORE__EXECUTOR", "LocalExecutor")

    # Tasks then write their logs from the scheduler, too.
    assert rules(changed(context, change)) == {"dags-differ", "log-connection"}


def test_a_celery_executor_needs_workers(context: EnvironmentContext) -> None:
    def change(objects: dict[str, Object]) -> None:
        set_env(objects, "AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")

    assert rules(changed(context, change)) == {"no-component"}


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("LocalExecutor", ("LocalExecutor",)),
        ("LocalExecutor, KubernetesExecutor", ("LocalExecutor", "KubernetesExecutor")),
        ("mine:acme.executors.Mine,LocalExecutor", ("acme.executors.Mine", "LocalExecutor")),
        ("LocalExecutor;team1=CeleryExecutor", ("LocalExecutor", "CeleryExecutor")),
    ],
)
def test_executors_are_read_as_airflow_reads_them(value: str, names: tuple[str, ...]) -> None:
    assert values.executor_names(value) == names


def test_references_to_known_variables_are_expanded() -> None:
    known = {"A": "1", "B": "$A$A", "SECRET": None, "LOOP": "$LOOP"}
    assert values.expand("x$A-${B}-$(A)-$NOBODY", known) == "x1-11-1-$NOBODY"
    assert values.expand("$SECRET", known) is None
    assert values.expand("$LOOP", known) is None


# Measured against a running Airflow 3.3.2, and none of it is in its own deprecation list as a whole.
@pytest.mark.parametrize("key", ["base_url", "web_server_port", "expose_config", "secret_key"])
def test_deprecated_names_that_airflow_honours(key: str) -> None:
    assert ("webserver", key) in SETTINGS.honoured


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(
            (("core", key), ("logging", key))
            for key in ("remote_logging", "remote_base_log_folder", "remote_log_conn_id", "base_log_folder")
        ),
        (("core", "logging_level"), ("logging", "logging_level")),
        (("core", "encrypt_s3_logs"), ("logging", "encrypt_s3_logs")),
        (("kubernetes", "namespace"), ("kubernetes_executor", "namespace")),
        (("kubernetes", "delete_worker_pods"), ("kubernetes_executor", "delete_worker_pods")),
        (("api", "auth_backend"), ("fab", "auth_backends")),
    ],
)
def test_removed_names_that_airflow_ignores(old: tuple[str, str], new: tuple[str, str]) -> None:
    assert not SETTINGS.takes(old)
    assert old not in SETTINGS.honoured
    assert SETTINGS.successor(old) == new


def test_every_successor_is_a_setting() -> None:
    news = [*SETTINGS.honoured.values(), *filter(None, SETTINGS.ignored.values())]
    assert [new for new in news if new not in SETTINGS.options and new not in SETTINGS.honoured] == []
    assert not SETTINGS.options.keys() & (SETTINGS.honoured.keys() | SETTINGS.ignored.keys())


@given(st.sampled_from(OPTIONS))
def test_a_setting_is_known_by_its_variable_and_by_its_misspellings(name: tuple[str, str]) -> None:
    variable = settings.variable(name)
    assert settings.parse_variable(variable) == name
    assert SETTINGS.takes(name)
    for other in (variable.lower(), variable.replace("__", "_"), variable.replace("AIRFLOW_", "AIRLFOW_")):
        meant = SETTINGS.find_misspelled(other)
        assert meant is not None
        assert "_".join(meant) == "_".join(name)


@pytest.mark.parametrize(
    ("variable", "name"),
    [
        ("AIRFLOW__TEAM_A___CELERY__BROKER_URL", ("celery", "broker_url")),
        ("AIRFLOW__SECRETS__BACKEND_KWARG__ROLE_ID", ("secrets", "backend_kwarg__role_id")),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD", ("database", "sql_alchemy_conn_cmd")),
        ("AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH", ("common_io", "xcom_objectstorage_path")),
    ],
)
def test_other_variables_that_set_an_option(variable: str, name: tuple[str, str]) -> None:
    assert settings.parse_variable(variable) == name
    assert SETTINGS.takes(name)


@pytest.mark.parametrize(
    "variable", ["AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW_CONN_AWS_DEFAULT", "PATH", "", "AIRFLOW__"]
)
def test_variables_that_set_no_option(variable: str) -> None:
    assert settings.parse_variable(variable) is None
    assert SETTINGS.find_misspelled(variable) is None


@pytest.mark.parametrize(
    ("image", "release"),
    [
        ("apache/airflow:3.3.2", (3, 3, 2)),
        ("registry.example.com:5000/airflow:3.3.2-python3.12@sha256:00", (3, 3, 2)),
        ("registry.example.com:5000/airflow", None),
        ("acme/airflow:2026-10", None),
    ],
)
def test_the_release_of_an_image(image: str, release: tuple[int, int, int] | None) -> None:
    assert settings.parse_release(image) == release


def test_an_unknown_release_uses_the_settings_of_the_nearest_one() -> None:
    assert settings.load_settings((3, 3, 9)) is SETTINGS
    assert settings.load_settings(None) is not None
    assert settings.load_settings((2, 11, 0)) is None
