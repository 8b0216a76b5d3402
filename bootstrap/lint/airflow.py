"""Rules about Airflow: its settings, its components, and what they need of each other."""

from collections.abc import Iterator

from bootstrap.lint import (
    airflow_agreement,
    airflow_components,
    airflow_names,
    airflow_processes,
    airflow_release,
    airflow_rights,
    airflow_values,
    airflow_workers,
)
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.violation import Finding

_PARTS = (
    airflow_names,
    airflow_values,
    airflow_agreement,
    airflow_workers,
    airflow_processes,
    airflow_rights,
    airflow_release,
)
RULES = tuple(rule for part in _PARTS for rule in part.RULES)


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that is wrong with Airflow 3; nothing about another major, whose components and settings differ."""
    if airflow_components.of(scene).settings is not None:
        for part in _PARTS:
            yield from part.check(scene)
