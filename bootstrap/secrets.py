"""The secrets of an Airflow environment: which there are, how each is made, and what a given value must look like."""

import base64
import json
import re
import secrets as random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import yaml

from bootstrap import yamlread
from bootstrap.errors import BadSecret, TaxiwayError, raise_all
from bootstrap.secret import Secret as Secret

PASSWORD_BYTES = 24  # 192 bits, 32 characters
JWT_BYTES = 64  # HS512 wants as many bytes as its digest (RFC 7518, 3.2)


Values = Mapping[str, Secret]
Check = Callable[[str], str | None]
Make = Callable[[Mapping[str, str]], str]


def _password(_: Mapping[str, str]) -> str:
    return random.token_urlsafe(PASSWORD_BYTES)


def _always(value: str) -> Make:
    return lambda _: value


def _fernet(_: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(random.token_bytes(32)).decode()


def _database_url(values: Mapping[str, str]) -> str:
    # SQLAlchemy 2.1 takes a bare postgresql:// for psycopg 3, which the Airflow image does not have.
    return "postgresql+psycopg2://{DATABASE_USER}:{DATABASE_PASSWORD}@{DATABASE_HOST}:{DATABASE_PORT}/{DATABASE_DB}".format(
        **values
    )


def _aws_connection(_: Mapping[str, str]) -> str:
    connection = {
        "conn_type": "aws",
        "login": "test",  # localstack's own account; it takes any password
        "password": random.token_urlsafe(PASSWORD_BYTES),
        "extra": {"endpoint_url": "http://airflow-s3:33000", "region_name": "us-east-1"},
    }
    return json.dumps(connection, separators=(",", ":"))


def _filled(text: str) -> str | None:
    return None if text else "is empty"


def _url_safe(text: str) -> str | None:
    if not text:
        return "is empty"
    if quote(text, safe="") != text:
        return "has characters that a database URL can't hold: use letters, digits and - . _ ~"
    return None


def _host(text: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text) else "is not a host name"


def _port(text: str) -> str | None:
    return None if text.isascii() and text.isdigit() and 0 < int(text) < 65536 else "is not a port number"


def _fernet_keys(text: str) -> str | None:
    for key in text.split(","):
        try:
            raw = base64.b64decode(key, altchars=b"-_", validate=True)
        except ValueError:
            raw = b""
        if len(raw) != 32 or "+" in key or "/" in key:
            return "is not 32 bytes of url-safe base64 (44 characters; several keys stand newest first, with commas)"
    return None


def _jwt(text: str) -> str | None:
    return None if len(text.encode()) >= JWT_BYTES else f"is shorter than {JWT_BYTES} bytes, which HS512 asks for"


def _database(text: str) -> str | None:
    if re.fullmatch(r"postgresql\+psycopg2://\S+@\S+/\S+", text):
        return None
    return "is not a URL of the form postgresql+psycopg2://USER:PASSWORD@HOST:PORT/DATABASE"


def _connection(text: str) -> str | None:
    if re.fullmatch(r"[a-z][a-z0-9+_-]*://\S*", text):
        return None
    try:
        known = isinstance(json.loads(text), dict) and "conn_type" in json.loads(text)
    except (ValueError, RecursionError):
        known = False
    return None if known else 'is neither an Airflow connection URI nor JSON with a "conn_type"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of one Secret: how a value is made where none is given, and what is wrong with a given one."""

    secret: str
    name: str
    make: Make | None
    check: Check = field(default=_filled)


# In this order: the URL is made from the keys above it. A key that nothing makes is left out unless it is given.
CATALOG = (
    Key(secret="airflow-postgres", name="DATABASE_HOST", make=_always("airflow-pg"), check=_host),
    Key(secret="airflow-postgres", name="DATABASE_PORT", make=_always("5432"), check=_port),
    Key(secret="airflow-postgres", name="DATABASE_DB", make=_always("airflow"), check=_url_safe),
    Key(secret="airflow-postgres", name="DATABASE_USER", make=_always("airflow"), check=_url_safe),
    Key(secret="airflow-postgres", name="DATABASE_PASSWORD", make=_password, check=_url_safe),
    Key(secret="airflow-postgres", name="AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", make=_database_url, check=_database),
    Key(secret="airflow-fernet", name="AIRFLOW__CORE__FERNET_KEY", make=_fernet, check=_fernet_keys),
    Key(
        secret="airflow-jwt",
        name="AIRFLOW__API_AUTH__JWT_SECRET",
        make=lambda _: random.token_urlsafe(JWT_BYTES),
        check=_jwt,
    ),
    Key(secret="airflow-api", name="AIRFLOW__API__SECRET_KEY", make=lambda _: random.token_urlsafe(32)),
    Key(secret="airflow-connections", name="AIRFLOW_CONN_AWS_DEFAULT", make=_aws_connection, check=_connection),
    Key(secret="airflow-admin", name="ADMIN_USERNAME", make=_always("admin")),
    Key(secret="airflow-admin", name="ADMIN_PASSWORD", make=_password),
    Key(secret="airflow-dags-git", name="AIRFLOW_CONN_GIT_DAGS", make=None, check=_connection),
)
_BY_NAME = {key.name: key for key in CATALOG}


def generate(given: Values) -> dict[str, dict[str, Secret]]:
    """Every Secret of one environment, `{secret: {key: value}}`: given values as they are, all others made.

    Formats and lengths follow Airflow's own documentation of each setting. Raises BadSecret when `given` fails a check.
    """
    raise_all(_problems("the given secrets", given))
    values = {name: value.reveal().decode() for name, value in given.items()}
    made: dict[str, dict[str, Secret]] = {}
    for key in CATALOG:
        if key.name not in values and key.make is not None:
            values[key.name] = key.make(values)
        if key.name in values:
            made.setdefault(key.secret, {})[key.name] = Secret(values[key.name].encode())
    return made


def parse(document: bytes, source: str, environments: Iterable[str]) -> dict[str, dict[str, Secret]]:
    """Read `environment → key → value` from YAML; every scalar is taken as the text that is written.

    Raises BadSecret (all mistakes at once) and never quotes the document, since any part of it may be a secret.
    """
    known = tuple(environments)
    shape = "write it as YAML: environment, then key: value pairs below it"
    try:
        data = yamlread.load(document, _TextLoader)
    except yaml.MarkedYAMLError as err:
        where = f", line {err.problem_mark.line + 1}" if err.problem_mark else ""
        raise BadSecret(f"{source}{where}: not valid YAML ({err.problem})", hint=shape) from None
    except (yaml.YAMLError, UnicodeError):
        raise BadSecret(f"{source}: not a YAML text", hint=shape) from None
    if not isinstance(data, dict):
        raise BadSecret(f"{source}: not a mapping of environments", hint=shape)
    errors: list[TaxiwayError] = []
    result: dict[str, dict[str, Secret]] = {}
    for name, values in data.items():
        if name not in known:
            errors.append(
                BadSecret(f"{source}: {_shown(name)} is not an environment", hint=f"known: {', '.join(known)}")
            )
        elif not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            errors.append(BadSecret(f"{source}: {name} is not a mapping of keys to texts", hint=shape))
        else:
            result[name] = {str(key): Secret(value.encode()) for key, value in values.items()}
            errors.extend(_problems(f"{source}: {name}", result[name]))
    raise_all(errors)
    return result


def _problems(where: str, values: Values) -> list[TaxiwayError]:
    errors: list[TaxiwayError] = []
    for name, value in values.items():
        if name not in _BY_NAME:
            known = ", ".join(key.name for key in CATALOG)
            errors.append(
                BadSecret(f"{where}: {_shown(name)} is not a secret that Airflow reads here", hint=f"known: {known}")
            )
            continue
        try:
            text = value.reveal().decode()
        except UnicodeDecodeError:
            errors.append(BadSecret(f"{where}: {name} is not UTF-8 text"))
            continue
        if text != text.strip():
            errors.append(BadSecret(f"{where}: {name} begins or ends with white space", hint="remove it"))
        elif problem := _BY_NAME[name].check(text):
            errors.append(BadSecret(f"{where}: {name} {problem}"))
    return errors


def _shown(name: object) -> str:
    # A misplaced value can stand where a name belongs, so only what looks like a name is quoted.
    text = str(name)
    return repr(text) if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,40}", text) else "one of its names"


class _TextLoader(yaml.CBaseLoader):
    """Texts only, so that a password of digits stays what it is; a key that stands twice is an error."""


def _mapping(loader: _TextLoader, node: yaml.MappingNode) -> dict[object, object]:
    seen: set[object] = set()
    for key, _ in node.value:
        name = loader.construct_object(key)
        if not isinstance(name, str):
            raise yaml.constructor.ConstructorError(None, None, "a name is not a text", key.start_mark)
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, "a name stands twice", key.start_mark)
        seen.add(name)
    return loader.construct_mapping(node, deep=True)


_TextLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
