"""Rules about settings that Airflow's components must share: the image, the keys, the DAG bundles."""

from collections.abc import Iterator

from bootstrap.airflow import settings
from bootstrap.airflow.settings import OptionName
from bootstrap.airflow.values import references
from bootstrap.core.image import Image
from bootstrap.kubernetes.objects import dig
from bootstrap.validate.airflow_components import (
    EXECUTOR,
    SERVERS,
    Airflow,
    Component,
    Process,
    commands,
    find_airflow,
    setting_place,
    values,
)
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Setting
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.airflow.values import is_bad_database_url
from bootstrap.validate.violation import Place, Violation

_DATABASE, _FERNET = ("database", "sql_alchemy_conn"), ("core", "fernet_key")
_JWT, _SESSION = ("api_auth", "jwt_secret"), ("api", "secret_key")
_ASYMMETRIC = ("api_auth", "jwt_private_key_path")  # in place of the JWT secret
# Components that need each key: a dag-processor parses without the Fernet key.
_KEYS: dict[OptionName, tuple[Process, ...]] = {
    _DATABASE: SERVERS,
    _FERNET: (Process.API_SERVER, Process.SCHEDULER, Process.TRIGGERER),
    _JWT: (Process.API_SERVER, Process.SCHEDULER),
    _SESSION: (Process.API_SERVER,),
}
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
    scheduler = airflow.first(Process.SCHEDULER)
    wanted = scheduler.container.data.get("image") if scheduler else None
    if scheduler is None or not isinstance(wanted, str):
        return
    components = {component.container for component in airflow.components}
    for container in airflow.containers:
        image = container.data.get("image")
        if not isinstance(image, str) or image == wanted:
            continue
        parts = Image.split(image)
        # An image without tag and digest is reported by the rules of the kustomize family.
        if not parts.tag and not parts.digest:
            continue
        same = parts.repository == Image.split(wanted).repository
        if same or container in components or commands(container):
            message = f"{container.name} of {container.pod} runs {image}, the scheduler {wanted}"
            yield Violation(container.place("image"), message)
    repository, tag = (("kubernetes_executor", f"worker_container_{key}") for key in ("repository", "tag"))
    image = f"{scheduler.value(repository)}:{scheduler.value(tag)}"
    if airflow.runs_pods and scheduler.value(repository) and scheduler.value(tag) and image != wanted:
        yield Violation(scheduler.option_place(tag), f"workers run {image}, the scheduler {wanted}")


@rule("airflow/key-missing", ERROR, fix="Take it from the same Secret as the other components do.")
def key_missing(env: EnvironmentContext) -> Iterator[Violation]:
    """Each component has the keys that it works with.

    Without the database's URL it makes an SQLite file of its own; without a shared JWT secret or Fernet key it
    makes up its own: workers are refused, connections cannot be decrypted, sessions end at the other replica.
    """
    airflow = find_airflow(env)
    replicas = [dig(server.pod.owner, "spec", "replicas") for server in airflow.of_kind(Process.API_SERVER)]
    is_replicated = any(isinstance(number, int) and number > 1 for number in replicas)
    for key, kinds in _KEYS.items():
        for component in airflow.of_kind(*kinds) if key != _SESSION or is_replicated else ():
            has_other = key == _JWT and component.setting(_ASYMMETRIC) is not None
            if component.setting(key) is None and not has_other and not airflow.hides(component, key):
                yield Violation(component.place, f"{component} has no {settings.variable(key)}")


@rule("airflow/key-differs", ERROR, fix="Take it from the same key of the same Secret as the other components do.")
def key_differs(env: EnvironmentContext) -> Iterator[Violation]:
    """All components take a key from the same place.

    With two JWT secrets every task fails before it runs ('Invalid auth token'); with two Fernet keys every
    connection is 'not found'; with two databases the components do not see each other.
    """
    airflow = find_airflow(env)
    for key in _KEYS:
        variable = settings.variable(key)
        components = (component for kind in SERVERS for component in airflow.of_kind(kind))
        candidates = (component.container.settings.get(variable) for component in components)
        first = next(filter(None, candidates), None)
        for container in airflow.containers:
            setting = container.settings.get(variable)
            if setting and first and _source(setting) != _source(first) and not is_bad_database_url(key, setting.value):
                sources = f"from {_shown(setting)}, others from {_shown(first)}"
                message = f"{container.name} of {container.pod} takes {variable} {sources}"
                yield Violation(setting_place(container, setting), message)


@rule("airflow/setting-differs", ERROR, fix="Set it once, for all of them.")
def setting_differs(env: EnvironmentContext) -> Iterator[Violation]:
    """Components that work together have the same executor, auth manager and token settings.

    The api-server refuses a token that it would have issued otherwise, looks for logs where another executor keeps
    them, and finds the tables of its auth manager only where the migration made them.
    """
    airflow = find_airflow(env)
    yield from _auth_managers(airflow)
    scheduler, server = airflow.first(Process.SCHEDULER), airflow.first(Process.API_SERVER)
    if scheduler is None or server is None:
        return
    for option in _SHARED:
        one, other = scheduler.value(option), server.value(option)
        if one != other and all(
            component.shows(option) and not airflow.hides(component, option) for component in (scheduler, server)
        ):
            shown = f"{other or 'unset'} for {server}, {one or 'unset'} for {scheduler}"
            place = (server if other else scheduler).option_place(option)
            yield Violation(place, f"{settings.variable(option)} is {shown}")


@rule("airflow/dags-differ", ERROR, fix="Give both the same settings, and mount the same volume at the same path.")
def dags_differ(env: EnvironmentContext) -> Iterator[Violation]:
    """The dag-processor and the tasks have the same DAGs, from the same bundles.

    A DAG that only the dag-processor sees is scheduled, and each of its tasks then fails: its bundle is unknown.
    """
    airflow = find_airflow(env)
    parser = airflow.first(Process.DAG_PROCESSOR)
    if parser is None:
        return
    for runner in airflow.task_runners():
        for option in _BUNDLES:
            seen = all(
                component.shows(option) and not airflow.hides(component, option) for component in (parser, runner)
            )
            if seen and runner.value(option) != parser.value(option):
                message = f"{settings.variable(option)} is not the same for the dag-processor and {runner}"
                yield Violation(_bundles_place(parser, runner, option), message)


def _source(setting: Setting) -> tuple[str | None, ...]:
    return (setting.kind, setting.name, setting.key) if setting.kind else (setting.value,)


def _shown(setting: Setting) -> str:
    return f"{setting.kind}/{setting.name} ({setting.key})" if setting.kind else "a literal value"


def _auth_managers(airflow: Airflow) -> Iterator[Violation]:
    """Jobs that create the auth manager's tables or users, with another auth manager than the api-server."""
    server = airflow.first(Process.API_SERVER)
    expected = server.container.settings.get(_AUTH_MANAGER) if server else None
    if expected is None or not expected.value:
        return
    for container in airflow.containers:
        makes = {"db migrate", "users create"}.intersection(commands(container))
        if not makes or container.pod.owner["kind"] not in ("Job", "CronJob"):
            continue
        setting = container.settings.get(_AUTH_MANAGER)
        value = setting.value if setting else "unset"
        if value is not None and value != expected.value:
            place = setting_place(container, setting) if setting else container.place("env")
            yield Violation(
                place, f"{_AUTH_MANAGER} is {value} for {container.pod}, {expected.value} for the api-server"
            )


def _bundles_place(parser: Component, runner: Component, option: OptionName) -> Place:
    """Line that sets the tasks' value, or the first variable in it that differs."""
    mine, theirs = values(runner.container), values(parser.container)
    found = runner.setting(option)
    if found is not None and found.value == theirs.get(settings.variable(option)):
        for name in references(found.value or ""):
            if mine.get(name) != theirs.get(name):
                setting = runner.container.settings.get(name) or parser.container.settings.get(name)
                return (setting and setting.place) or runner.container.place("env")
    return runner.option_place(option)
