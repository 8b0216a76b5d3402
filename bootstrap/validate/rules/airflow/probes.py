"""Rules about probes of Airflow's processes: their paths, ports and commands."""

from collections.abc import Iterator
from typing import Any

from bootstrap.airflow.settings import OptionName
from bootstrap.kubernetes.objects import dig, items, mapping
from bootstrap.validate.airflow_components import Component, Process, find_airflow
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Place, Violation

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# Port of a component: its option and default.
_PORTS: dict[Process, tuple[OptionName, str]] = {
    Process.API_SERVER: (("api", "port"), "8080"),
    Process.SCHEDULER: (("scheduler", "scheduler_health_check_server_port"), "8974"),
}
_HEALTH = ("scheduler", "enable_health_check")
_JOBS = {Process.SCHEDULER: "SchedulerJob", Process.DAG_PROCESSOR: "DagProcessorJob", Process.TRIGGERER: "TriggererJob"}


@rule("airflow/probe-path", ERROR, fix="Ask the api-server for /api/v2/version, the scheduler for /health.")
def probe_path(env: EnvironmentContext) -> Iterator[Violation]:
    """A probe asks for a path that the component answers.

    Airflow 3 has neither /health at its web server nor /api/v1: each probe gets 404, and the pod is never ready, or
    is restarted again and again.
    """
    for component, name, probe in _probes(env, *_PORTS):
        path = dig(probe, "httpGet", "path")
        if not isinstance(path, str):
            continue
        place = component.container.place(name, "httpGet", "path")
        what = f"the {name} of {component.container.name} asks for {path}"
        if component.kind == Process.API_SERVER and _is_gone(path):
            yield Violation(place, f"{what}, which the api-server of Airflow 3 does not have")
        elif component.kind == Process.SCHEDULER and path.partition("?")[0] != "/health":
            yield Violation(place, f"{what}, and the scheduler answers /health alone")


@rule(
    "airflow/probe-port",
    ERROR,
    fix="Use 8080 for the api-server and 8974 for the scheduler, or what their settings say.",
)
def probe_port(env: EnvironmentContext) -> Iterator[Violation]:
    """A probe asks at the port on which the component listens.

    The connection is refused, and the pod never gets ready or is restarted again and again.
    """
    for component, name, probe in _probes(env, *_PORTS):
        option, default = _PORTS[component.kind]
        port, listens = _number(component, dig(probe, "httpGet", "port")), component.value(option) or default
        data = component.container.data
        words = {str(word) for field in ("command", "args") for word in items(data.get(field))}
        if component.has_foreign_variables or not component.shows(option) or words & {"-p", "--port"}:
            continue  # it may listen anywhere
        if port is None or not listens.isdigit() or port == int(listens) or _health_check_off(component):
            continue
        message = f"the {name} of {component.container.name} asks at port {port}"
        place = component.container.place(name, "httpGet", "port")
        yield Violation(place, f"{message}, and the {component.kind} listens on {listens}")


@rule("airflow/health-check-off", ERROR, fix="Set AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK=True.")
def health_check_off(env: EnvironmentContext) -> Iterator[Violation]:
    """A scheduler that is probed over HTTP has its health check server switched on.

    It is off by default: nothing listens there, and the scheduler is restarted again and again.
    """
    for component, _, probe in _probes(env, Process.SCHEDULER):
        if mapping(probe.get("httpGet")) and (place := _health_check_off(component)) is not None:
            message = "the scheduler is probed over HTTP, and its health check server is not switched on"
            yield Violation(place, message)


@rule("airflow/probe-job-type", ERROR, fix="Ask for SchedulerJob, DagProcessorJob or TriggererJob.")
def probe_job_type(env: EnvironmentContext) -> Iterator[Violation]:
    """`airflow jobs check` asks for the job type of the component that it probes.

    With --local it finds no job of another type on this host, and with none given any job's heartbeat will do.
    """
    for component, name, probe in _probes(env, *_JOBS):
        job = _job_type(" ".join(map(str, items(probe, "exec", "command"))))
        if job is not None and job != _JOBS[component.kind]:
            asked = f"the {name} of {component.container.name} asks for {job or 'a job of any type'}"
            message = f"{asked}, and the {component.kind} is a {_JOBS[component.kind]}"
            yield Violation(component.container.place(name), message)


def _probes(env: EnvironmentContext, *kinds: Process) -> Iterator[tuple[Component, str, dict[str, Any]]]:
    """Probes of components of these kinds, with the name of their field."""
    for component in find_airflow(env).of_kind(*kinds):
        for name in _PROBES:
            yield component, name, mapping(component.container.data.get(name))


def _is_gone(path: str) -> bool:
    return path.rstrip("/") in ("/health", "/api/health") or path.startswith("/api/v1/")


def _health_check_off(component: Component) -> Place | None:
    """Line where a scheduler's health check server would be enabled; None if it is, or may be."""
    if component.kind != Process.SCHEDULER or component.is_on(_HEALTH) or not component.shows(_HEALTH):
        return None
    hidden = component.setting(_HEALTH) is None and find_airflow(component.pod.env).hides(component, _HEALTH)
    return None if hidden else component.option_place(_HEALTH)


def _number(component: Component, port: Any) -> int | None:
    """Port by number or name; None if the container does not declare the name."""
    if isinstance(port, str):
        named = (entry for entry in items(component.container.data.get("ports")) if dig(entry, "name") == port)
        port = dig(next(named, None), "containerPort")
    return port if isinstance(port, int) and not isinstance(port, bool) else None


def _job_type(command: str) -> str | None:
    """Value of --job-type in an `airflow jobs check` command, empty without it; None for another command."""
    if "jobs check" not in command:
        return None
    words = command.replace("=", " ").split()
    return words[words.index("--job-type") + 1] if "--job-type" in words[:-1] else ""
