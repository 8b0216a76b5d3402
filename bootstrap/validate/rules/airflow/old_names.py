"""Rules about settings that an earlier release of Airflow had under another name, or had at all."""

from collections.abc import Iterator

from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.rules.airflow.names import misnamed
from bootstrap.validate.violation import Violation


@rule("airflow/renamed-setting", ERROR, fix="Give it its present name.")
def renamed_setting(env: EnvironmentContext) -> Iterator[Violation]:
    """A setting has the name that this release of Airflow reads.

    Airflow 3 forgot the names that Airflow 2 still took for old ones: it ignores them without a warning.
    """
    yield from misnamed(env, "airflow/renamed-setting")


@rule("airflow/removed-setting", WARNING, fix="Remove it; Airflow's release notes say what took its place.")
def removed_setting(env: EnvironmentContext) -> Iterator[Violation]:
    """A setting still exists in this release of Airflow.

    An earlier release read it, this one ignores it: what it was set for does not happen.
    """
    yield from misnamed(env, "airflow/removed-setting")


@rule("airflow/old-setting", WARNING, fix="Give it its present name.")
def old_setting(env: EnvironmentContext) -> Iterator[Violation]:
    """A setting has its present name, although Airflow still takes the old one.

    A later release stops looking under the old name, and says nothing then.
    """
    yield from misnamed(env, "airflow/old-setting")
