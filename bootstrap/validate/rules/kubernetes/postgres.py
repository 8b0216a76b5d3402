"""Rules about PostgreSQL upgrades: a major version changed since HEAD can't read the data on its volume."""

from collections.abc import Iterator

from bootstrap.kubernetes import postgres
from bootstrap.kubernetes.objects import POD_SPECS, dig, identify, items
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place


@rule(
    "kubernetes/postgres-major",
    ERROR,
    fix="Move the data first: stop Airflow, pg_dump; give the StatefulSet another name, and so an empty volume, with"
    " the new version; psql < dump, start Airflow. Or use a database outside (component external-database), or run"
    " pg_upgrade on the volume yourself, and switch this rule off before, with that as the reason.",
)
def postgres_major(env: EnvironmentContext) -> Iterator[Violation]:
    """A PostgreSQL server keeps its major version for as long as it keeps its volume.

    A server of another major version does not start on the data: Airflow stands still until that is undone.
    """
    if env.before != env.rendered and env.objects_before is not None:
        for upgrade in postgres.upgrades(env.objects_before, env.objects):
            yield Violation(_image(env, upgrade.subject), f"{upgrade.subject}: {upgrade}")


@rule(
    "kubernetes/postgres-unread",
    WARNING,
    fix="Write the tag beside the digest, newTag: 17.5 and digest:, and call an image of your own …/postgres.",
    after=("kustomize/dead-image", "kustomize/floating-image"),
)
def postgres_unread(env: EnvironmentContext) -> Iterator[Violation]:
    """The tag of PostgreSQL's image tells its major version, before a change and after it.

    Where it does not, nobody can tell whether the server will start on the data that is there.
    """
    if env.before != env.rendered and env.objects_before is not None:
        for subject, before, after in postgres.unread(env.objects_before, env.objects):
            message = f"{subject}: whether {after} starts on the data of {before} can't be told from its tag"
            yield Violation(_image(env, subject), message)


def _image(env: EnvironmentContext, subject: str) -> Place:
    """Line of the PostgreSQL server's image."""
    workload = next(obj for obj in env.objects if str(identify(obj)) == subject)
    path = POD_SPECS[workload["kind"]]
    for number, container in enumerate(items(dig(workload, *path, "containers"))):
        if postgres.is_named(str(dig(container, "image"))):
            return env.trace.field(workload, (*path, "containers", number, "image"))
    return env.trace.field(workload, (*path, "containers", 0, "image"))
