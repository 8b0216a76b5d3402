"""Rules about which processes of Airflow run at all."""

from collections.abc import Iterator

from bootstrap.validate.airflow_components import (
    API_SERVER,
    DAG_PROCESSOR,
    SCHEDULER,
    TRIGGERER,
    WORKER,
    find_airflow,
)
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation


@rule("airflow/no-component", ERROR, fix="Add a Deployment for it.")
def no_component(env: EnvironmentContext) -> Iterator[Violation]:
    """Each process that Airflow 3 is made of has a workload.

    Without a dag-processor no DAG is ever read (the scheduler does not any more), without an api-server no task
    reports back, without a scheduler nothing runs; a Celery executor needs workers.
    """
    for kind in (API_SERVER, SCHEDULER, DAG_PROCESSOR):
        if _lacks(env, kind):
            yield Violation(env.trace.overlay("resources"), f"no workload runs the {kind}")
    if "CeleryExecutor" in find_airflow(env).executors and _lacks(env, WORKER):
        message = "the executor is the CeleryExecutor, and no workload runs its workers"
        yield Violation(env.trace.overlay("resources"), message)


@rule("airflow/no-triggerer", WARNING, fix="Add a Deployment for it, or switch this rule off where no DAG defers.")
def no_triggerer(env: EnvironmentContext) -> Iterator[Violation]:
    """A triggerer runs.

    Deferred tasks wait for one for ever; many operators and sensors defer where they are told to.
    """
    if _lacks(env, TRIGGERER):
        yield Violation(env.trace.overlay("resources"), "no workload runs the triggerer")


def _lacks(env: EnvironmentContext, kind: str) -> bool:
    """Whether no workload runs a process, where workloads run two others: an overlay may hold a part of an Airflow."""
    kinds = {component.kind for component in find_airflow(env).components if component.pod.key is None}
    return len(kinds) > 1 and kind not in kinds
