"""Rules about database migrations: one Job per release, named after it."""

from collections.abc import Iterator

from bootstrap.kubernetes.objects import dig, name_of
from bootstrap.validate.airflow_components import Process, command_place, commands, find_airflow
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Violation


@rule("airflow/no-migration", ERROR, fix="Run `airflow db migrate` in a Job that is named by the release.")
def no_migration(env: EnvironmentContext) -> Iterator[Violation]:
    """A Job migrates the database for each release.

    No component migrates it: all of them wait for the schema of their release, and end.
    """
    scheduler = find_airflow(env).first(Process.SCHEDULER)
    if scheduler is not None and not _migrating(env):
        message = f"nothing migrates the database that {scheduler.pod} works with"
        yield Violation(env.trace.overlay("resources"), message)


@rule(
    "airflow/two-migrations",
    ERROR,
    fix="Leave it to one Job, and let the others wait with `airflow db check-migrations`.",
)
def two_migrations(env: EnvironmentContext) -> Iterator[Violation]:
    """Only one pod migrates the database.

    Of two migrations of an empty database at once, one fails (UniqueViolation).
    """
    for container in sorted(_migrating(env), key=_precedence)[1:]:
        message = f"{container.name} of {container.pod} migrates the database, as another pod does"
        yield Violation(command_place(container, "db migrate"), message)


@rule(
    "airflow/release-unchanged",
    ERROR,
    fix="Change RELEASE in the environment's release/release.env along with the image.",
)
def release_unchanged(env: EnvironmentContext) -> Iterator[Violation]:
    """RELEASE changes whenever the image or the Jobs change.

    A Job's template cannot change: the API server refuses the object, and the controller stops at that error.
    """
    config = env.find("ConfigMap", "airflow-release")
    release = dig(config, "data", "RELEASE")
    before = {name_of(job): job for job in env.objects_before or () if job["kind"] == "Job"}
    if config is None or not isinstance(release, str) or not release:
        return
    for job in env.of_kind("Job") if find_airflow(env).pods else ():
        old = before.get(name_of(job))
        is_named = old is not None and name_of(job).endswith(f"-{release}")
        if is_named and dig(old, "spec", "template") != dig(job, "spec", "template"):
            message = f"the Jobs of release {release} change, and it is named {release} still"
            yield Violation(env.trace.data(config, "RELEASE"), message)


def _migrating(env: EnvironmentContext) -> list[Container]:
    return [container for container in find_airflow(env).containers if "db migrate" in commands(container)]


def _precedence(container: Container) -> tuple[bool, str]:
    """Sort key that puts the scaffold's own Job first, as the one to keep."""
    owner = container.pod.owner
    return owner["kind"] != "Job", "" if name_of(owner).startswith("airflow-migrate") else name_of(owner)
