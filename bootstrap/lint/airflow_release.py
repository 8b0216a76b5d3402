"""Rules about a release: the database is migrated once, by a Job that the release has for itself."""

from collections.abc import Iterator

from bootstrap.kubernetes.objects import name_of
from bootstrap.lint import airflow_components as parts
from bootstrap.lint.airflow_components import SCHEDULER
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext, dig
from bootstrap.validate.pods import Container
from bootstrap.validate.violation import Finding, Rule, Severity

NO_MIGRATION = Rule(
    name="airflow/no-migration",
    severity=Severity.ERROR,
    title="A Job migrates the database for each release.",
    why="No component migrates it: all of them wait for the schema of their release, and end.",
    fix="Run `airflow db migrate` in a Job that is named by the release.",
)
MIGRATIONS = Rule(
    name="airflow/two-migrations",
    severity=Severity.ERROR,
    title="Only one pod migrates the database.",
    why="Of two migrations of an empty database at once, one fails (UniqueViolation).",
    fix="Leave it to one Job, and let the others wait with `airflow db check-migrations`.",
)
SAME_RELEASE = Rule(
    name="airflow/release-unchanged",
    severity=Severity.ERROR,
    title="RELEASE changes whenever the image or the Jobs change.",
    why="A Job's template cannot change: the API server refuses the object, and the controller stops at that error.",
    fix="Change RELEASE in the environment's release/release.env along with the image.",
)
RULES = (NO_MIGRATION, MIGRATIONS, SAME_RELEASE)

_RELEASE = "airflow-release"


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that keeps the database's schema from following the release."""
    airflow = parts.of(scene)
    migrating = [each for pod in pods.of(scene) for each in pod.containers if "db migrate" in parts.commands(each)]
    scheduler = airflow.first(SCHEDULER)
    if not migrating and scheduler is not None:
        message = f"nothing migrates the database that {scheduler.pod} works with"
        yield scene.finding(NO_MIGRATION, scene.trace.overlay("resources"), message)
    for each in sorted(migrating, key=_precedence)[1:]:
        message = f"{each.name} of {each.pod} migrates the database, as another pod does"
        yield scene.finding(MIGRATIONS, parts.place_of_word(each, "db migrate"), message)
    yield from _unchanged(scene)


def _precedence(container: Container) -> tuple[bool, str]:
    """A Job of the scaffold's name first: that is the one to keep."""
    owner = container.pod.owner
    return owner["kind"] != "Job", "" if name_of(owner).startswith("airflow-migrate") else name_of(owner)


def _unchanged(scene: EnvironmentContext) -> Iterator[Finding]:
    """The Jobs named by release whose template is another one than before, under the same name."""
    before = {name_of(each): each for each in scene.objects_before or () if each["kind"] == "Job"}
    release = dig(scene.find("ConfigMap", _RELEASE), "data", "RELEASE")
    for job in scene.of_kind("Job"):
        old = before.get(name_of(job))
        if old is None or not isinstance(release, str) or not release or not name_of(job).endswith(f"-{release}"):
            continue
        if dig(old, "spec", "template") != dig(job, "spec", "template"):
            config = scene.find("ConfigMap", _RELEASE)
            place = scene.trace.data(config, "RELEASE") if config else scene.trace.object(job)
            yield scene.finding(
                SAME_RELEASE, place, f"the Jobs of release {release} change, and it is named {release} still"
            )
