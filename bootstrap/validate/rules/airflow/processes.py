"""Rules about Airflow's processes: which ones run, their commands, probes and shutdown."""

from collections.abc import Iterator

from bootstrap.kubernetes.objects import mapping
from bootstrap.validate.airflow_components import SERVERS, Process, command_place, commands, find_airflow
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation

# Commands of Airflow 1 and 2, and their replacements.
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
_GRACE = 30


@rule("airflow/no-component", ERROR, fix="Add a Deployment for it.")
def no_component(env: EnvironmentContext) -> Iterator[Violation]:
    """Each process that Airflow 3 is made of has a workload.

    Without a dag-processor no DAG is ever read (the scheduler does not any more), without an api-server no task
    reports back, without a scheduler nothing runs; a Celery executor needs workers.
    """
    for kind in (Process.API_SERVER, Process.SCHEDULER, Process.DAG_PROCESSOR):
        if _lacks(env, kind):
            yield Violation(env.trace.overlay("resources"), f"no workload runs the {kind}")
    if "CeleryExecutor" in find_airflow(env).executors and _lacks(env, Process.WORKER):
        message = "the executor is the CeleryExecutor, and no workload runs its workers"
        yield Violation(env.trace.overlay("resources"), message)


@rule("airflow/no-triggerer", WARNING, fix="Add a Deployment for it, or switch this rule off where no DAG defers.")
def no_triggerer(env: EnvironmentContext) -> Iterator[Violation]:
    """A triggerer runs.

    Deferred tasks wait for one for ever; many operators and sensors defer where they are told to.
    """
    if _lacks(env, Process.TRIGGERER):
        yield Violation(env.trace.overlay("resources"), "no workload runs the triggerer")


@rule("airflow/removed-command", ERROR, fix="Run the command that took its place.")
def removed_command(env: EnvironmentContext) -> Iterator[Violation]:
    """A container runs a command that Airflow 3 has.

    The command of an earlier release ends at once with a usage error, and its container restarts for ever.
    """
    for container in find_airflow(env).containers:
        for command in commands(container):
            old = next((name for name in (command, command.partition(" ")[0]) if name in _GONE), None)
            if old is not None and not (old == "backfill" and command.startswith("backfill create")):
                message = f"{container.name} of {container.pod} runs airflow {old}, which Airflow 3 does not have"
                yield Violation(command_place(container, old), message, f"run airflow {_GONE[old]}")


@rule("airflow/short-grace", ERROR, fix="Set terminationGracePeriodSeconds to 30 or more; 60 leaves room.")
def short_grace(env: EnvironmentContext) -> Iterator[Violation]:
    """The scheduler has at least 30 seconds to stop.

    With the KubernetesExecutor it takes more than 20. Killed before, it leaves its workers to be adopted, and tasks
    that it had queued wait for their timeout.
    """
    for scheduler in find_airflow(env).of_kind(Process.SCHEDULER):
        grace = scheduler.pod.spec.get("terminationGracePeriodSeconds")
        if isinstance(grace, int) and grace < _GRACE:
            message = f"{scheduler.pod} has {grace} s to stop, and needs more than 20"
            yield Violation(scheduler.pod.place("terminationGracePeriodSeconds"), message)


@rule(
    "airflow/no-liveness-probe",
    WARNING,
    fix="Probe the api-server and the scheduler over HTTP, the others by `airflow jobs check --local`.",
)
def no_liveness_probe(env: EnvironmentContext) -> Iterator[Violation]:
    """Each long-running component has a liveness probe.

    An Airflow process that hangs does not exit: only a probe makes Kubernetes restart it.
    """
    for component in find_airflow(env).of_kind(*SERVERS):
        if not mapping(component.container.data.get("livenessProbe")):
            yield Violation(component.place, f"{component.container.name} of {component.pod} has no liveness probe")


def _lacks(env: EnvironmentContext, kind: Process) -> bool:
    """Whether no workload runs a process. At least two others must run: an overlay may hold a part of an Airflow."""
    kinds = {component.kind for component in find_airflow(env).components if component.pod.key is None}
    return len(kinds) > 1 and kind not in kinds
