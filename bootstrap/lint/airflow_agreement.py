"""Rules about what the components of Airflow must have in common: one image, one set of keys, the same DAGs."""

from collections.abc import Iterator

from bootstrap.airflow import settings
from bootstrap.airflow.settings import Name
from bootstrap.kustomize.image_names import name_of, tag_of
from bootstrap.lint import airflow_components as parts
from bootstrap.lint import airflow_values
from bootstrap.lint.airflow_components import API_SERVER, DAG_PROCESSOR, SCHEDULER, TRIGGERER, Airflow, Component
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container, Setting
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

IMAGE = Rule(
    name="airflow/image-differs",
    severity=Severity.ERROR,
    title="Every Airflow container runs the scheduler's image.",
    why="Another release has another database schema, another execution API and other providers; "
    "another build may lack a DAG or a package that a task needs.",
    fix="Set one image for all of them, in the release.",
)
KEY_MISSING = Rule(
    name="airflow/key-missing",
    severity=Severity.ERROR,
    title="Each component has the keys that it works with.",
    why="Without the database's URL it makes an SQLite file of its own; without a shared JWT secret or Fernet key it "
    "makes up its own: workers are refused, connections cannot be decrypted, sessions end at the other replica.",
    fix="Take it from the same Secret as the other components do.",
)
KEY_DIFFERS = Rule(
    name="airflow/key-differs",
    severity=Severity.ERROR,
    title="All components take a key from the same place.",
    why="With two JWT secrets every task fails before it runs ('Invalid auth token'); with two Fernet keys every "
    "connection is 'not found'; with two databases the components do not see each other.",
    fix="Take it from the same key of the same Secret as the other components do.",
)
SETTING_DIFFERS = Rule(
    name="airflow/setting-differs",
    severity=Severity.ERROR,
    title="Components that work together have the same executor, auth manager and token settings.",
    why="The api-server refuses a token that it would have issued otherwise, looks for logs where another executor "
    "keeps them, and finds the tables of its auth manager only where the migration made them.",
    fix="Set it once, for all of them.",
)
DAGS_DIFFER = Rule(
    name="airflow/dags-differ",
    severity=Severity.ERROR,
    title="The dag-processor and the tasks have the same DAGs, from the same bundles.",
    why="A DAG that only the dag-processor sees is scheduled, and each of its tasks then fails: its bundle is unknown.",
    fix="Give both the same settings, and mount the same volume at the same path.",
)
RULES = (IMAGE, KEY_MISSING, KEY_DIFFERS, SETTING_DIFFERS, DAGS_DIFFER)

_DATABASE, _FERNET = ("database", "sql_alchemy_conn"), ("core", "fernet_key")
_JWT, _SESSION = ("api_auth", "jwt_secret"), ("api", "secret_key")
_SERVERS = (API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER)
# Who works with which key: a dag-processor with the Fernet key of nobody parses all the same.
_KEYS: dict[Name, tuple[str, ...]] = {
    _DATABASE: _SERVERS,
    _FERNET: (API_SERVER, SCHEDULER, TRIGGERER),
    _JWT: (API_SERVER, SCHEDULER),
}
_ASYMMETRIC = ("api_auth", "jwt_private_key_path")  # in place of the JWT secret
_SHARED: tuple[tuple[Name, tuple[str, ...]], ...] = (
    (("core", "executor"), (SCHEDULER, API_SERVER)),
    (("api_auth", "jwt_issuer"), (SCHEDULER, API_SERVER)),
    (("api_auth", "jwt_audience"), (SCHEDULER, API_SERVER)),
)
_AUTH_MANAGER = settings.variable(("core", "auth_manager"))
_DAGS = (("dag_processor", "dag_bundle_config_list"), ("core", "dags_folder"))


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that differs and must not."""
    airflow = parts.of(scene)
    yield from _images(scene, airflow)
    yield from _keys(scene, airflow)
    yield from _settings(scene, airflow)
    yield from _dags(scene, airflow)


def _images(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    scheduler = airflow.first(SCHEDULER)
    wanted = scheduler.container.data.get("image") if scheduler else None
    if scheduler is None or not isinstance(wanted, str):
        return
    own = {(each.pod.owner["kind"], id(each.pod.spec), each.container.name) for each in airflow.components}
    for pod in pods.of(scene):
        for container in pod.containers:
            image = container.data.get("image")
            mine = (pod.owner["kind"], id(pod.spec), container.name) in own
            is_airflow = mine or bool(parts.commands(container)) or _is_same(image, wanted)
            # Without tag and digest, something took them away: the kustomize family tells what.
            said = isinstance(image, str) and (tag_of(image) is not None or "@" in image)
            if is_airflow and said and image != wanted:
                message = f"{container.name} of {pod} runs {image}, the scheduler {wanted}"
                yield scene.finding(IMAGE, container.place("image"), message)
    repository, tag = (
        scheduler.value("kubernetes_executor", f"worker_container_{key}") for key in ("repository", "tag")
    )
    if airflow.runs_pods and repository and tag and f"{repository}:{tag}" != wanted:
        place = _place(scheduler, ("kubernetes_executor", "worker_container_tag"))
        yield scene.finding(IMAGE, place, f"workers run {repository}:{tag}, the scheduler {wanted}")


def _is_same(image: object, wanted: str) -> bool:
    return isinstance(image, str) and name_of(image) == name_of(wanted)


def _keys(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    needs = dict(_KEYS)
    if any(parts.replicas(each) > 1 for each in airflow.all(API_SERVER)):
        needs[_SESSION] = (API_SERVER,)
    for name, kinds in needs.items():
        variable = settings.variable(name)
        for component in airflow.all(*kinds):
            if component.setting(*name) is None and not _has_otherwise(airflow, component, name):
                message = f"{component} has no {variable}"
                yield scene.finding(KEY_MISSING, component.home, message)
    for name in (_DATABASE, _FERNET, _JWT, _SESSION):
        yield from _same_source(scene, airflow, name)


def _has_otherwise(airflow: Airflow, component: Component, name: Name) -> bool:
    if name == _JWT and component.setting(*_ASYMMETRIC) is not None:
        return True
    return component.is_open or name in airflow.configured


def _same_source(scene: EnvironmentContext, airflow: Airflow, name: Name) -> Iterator[Finding]:
    """A finding for each container that takes a key from another place than the scheduler, or else the first one."""
    variable = settings.variable(name)
    holders: list[tuple[Container, Setting]] = []
    for kind in (SCHEDULER, API_SERVER, DAG_PROCESSOR, TRIGGERER):
        for component in airflow.all(kind):
            found = component.container.settings.get(variable)
            holders.extend([(component.container, found)] if found else [])
    known = {id(container) for container, _ in holders}
    for pod in pods.of(scene):
        for container in pod.containers if holders else ():
            found = container.settings.get(variable)
            if found and id(container) not in known:
                holders.append((container, found))
    for container, setting in holders[1:]:
        first = holders[0][1]
        if _source(setting) != _source(first) and not airflow_values.is_bad_url(name, setting.value):
            mine, theirs = _told(setting), _told(first)
            message = f"{container.name} of {container.pod} takes {variable} from {mine}, others from {theirs}"
            yield scene.finding(KEY_DIFFERS, parts.place_of(container, setting), message)


def _source(setting: Setting) -> tuple[str | None, ...]:
    return (setting.kind, setting.name, setting.key) if setting.kind else (setting.value,)


def _told(setting: Setting) -> str:
    return f"{setting.kind}/{setting.name} ({setting.key})" if setting.kind else "a literal value"


def _settings(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    for name, (first, second) in _SHARED:
        one, other = airflow.first(first), airflow.first(second)
        if one and other and not one.is_open and not other.is_open and name not in airflow.configured:
            mine, theirs = one.value(*name), other.value(*name)
            if mine != theirs and _is_plain(one, name) and _is_plain(other, name):
                message = f"{settings.variable(name)} is {theirs or 'unset'} for {other}, {mine or 'unset'} for {one}"
                yield scene.finding(SETTING_DIFFERS, _place(other if theirs else one, name), message)
    yield from _auth_managers(scene, airflow)


def _auth_managers(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    """The Jobs that make the auth manager's tables, and users in them, must have the api-server's."""
    server = airflow.first(API_SERVER)
    wanted = server.container.settings.get(_AUTH_MANAGER) if server else None
    for pod in pods.of(scene):
        for container in pod.containers if wanted and wanted.value and pod.owner["kind"] in ("Job", "CronJob") else ():
            made = [each for each in parts.commands(container) if each in ("db migrate", "users create")]
            mine = container.settings.get(_AUTH_MANAGER)
            value = mine.value if mine else "unset"
            if made and wanted and value is not None and value != wanted.value:
                place = parts.place_of(container, mine) if mine else container.place("env")
                message = f"{_AUTH_MANAGER} is {value} for {pod}, {wanted.value} for the api-server"
                yield scene.finding(SETTING_DIFFERS, place, message)


def _is_plain(component: Component, name: Name) -> bool:
    """Whether the repository shows the value, or that there is none."""
    found = component.setting(*name)
    return found is None or component.value(*name) is not None


def _place(component: Component, name: Name) -> Place:
    found = component.setting(*name)
    return parts.place_of(component.container, found) if found else component.home


def _dags(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    parser = airflow.first(DAG_PROCESSOR)
    if parser is None or parser.is_open:
        return
    for component in airflow.tasks():
        for name in () if component.is_open else _DAGS:
            if name in airflow.configured or not (_is_plain(parser, name) and _is_plain(component, name)):
                continue
            if component.value(*name) != parser.value(*name):
                message = f"{settings.variable(name)} is not the same for the dag-processor and {component}"
                yield scene.finding(DAGS_DIFFER, _dags_place(parser, component, name), message)


def _dags_place(parser: Component, component: Component, name: Name) -> Place:
    """Where the tasks' value is set, or the first of its parts that differs."""
    mine, theirs = parts.values(component.container), parts.values(parser.container)
    found = component.setting(*name)
    if found is not None and found.value == theirs.get(settings.variable(name)):
        for part in parts.references(found.value or ""):
            if mine.get(part) != theirs.get(part):
                setting = component.container.settings.get(part) or parser.container.settings.get(part)
                return (
                    setting.place or component.container.place("env") if setting else component.container.place("env")
                )
    return _place(component, name)
