"""PostgreSQL's major version, changed since HEAD on a volume that holds data of the other one."""

from collections.abc import Iterator

from bootstrap.kubernetes import postgres
from bootstrap.kubernetes.objects import POD_SPECS, identify
from bootstrap.validate.context import EnvironmentContext, dig, items
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

MAJOR = Rule(
    name="kubernetes/postgres-major",
    severity=Severity.ERROR,
    title="A PostgreSQL server keeps its major version for as long as it keeps its volume.",
    why="A server of another major version does not start on the data: Airflow stands still until that is undone.",
    fix="Move the data first: stop Airflow, pg_dump; give the StatefulSet another name, and so an empty volume, with"
    " the new version; psql < dump, start Airflow. Or use a database outside (component external-database), or run"
    " pg_upgrade on the volume yourself, and switch this rule off before, with that as the reason.",
)
UNREAD = Rule(
    name="kubernetes/postgres-unread",
    severity=Severity.WARNING,
    title="The tag of PostgreSQL's image tells its major version, before a change and after it.",
    why="Where it does not, nobody can tell whether the server will start on the data that is there.",
    fix="Write the tag beside the digest, newTag: 17.5 and digest:, and call an image of your own …/postgres.",
    after=("kustomize/dead-image", "kustomize/floating-image"),
)
RULES = (MAJOR, UNREAD)


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """A finding for each server whose data stays; nothing where HEAD is not known."""
    if scene.before == scene.rendered or scene.objects_before is None:
        return
    for each in postgres.upgrades(scene.objects_before, scene.objects):
        yield scene.finding(MAJOR, _image(scene, each.subject), f"{each.subject}: {each}")
    for subject, before, after in postgres.unread(scene.objects_before, scene.objects):
        message = f"{subject}: whether {after} starts on the data of {before} can't be told from its tag"
        yield scene.finding(UNREAD, _image(scene, subject), message)


def _image(scene: EnvironmentContext, subject: str) -> Place:
    """The line of the server's image."""
    found = next(each for each in scene.objects if str(identify(each)) == subject)
    path = POD_SPECS[found["kind"]]
    for number, container in enumerate(items(dig(found, *path, "containers"))):
        if postgres.is_named(str(dig(container, "image"))):
            return scene.trace.field(found, (*path, "containers", number, "image"))
    return scene.trace.field(found, (*path, "containers", 0, "image"))
