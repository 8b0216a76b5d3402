"""Rules about the keys that the components of Airflow share: the database's URL, the Fernet key, the JWT secret."""

from collections.abc import Iterator

from bootstrap.airflow import settings
from bootstrap.airflow.settings import Name
from bootstrap.validate.airflow_components import (
    API_SERVER,
    DAG_PROCESSOR,
    SCHEDULER,
    TRIGGERER,
    find_airflow,
    setting_place,
)
from bootstrap.validate.context import EnvironmentContext, dig
from bootstrap.validate.pods import Setting
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.airflow.values import is_bad_database_url
from bootstrap.validate.violation import Violation

_DATABASE, _FERNET = ("database", "sql_alchemy_conn"), ("core", "fernet_key")
_JWT, _SESSION = ("api_auth", "jwt_secret"), ("api", "secret_key")
_ASYMMETRIC = ("api_auth", "jwt_private_key_path")  # in place of the JWT secret
_SERVERS = (SCHEDULER, API_SERVER, DAG_PROCESSOR, TRIGGERER)
# Who works with which key: a dag-processor needs no Fernet key to parse.
_KEYS: dict[Name, tuple[str, ...]] = {
    _DATABASE: _SERVERS,
    _FERNET: (API_SERVER, SCHEDULER, TRIGGERER),
    _JWT: (API_SERVER, SCHEDULER),
    _SESSION: (API_SERVER,),
}


@rule("airflow/key-missing", ERROR, fix="Take it from the same Secret as the other components do.")
def key_missing(env: EnvironmentContext) -> Iterator[Violation]:
    """Each component has the keys that it works with.

    Without the database's URL it makes an SQLite file of its own; without a shared JWT secret or Fernet key it
    makes up its own: workers are refused, connections cannot be decrypted, sessions end at the other replica.
    """
    airflow = find_airflow(env)
    replicas = [dig(server.pod.owner, "spec", "replicas") for server in airflow.of_kind(API_SERVER)]
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
        components = (component for kind in _SERVERS for component in airflow.of_kind(kind))
        held = (component.container.settings.get(variable) for component in components)
        first = next(filter(None, held), None)
        for container in airflow.containers:
            found = container.settings.get(variable)
            if found and first and _source(found) != _source(first) and not is_bad_database_url(key, found.value):
                sources = f"from {_shown(found)}, others from {_shown(first)}"
                message = f"{container.name} of {container.pod} takes {variable} {sources}"
                yield Violation(setting_place(container, found), message)


def _source(setting: Setting) -> tuple[str | None, ...]:
    return (setting.kind, setting.name, setting.key) if setting.kind else (setting.value,)


def _shown(setting: Setting) -> str:
    return f"{setting.kind}/{setting.name} ({setting.key})" if setting.kind else "a literal value"
