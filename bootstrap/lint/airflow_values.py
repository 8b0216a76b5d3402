"""Rules about the values of Airflow's settings: those that it can't read, and those that can't work in a cluster."""

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from bootstrap.airflow import settings as airflow_settings
from bootstrap.airflow.settings import Name, Option
from bootstrap.lint import airflow_components
from bootstrap.lint.airflow_components import executor_names, expanded
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container, Setting
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

BAD_VALUE = Rule(
    name="airflow/bad-value",
    severity=Severity.ERROR,
    title="A setting has a value that Airflow can read.",
    why="Airflow raises AirflowConfigException where it reads the setting: at the start, or in the middle of its work.",
    fix="Give it a value of the kind that it takes.",
)
BUNDLES = Rule(
    name="airflow/dag-bundles",
    severity=Severity.ERROR,
    title="The list of DAG bundles is JSON, and each bundle has a name of its own and a class.",
    why="The dag-processor does not start with another list, and no worker finds its DAG.",
    fix='Write [{"name": "...", "classpath": "...", "kwargs": {...}}, ...].',
)
DATABASE = Rule(
    name="airflow/database-url",
    severity=Severity.ERROR,
    title="The database's URL names a driver that the image has, for a server that all components reach.",
    why="SQLAlchemy takes postgresql:// for psycopg 3, which the image lacks, and knows no postgres://; "
    "a file of SQLite belongs to one container alone.",
    fix="Write postgresql+psycopg2://...",
)
BASE_URL = Rule(
    name="airflow/local-base-url",
    severity=Severity.ERROR,
    title="The base URL is the one that browsers and workers use, or is not set.",
    why="Logging in redirects the browser to it, to its own machine; workers derive the execution API's URL from it.",
    fix="Remove it: redirects are relative then, and work through any host. Or give the URL from outside.",
)
RULES = (BAD_VALUE, BUNDLES, DATABASE, BASE_URL)

_BUNDLES = ("dag_processor", "dag_bundle_config_list")
_URLS = (("database", "sql_alchemy_conn"), ("core", "sql_alchemy_conn"))
_BASES = (("api", "base_url"), ("webserver", "base_url"))
_SCHEMES = frozenset({"postgres", "postgresql", "postgres+psycopg2"})
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  (hosts to warn of)
_BOOLEANS = frozenset({"t", "true", "1", "f", "false", "0"})  # `getboolean`; no yes, no on
_EXECUTORS = ("LocalExecutor", "CeleryExecutor", "KubernetesExecutor")
_IMPORT = re.compile(r"[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)+")


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All values that the repository shows."""
    settings = airflow_components.of(scene).settings
    for container, variable, setting in airflow_components.variables(scene) if settings else ():
        name = airflow_settings.named(variable)
        if settings is None or name is None or not setting.value:
            continue
        value = expanded(setting.value, airflow_components.values(container))
        if value is None:
            continue
        place = partial(airflow_components.place_of, container, setting)
        option = settings.options.get(settings.honoured.get(name, name))
        if name in _URLS:
            yield from _database(scene, variable, value, place())
        elif is_local(variable, value):
            yield scene.finding(
                BASE_URL, place(), f"{variable} is {value}, which leads every browser to its own machine"
            )
        elif name == _BUNDLES:
            yield from _bundles(scene, container, setting)
        elif name == ("core", "executor"):
            yield from _executor(scene, variable, value, place())
        elif option is not None and (reason := _mistake(option, value)):
            yield scene.finding(BAD_VALUE, place(), f"{variable} is {_short(value)}: {reason}")


def is_local(variable: str, value: str | None) -> bool:
    """Whether a variable sets the base URL to the pod itself."""
    return airflow_settings.named(variable) in _BASES and _host(value or "") in _LOCAL


def is_bad_url(name: Name, value: str | None) -> bool:
    """Whether an option is the database's URL, and can't work as it is."""
    scheme = (value or "").partition("://")[0]
    return name in _URLS and (scheme in _SCHEMES or scheme.startswith("sqlite"))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _mistake(option: Option, value: str) -> str:
    """Why Airflow could not read a value; empty where it can."""
    if option.values:
        return "" if value in option.values else f"it takes {', '.join(filter(None, option.values))}"
    text = value.partition("#")[0].strip() if option.kind == "boolean" else value
    match option.kind:
        case "boolean":
            return "" if text.lower() in _BOOLEANS else "it takes True or False"
        case "integer":
            return "" if _is_number(text, whole=True) else "it takes a whole number"
        case "float":
            return "" if _is_number(text, whole=False) else "it takes a number"
        case "json":
            return "" if _parsed(text) is not None or text.strip() == "null" else "it takes JSON"
        case "import":
            return "" if _IMPORT.fullmatch(text.strip()) else "it takes the full path of a Python name"
    return ""


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        number = float(text)
    except ValueError:
        return False
    return not whole or (number == number and abs(number) != float("inf") and number == int(number))


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _short(value: str) -> str:
    return f"{value[:60]}..." if len(value) > 60 else repr(value)


def _executor(scene: EnvironmentContext, variable: str, value: str, place: Place) -> Iterator[Finding]:
    for name in executor_names(value):
        if "." not in name and name not in _EXECUTORS:
            known = ", ".join(_EXECUTORS)
            message = f"{variable} names {name or 'nothing'}, which is no executor of Airflow 3"
            yield scene.finding(BAD_VALUE, place, message, f"it has {known}; write the full path of your own")


def _database(scene: EnvironmentContext, variable: str, value: str, place: Place) -> Iterator[Finding]:
    scheme = value.partition("://")[0]
    if scheme in _SCHEMES:
        yield scene.finding(DATABASE, place, f"{variable} begins with {scheme}://", "write postgresql+psycopg2://")
    elif scheme.startswith("sqlite"):
        message = f"{variable} is a file of SQLite, which only one container can see"
        yield scene.finding(DATABASE, place, message, "name a PostgreSQL server")


def _bundles(scene: EnvironmentContext, container: Container, setting: Setting) -> Iterator[Finding]:
    text, place = setting.value or "", airflow_components.place_of(container, setting)
    bundles = _parsed(expanded(text, airflow_components.values(container)) or "")
    if not isinstance(bundles, list):
        where = _culprit(text, container) or place
        yield scene.finding(BUNDLES, where, "the list of DAG bundles is no JSON list, once its parts are filled in")
        return
    names: set[str] = set()
    for number, each in enumerate(bundles, 1):
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(each, dict) or not isinstance(name, str) or not name:
            yield scene.finding(BUNDLES, place, f"DAG bundle {number} has no name")
            continue
        if name in names:
            yield scene.finding(BUNDLES, place, f"two DAG bundles are named {name}")
        names.add(name)
        path = each.get("classpath")
        if not isinstance(path, str) or not _IMPORT.fullmatch(path):
            yield scene.finding(BUNDLES, place, f"the DAG bundle {name} has no classpath")


def _culprit(text: str, container: Container) -> Place | None:
    """Where the one variable is set that breaks a list which is JSON without it."""
    known = airflow_components.values(container)
    names = [name for name in airflow_components.references(text) if name in known]
    empty: dict[str, str | None] = dict.fromkeys(names, "")
    if isinstance(_parsed(expanded(text, empty) or ""), list):
        for name in names:
            if not isinstance(_parsed(expanded(text, {**empty, name: known[name]}) or ""), list):
                return container.settings[name].place
    return None
