"""Rules about values of Airflow's settings that it can't parse, or that can't work in a cluster."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from bootstrap.airflow import settings
from bootstrap.airflow.settings import Option, OptionName
from bootstrap.airflow.values import executor_names, expand, references
from bootstrap.validate.airflow_components import EXECUTOR, find_airflow, setting_place, values
from bootstrap.validate.context import EnvironmentContext, shared
from bootstrap.validate.pods import Container, Setting
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Place, Violation

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  (hosts to warn of)
_BUNDLES = ("dag_processor", "dag_bundle_config_list")
_DATABASE_URLS = (("database", "sql_alchemy_conn"), ("core", "sql_alchemy_conn"))
_BASE_URLS = (("api", "base_url"), ("webserver", "base_url"))
_BAD_SCHEMES = frozenset({"postgres", "postgresql", "postgres+psycopg2"})
_BOOLEANS = frozenset({"t", "true", "1", "f", "false", "0"})  # `getboolean`; no yes, no on
_EXECUTORS = ("LocalExecutor", "CeleryExecutor", "KubernetesExecutor")
_IMPORT = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)+")


@rule("airflow/bad-value", ERROR, fix="Give it a value of the kind that it takes.")
def bad_value(env: EnvironmentContext) -> Iterator[Violation]:
    """A setting has a value that Airflow can read.

    Airflow raises AirflowConfigException where it reads the setting: at the start, or in the middle of its work.
    """
    release_settings = find_airflow(env).settings
    for variable in variables(env):
        name = variable.option
        # The list of DAG bundles has its own rule.
        if name is None or name == _BUNDLES or (value := variable.value) is None:
            continue
        option = release_settings.options.get(release_settings.honoured.get(name, name))
        if name == EXECUTOR:
            for executor in executor_names(value):
                if "." not in executor and executor not in _EXECUTORS:
                    message = f"{variable.name} names {executor or 'nothing'}, which is no executor of Airflow 3"
                    hint = f"it has {', '.join(_EXECUTORS)}; write the full path of your own"
                    yield Violation(variable.place, message, hint)
        elif option is not None and (reason := _unreadable(option, value)):
            shown = f"{value[:60]}..." if len(value) > 60 else repr(value)
            yield Violation(variable.place, f"{variable.name} is {shown}: {reason}")


@rule("airflow/dag-bundles", ERROR, fix='Write [{"name": "...", "classpath": "...", "kwargs": {...}}, ...].')
def dag_bundles(env: EnvironmentContext) -> Iterator[Violation]:
    """The list of DAG bundles is JSON, and each bundle has a name of its own and a class.

    The dag-processor does not start with another list, and no worker finds its DAG.
    """
    for variable in variables(env):
        if variable.option != _BUNDLES or (value := variable.value) is None:
            continue
        bundles = _parsed(value)
        if isinstance(bundles, list):
            yield from (Violation(variable.place, message) for message in _bad_bundles(bundles))
        else:
            place = _breaking_reference(variable) or variable.place
            yield Violation(place, "the list of DAG bundles is no JSON list, once its parts are filled in")


@rule("airflow/database-url", ERROR, fix="Write postgresql+psycopg2://...")
def database_url(env: EnvironmentContext) -> Iterator[Violation]:
    """The database's URL names a driver that the image has, for a server that all components reach.

    SQLAlchemy takes postgresql:// for psycopg 3, which the image lacks, and knows no postgres://; a file of SQLite
    belongs to one container alone.
    """
    for variable in variables(env):
        if variable.option not in _DATABASE_URLS or not (value := variable.value):
            continue
        scheme = value.partition("://")[0]
        if scheme in _BAD_SCHEMES:
            message = f"{variable.name} begins with {scheme}://"
            yield Violation(variable.place, message, "write postgresql+psycopg2://")
        elif scheme.startswith("sqlite"):
            message = f"{variable.name} is a file of SQLite, which only one container can see"
            yield Violation(variable.place, message, "name a PostgreSQL server")


@rule(
    "airflow/local-base-url",
    ERROR,
    fix="Remove it: redirects are relative then, and work through any host. Or give the URL from outside.",
)
def local_base_url(env: EnvironmentContext) -> Iterator[Violation]:
    """The base URL is the one that browsers and workers use, or is not set.

    Logging in redirects the browser to it, to its own machine; workers derive the execution API's URL from it.
    """
    for variable in variables(env):
        if is_local_base_url(variable):
            message = f"{variable.name} is {variable.value}, which leads every browser to its own machine"
            yield Violation(variable.place, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """Environment variable of a container, and the option in its name, whether Airflow knows it or not."""

    name: str
    option: OptionName | None
    setting: Setting
    container: Container

    @property
    def place(self) -> Place:
        """Line that gives it its value."""
        return setting_place(self.container, self.setting)

    @property
    def value(self) -> str | None:
        """Value with references expanded; None if it is empty, or only the cluster knows it."""
        return expand(self.setting.value, values(self.container)) if self.setting.value else None


@shared
def variables(env: EnvironmentContext) -> Iterator[Variable]:
    """Variables of all containers; one that several read from the same object is listed once."""
    seen: set[tuple[str, Setting]] = set()
    for container in find_airflow(env).containers:
        for name, setting in container.settings.items():
            if setting.kind is None or (name, setting) not in seen:
                seen.add((name, setting))
                yield Variable(name=name, option=settings.parse_variable(name), setting=setting, container=container)


def is_local_base_url(variable: Variable) -> bool:
    """Whether a variable sets the base URL to the pod itself."""
    if variable.option not in _BASE_URLS:
        return False
    try:
        return urlsplit(variable.value or "").hostname in LOCAL_HOSTS
    except ValueError:
        return False


def is_bad_database_url(option: OptionName, value: str | None) -> bool:
    """Whether an option is the database's URL, and its scheme is a database that can't work in a cluster."""
    scheme = (value or "").partition("://")[0]
    return option in _DATABASE_URLS and (scheme in _BAD_SCHEMES or scheme.startswith("sqlite"))


def _unreadable(option: Option, value: str) -> str:
    """Reason why Airflow can't parse a value; empty if it can."""
    if option.values:
        return "" if value in option.values else f"it takes {', '.join(filter(None, option.values))}"
    match option.kind:
        case "boolean":
            return "" if value.partition("#")[0].strip().lower() in _BOOLEANS else "it takes True or False"
        case "integer":
            return "" if _is_number(value, whole=True) else "it takes a whole number"
        case "float":
            return "" if _is_number(value, whole=False) else "it takes a number"
        case "json":
            return "" if _parsed(value) is not None or value.strip() == "null" else "it takes JSON"
        case "import":
            return "" if _IMPORT.fullmatch(value.strip()) else "it takes the full path of a Python name"
    return ""


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return not whole or number.is_integer()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _bad_bundles(bundles: list[Any]) -> Iterator[str]:
    """Problems of the entries of a list of DAG bundles."""
    names: set[str] = set()
    for number, bundle in enumerate(bundles, 1):
        name = bundle.get("name") if isinstance(bundle, dict) else None
        if not isinstance(bundle, dict) or not isinstance(name, str) or not name:
            yield f"DAG bundle {number} has no name"
            continue
        if name in names:
            yield f"two DAG bundles are named {name}"
        names.add(name)
        path = bundle.get("classpath")
        if not isinstance(path, str) or not _IMPORT.fullmatch(path):
            yield f"the DAG bundle {name} has no classpath"


def _breaking_reference(variable: Variable) -> Place | None:
    """Line of the variable whose expansion makes a JSON list invalid; None if there is none."""
    text, variable_values = variable.setting.value or "", values(variable.container)
    names = [name for name in references(text) if name in variable_values]
    empty: dict[str, str | None] = dict.fromkeys(names, "")
    if isinstance(_parsed(expand(text, empty) or ""), list):
        for name in names:
            if not isinstance(_parsed(expand(text, {**empty, name: variable_values[name]}) or ""), list):
                return variable.container.settings[name].place
    return None
