"""Rules about remote logging, which keeps a task's log after its pod is gone."""

from collections.abc import Iterator

from bootstrap.airflow import settings
from bootstrap.validate.airflow_components import Component, Process, find_airflow
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation

_ON, _FOLDER, _CONNECTION = (("logging", f"remote_{key}") for key in ("logging", "base_log_folder", "log_conn_id"))
_BACKENDS = (("secrets", "backend"), ("workers", "secrets_backend"))


@rule("airflow/remote-logs", ERROR, fix="Set AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER, or switch remote logging off.")
def remote_logs(env: EnvironmentContext) -> Iterator[Violation]:
    """Where remote logging is on, its folder is set.

    A worker's log dies with its pod: without a folder nothing is uploaded, and the UI shows no log.
    """
    for component in _remote_loggers(env):
        if _has_no_folder(env, component):
            message = f"remote logging is on, and {settings.variable(_FOLDER)} is not set"
            yield Violation(component.option_place(_ON), message)


@rule("airflow/log-connection", WARNING, fix="Give all of them the Secret with the connection.")
def log_connection(env: EnvironmentContext) -> Iterator[Violation]:
    """Workers, the api-server and the triggerer have the connection of remote logging.

    The first and the last write logs, the api-server reads them; without its credentials each of them fails
    quietly. (A connection in the metadata database is not seen from here.)
    """
    loggers = _remote_loggers(env)
    for component in loggers:
        name = component.value(_CONNECTION)
        variable = f"AIRFLOW_CONN_{name}".upper()
        if not name or variable in component.container.settings or _has_no_folder(env, component):
            continue
        if any(component.setting(backend) for backend in _BACKENDS):
            continue  # the connection may come from there
        if any(variable in other.container.settings for other in loggers):
            yield Violation(component.place, f"{component} has no {variable}, the connection of remote logging")
        else:
            place = component.option_place(_CONNECTION)
            yield Violation(place, f"nothing has {variable}, the connection of remote logging")


def _remote_loggers(env: EnvironmentContext) -> list[Component]:
    """Components that write or read remote logs and whose settings are in the repository."""
    airflow = find_airflow(env)
    users = (*airflow.task_runners(), *airflow.of_kind(Process.API_SERVER, Process.TRIGGERER))
    return [component for component in users if component.is_on(_ON) and not component.has_foreign_variables]


def _has_no_folder(env: EnvironmentContext, component: Component) -> bool:
    unset = component.setting(_FOLDER) is None and not find_airflow(env).hides(component, _FOLDER)
    return unset or component.value(_FOLDER) == ""
