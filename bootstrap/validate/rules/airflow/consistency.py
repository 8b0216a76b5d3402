"""Rules about what the components of Airflow must have in common: one image, the same settings, the same DAGs."""

from collections.abc import Iterator

from bootstrap.airflow import settings
from bootstrap.airflow.settings import Name
from bootstrap.airflow.values import references
from bootstrap.kustomize.image_names import name_of, tag_of
from bootstrap.validate.airflow_components import (
    API_SERVER,
    DAG_PROCESSOR,
    EXECUTOR,
    SCHEDULER,
    Airflow,
    Component,
    commands,
    find_airflow,
    setting_place,
    values,
)
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Place, Violation

_SHARED = (EXECUTOR, ("api_auth", "jwt_issuer"), ("api_auth", "jwt_audience"))
_AUTH_MANAGER = settings.variable(("core", "auth_manager"))
_BUNDLES = (("dag_processor", "dag_bundle_config_list"), ("core", "dags_folder"))


@rule("airflow/image-differs", ERROR, fix="Set one image for all of them, in the release.")
def image_differs(env: EnvironmentContext) -> Iterator[Violation]:
    """Every Airflow container runs the scheduler's image.

    Another release has another database schema, another execution API and other providers; another build may lack a
    DAG or a package that a task needs.
    """
    airflow = find_airflow(env)
    scheduler = airflow.first(SCHEDULER)
    wanted = scheduler.container.data.get("image") if scheduler else None
    if scheduler is None or not isinstance(wanted, str):
        return
    components = {component.container for component in airflow.components}
    for container in airflow.containers:
        image = container.data.get("image")
        # Without tag and digest, something took them away: the kustomize family tells what.
        if not isinstance(image, str) or image == wanted or (tag_of(image) is None and "@" not in image):
            continue
        if container in components or commands(container) or name_of(image) == name_of(wanted):
            message = f"{container.name} of {container.pod} runs {image}, the scheduler {wanted}"
            yield Violation(container.place("image"), message)
    repository, tag = (("kubernetes_executor", f"worker_container_{key}") for key in ("repository", "tag"))
    image = f"{scheduler.value(repository)}:{scheduler.value(tag)}"
    if airflow.runs_pods and scheduler.value(repository) and scheduler.value(tag) and image != wanted:
        yield Violation(scheduler.option_place(tag), f"workers run {image}, the scheduler {wanted}")


@rule("airflow/setting-differs", ERROR, fix="Set it once, for all of them.")
def setting_differs(env: EnvironmentContext) -> Iterator[Violation]:
    """Components that work together have the same executor, auth manager and token settings.

    The api-server refuses a token that it would have issued otherwise, looks for logs where another executor keeps
    them, and finds the tables of its auth manager only where the migration made them.
    """
    airflow = find_airflow(env)
    yield from _auth_managers(airflow)
    scheduler, server = airflow.first(SCHEDULER), airflow.first(API_SERVER)
    if scheduler is None or server is None:
        return
    for option in _SHARED:
        one, other = scheduler.value(option), server.value(option)
        if one != other and all(each.shows(option) and not airflow.hides(each, option) for each in (scheduler, server)):
            message = (
                f"{settings.variable(option)} is {other or 'unset'} for {server}, {one or 'unset'} for {scheduler}"
            )
            yield Violation((server if other else scheduler).option_place(option), message)


@rule("airflow/dags-differ", ERROR, fix="Give both the same settings, and mount the same volume at the same path.")
def dags_differ(env: EnvironmentContext) -> Iterator[Violation]:
    """The dag-processor and the tasks have the same DAGs, from the same bundles.

    A DAG that only the dag-processor sees is scheduled, and each of its tasks then fails: its bundle is unknown.
    """
    airflow = find_airflow(env)
    parser = airflow.first(DAG_PROCESSOR)
    if parser is None:
        return
    for runner in airflow.task_runners():
        for option in _BUNDLES:
            seen = all(each.shows(option) and not airflow.hides(each, option) for each in (parser, runner))
            if seen and runner.value(option) != parser.value(option):
                message = f"{settings.variable(option)} is not the same for the dag-processor and {runner}"
                yield Violation(_bundles_place(parser, runner, option), message)


def _auth_managers(airflow: Airflow) -> Iterator[Violation]:
    """The Jobs that make the auth manager's tables, and users in them, must have the api-server's."""
    server = airflow.first(API_SERVER)
    wanted = server.container.settings.get(_AUTH_MANAGER) if server else None
    if wanted is None or not wanted.value:
        return
    for container in airflow.containers:
        makes = {"db migrate", "users create"}.intersection(commands(container))
        if not makes or container.pod.owner["kind"] not in ("Job", "CronJob"):
            continue
        found = container.settings.get(_AUTH_MANAGER)
        value = found.value if found else "unset"
        if value is not None and value != wanted.value:
            place = setting_place(container, found) if found else container.place("env")
            yield Violation(place, f"{_AUTH_MANAGER} is {value} for {container.pod}, {wanted.value} for the api-server")


def _bundles_place(parser: Component, runner: Component, option: Name) -> Place:
    """Where the tasks' value is set, or the first variable in it that differs."""
    mine, theirs = values(runner.container), values(parser.container)
    found = runner.setting(option)
    if found is not None and found.value == theirs.get(settings.variable(option)):
        for name in references(found.value or ""):
            if mine.get(name) != theirs.get(name):
                setting = runner.container.settings.get(name) or parser.container.settings.get(name)
                return (setting and setting.place) or runner.container.place("env")
    return runner.option_place(option)
