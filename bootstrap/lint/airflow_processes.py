"""Rules about how Airflow's processes are started, watched and stopped."""

from collections.abc import Iterator
from typing import Any

from bootstrap.lint import airflow_components as parts
from bootstrap.lint.airflow_components import API_SERVER, DAG_PROCESSOR, SCHEDULER, TRIGGERER, Component
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext, dig, items, mapping
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

COMMAND = Rule(
    name="airflow/removed-command",
    severity=Severity.ERROR,
    title="A container runs a command that Airflow 3 has.",
    why="The command of an earlier release ends at once with a usage error, and its container restarts for ever.",
    fix="Run the command that took its place.",
)
GRACE = Rule(
    name="airflow/short-grace",
    severity=Severity.ERROR,
    title="The scheduler has at least 30 seconds to stop.",
    why="With the KubernetesExecutor it takes more than 20. Killed before, it leaves its workers to be adopted, "
    "and tasks that it had queued wait for their timeout.",
    fix="Set terminationGracePeriodSeconds to 30 or more; 60 leaves room.",
)
NO_PROBE = Rule(
    name="airflow/no-liveness-probe",
    severity=Severity.WARNING,
    title="Each long-running component has a liveness probe.",
    why="An Airflow process that hangs does not exit: only a probe makes Kubernetes restart it.",
    fix="Probe the api-server and the scheduler over HTTP, the others by `airflow jobs check --local`.",
)
PROBE_PATH = Rule(
    name="airflow/probe-path",
    severity=Severity.ERROR,
    title="A probe asks for a path that the component answers.",
    why="Airflow 3 has neither /health at its web server nor /api/v1: each probe gets 404, and the pod is never "
    "ready, or is restarted again and again.",
    fix="Ask the api-server for /api/v2/version, the scheduler for /health.",
)
PROBE_PORT = Rule(
    name="airflow/probe-port",
    severity=Severity.ERROR,
    title="A probe asks at the port on which the component listens.",
    why="The connection is refused, and the pod never gets ready or is restarted again and again.",
    fix="Use 8080 for the api-server and 8974 for the scheduler, or what their settings say.",
)
HEALTH_OFF = Rule(
    name="airflow/health-check-off",
    severity=Severity.ERROR,
    title="A scheduler that is probed over HTTP has its health check server switched on.",
    why="It is off by default: nothing listens there, and the scheduler is restarted again and again.",
    fix="Set AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK=True.",
)
PROBE_JOB = Rule(
    name="airflow/probe-job-type",
    severity=Severity.ERROR,
    title="`airflow jobs check` asks for the job type of the component that it probes.",
    why="With --local it finds no job of another type on this host, and with none given any job's heartbeat will do.",
    fix="Ask for SchedulerJob, DagProcessorJob or TriggererJob.",
)
RULES = (COMMAND, GRACE, NO_PROBE, PROBE_PATH, PROBE_PORT, HEALTH_OFF, PROBE_JOB)

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# Commands of Airflow 1 and 2, with what one runs now.
_GONE = {
    "webserver": "api-server",
    "initdb": "db migrate",
    "upgradedb": "db migrate",
    "resetdb": "db reset",
    "db init": "db migrate",
    "db upgrade": "db migrate",
    "create_user": "users create",
    "worker": "celery worker",
    "flower": "celery flower",
    "list_dags": "dags list",
    "trigger_dag": "dags trigger",
    "backfill": "backfill create",
    "internal-api": "api-server",
}
_LISTENS = {
    API_SERVER: (("api", "port"), 8080),
    SCHEDULER: (("scheduler", "scheduler_health_check_server_port"), 8974),
}
_JOBS = {SCHEDULER: "SchedulerJob", DAG_PROCESSOR: "DagProcessorJob", TRIGGERER: "TriggererJob"}
_LONG_RUNNING = (API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER)
_HEALTH = ("scheduler", "enable_health_check")
_GRACE = 30


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that keeps a process from starting, or has it killed."""
    yield from _commands(scene)
    for component in parts.of(scene).all(*_LONG_RUNNING):
        grace = component.pod.spec.get("terminationGracePeriodSeconds")
        if component.kind == SCHEDULER and isinstance(grace, int) and grace < _GRACE:
            message = f"{component.pod} has {grace} s to stop, and needs more than 20"
            yield scene.finding(GRACE, component.pod.place("terminationGracePeriodSeconds"), message)
        if not mapping(component.container.data.get("livenessProbe")):
            message = f"{component.container.name} of {component.pod} has no liveness probe"
            yield scene.finding(NO_PROBE, component.home, message)
        for name in _PROBES:
            yield from _probe(scene, component, name, mapping(component.container.data.get(name)))


def _commands(scene: EnvironmentContext) -> Iterator[Finding]:
    for pod in pods.of(scene):
        for container in pod.containers:
            for command in parts.commands(container):
                old = next((each for each in (command, command.partition(" ")[0]) if each in _GONE), None)
                if old is not None and not (old == "backfill" and command.startswith("backfill create")):
                    message = f"{container.name} of {pod} runs airflow {old}, which Airflow 3 does not have"
                    yield scene.finding(
                        COMMAND, parts.place_of_word(container, old), message, f"run airflow {_GONE[old]}"
                    )


def _probe(scene: EnvironmentContext, component: Component, name: str, probe: dict[str, Any]) -> Iterator[Finding]:
    what = f"the {name} of {component.container.name}"
    http, command = mapping(probe.get("httpGet")), dig(probe, "exec", "command")
    if http and component.kind in _LISTENS:
        path = http.get("path")
        if component.kind == API_SERVER and isinstance(path, str) and _is_old(path):
            message = f"{what} asks for {path}, which the api-server of Airflow 3 does not have"
            yield scene.finding(PROBE_PATH, component.container.place(name, "httpGet", "path"), message)
        if component.kind == SCHEDULER and isinstance(path, str) and path.partition("?")[0] != "/health":
            message = f"{what} asks for {path}, and the scheduler answers /health alone"
            yield scene.finding(PROBE_PATH, component.container.place(name, "httpGet", "path"), message)
        yield from _port(scene, component, name, http)
    elif words := [str(each) for each in items(command)]:
        wanted = _JOBS.get(component.kind)
        asked = _job_type(" ".join(words))
        if wanted and asked is not None and asked != wanted:
            message = f"{what} asks for {asked or 'a job of any type'}, and the {component.kind} is a {wanted}"
            yield scene.finding(PROBE_JOB, component.container.place(name), message)


def _is_old(path: str) -> bool:
    return path.rstrip("/") == "/health" or path.startswith("/api/v1/") or path.rstrip("/") == "/api/health"


def _port(scene: EnvironmentContext, component: Component, name: str, http: dict[str, Any]) -> Iterator[Finding]:
    what = f"the {name} of {component.container.name}"
    if component.kind == SCHEDULER and (place := _health_off(component)) is not None:
        message = "the scheduler is probed over HTTP, and its health check server is not switched on"
        yield scene.finding(HEALTH_OFF, place, message)
        return
    setting, default = _LISTENS[component.kind]
    asked, listens = _number(component, http.get("port")), component.value(*setting) or str(default)
    words = {str(each) for field in ("command", "args") for each in items(component.container.data.get(field))}
    told = component.setting(*setting) is None or component.value(*setting) is not None
    if asked is None or not told or not listens.isdigit() or component.is_open or {"-p", "--port"} & words:
        return
    if asked != int(listens):
        message = f"{what} asks at port {asked}, and the {component.kind} listens on {listens}"
        yield scene.finding(PROBE_PORT, component.container.place(name, "httpGet", "port"), message)


def _health_off(component: Component) -> Place | None:
    """Where a scheduler's health check server would be switched on; None where it is, or may be."""
    found = component.setting(*_HEALTH)
    if found is None:
        known = component.is_open or _HEALTH in parts.of(component.pod.scene).configured
        return None if known else component.home
    off = component.value(*_HEALTH) is not None and not component.is_on(*_HEALTH)
    return parts.place_of(component.container, found) if off else None


def _number(component: Component, port: Any) -> int | None:
    """A port by its number or name; None where the container does not say."""
    if isinstance(port, str):
        named = (each for each in items(component.container.data.get("ports")) if dig(each, "name") == port)
        port = dig(next(named, None), "containerPort")
    return port if isinstance(port, int) and not isinstance(port, bool) else None


def _job_type(command: str) -> str | None:
    """The job type that a check asks for, empty for none; None where the command is another one."""
    if "jobs check" not in command:
        return None
    words = command.replace("=", " ").split()
    return words[words.index("--job-type") + 1] if "--job-type" in words[:-1] else ""
