"""Catalog of the Secrets of an Airflow environment: their keys, how each value is generated, and how one is checked."""

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from secrets import token_bytes, token_urlsafe
from urllib.parse import quote

import yaml

from bootstrap.core.errors import BadSecret, TaxiwayError, raise_all
from bootstrap.core.secret import Secret
from bootstrap.yamltools import loader

PASSWORD_BYTES = 24  # 192 bits, 32 characters
JWT_BYTES = 64  # HS512 needs a key at least as long as its digest (RFC 7518, 3.2)

Values = Mapping[str, Secret]
Check = Callable[[str], str | None]  # the problem with a value, None for a valid one
Generator = Callable[[Mapping[str, str]], str]  # a value, from the values of the keys before it


def _new_password(_: Mapping[str, str]) -> str:
    return token_urlsafe(PASSWORD_BYTES)


def _constant(value: str) -> Generator:
    return lambda _: value


def _new_fernet_key(_: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(token_bytes(32)).decode()


def _database_url(values: Mapping[str, str]) -> str:
    # SQLAlchemy 2.1 reads a bare postgresql:// as psycopg 3, which the Airflow image lacks.
    return "postgresql+psycopg2://{DATABASE_USER}:{DATABASE_PASSWORD}@{DATABASE_HOST}:{DATABASE_PORT}/{DATABASE_DB}".format(
        **values
    )


def _new_aws_connection(_: Mapping[str, str]) -> str:
    connection = {
        "conn_type": "aws",
        "login": "test",  # localstack's account; it accepts any password
        "password": token_urlsafe(PASSWORD_BYTES),
        "extra": {"endpoint_url": "http://airflow-s3:33000", "region_name": "us-east-1"},
    }
    return json.dumps(connection, separators=(",", ":"))


def _check_not_empty(text: str) -> str | None:
    return None if text else "is empty"


def _check_url_safe(text: str) -> str | None:
    if not text:
        return "is empty"
    if quote(text, safe="") != text:
        return "has characters that a database URL can't hold: use letters, digits and - . _ ~"
    return None


def _check_host(text: str) -> str | None:
    return None if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text) else "is not a host name"


def _check_port(text: str) -> str | None:
    return None if text.isascii() and text.isdigit() and 0 < int(text) < 65536 else "is not a port number"


def _check_fernet_keys(text: str) -> str | None:
    for key in text.split(","):
        try:
            raw = base64.b64decode(key, altchars=b"-_", validate=True)
        except ValueError:
            raw = b""
        if len(raw) != 32 or "+" in key or "/" in key:
            return "is not 32 bytes of url-safe base64 (44 characters; several keys stand newest first, with commas)"
    return None


def _check_jwt(text: str) -> str | None:
    return None if len(text.encode()) >= JWT_BYTES else f"is shorter than {JWT_BYTES} bytes, which HS512 asks for"


def _check_database_url(text: str) -> str | None:
    if re.fullmatch(r"postgresql\+psycopg2://\S+@\S+/\S+", text):
        return None
    return "is not a URL of the form postgresql+psycopg2://USER:PASSWORD@HOST:PORT/DATABASE"


def _check_connection(text: str) -> str | None:
    if re.fullmatch(r"[a-z][a-z0-9+_-]*://\S*", text):
        return None
    try:
        known = isinstance(json.loads(text), dict) and "conn_type" in json.loads(text)
    except (ValueError, RecursionError):
        known = False
    return None if known else 'is neither an Airflow connection URI nor JSON with a "conn_type"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of one Secret; without a `generator` it exists only where its value is given."""

    secret: str
    name: str
    generator: Generator | None
    check: Check = field(default=_check_not_empty)


# Order matters: the database URL is generated from the keys above it.
CATALOG = (
    Key(secret="airflow-postgres", name="DATABASE_HOST", generator=_constant("airflow-pg"), check=_check_host),
    Key(secret="airflow-postgres", name="DATABASE_PORT", generator=_constant("5432"), check=_check_port),
    Key(secret="airflow-postgres", name="DATABASE_DB", generator=_constant("airflow"), check=_check_url_safe),
    Key(secret="airflow-postgres", name="DATABASE_USER", generator=_constant("airflow"), check=_check_url_safe),
    Key(secret="airflow-postgres", name="DATABASE_PASSWORD", generator=_new_password, check=_check_url_safe),
    Key(
        secret="airflow-postgres",
        name="AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        generator=_database_url,
        check=_check_database_url,
    ),
    Key(secret="airflow-fernet", name="AIRFLOW__CORE__FERNET_KEY", generator=_new_fernet_key, check=_check_fernet_keys),
    Key(
        secret="airflow-jwt",
        name="AIRFLOW__API_AUTH__JWT_SECRET",
        generator=lambda _: token_urlsafe(JWT_BYTES),
        check=_check_jwt,
    ),
    Key(secret="airflow-api", name="AIRFLOW__API__SECRET_KEY", generator=lambda _: token_urlsafe(32)),
    Key(
        secret="airflow-connections",
        name="AIRFLOW_CONN_AWS_DEFAULT",
        generator=_new_aws_connection,
        check=_check_connection,
    ),
    Key(secret="airflow-admin", name="ADMIN_USERNAME", generator=_constant("admin")),
    Key(secret="airflow-admin", name="ADMIN_PASSWORD", generator=_new_password),
    Key(secret="airflow-dags-git", name="AIRFLOW_CONN_GIT_DAGS", generator=None, check=_check_connection),
)
_BY_NAME = {key.name: key for key in CATALOG}


def generate(given: Values) -> dict[str, dict[str, Secret]]:
    """Every Secret of one environment, `{secret: {key: value}}`: given values unchanged, the others generated.

    Formats and lengths follow Airflow's documentation of each setting. Raises BadSecret where a given value is invalid.
    """
    raise_all(_problems("the given secrets", given))
    values = {name: value.reveal().decode() for name, value in given.items()}
    secrets: dict[str, dict[str, Secret]] = {}
    for key in CATALOG:
        if key.name not in values and key.generator is not None:
            values[key.name] = key.generator(values)
        if key.name in values:
            secrets.setdefault(key.secret, {})[key.name] = Secret(values[key.name].encode())
    return secrets


def parse(document: bytes, source: str, environments: Iterable[str]) -> dict[str, dict[str, Secret]]:
    """Parse `{environment: {key: value}}` from YAML, every scalar as a string: `0123` and `yes` stay as written.

    Raises BadSecret, all mistakes at once. No message quotes the document: any part of it may be a secret.
    """
    known = tuple(environments)
    shape = "write it as YAML: environment, then key: value pairs below it"
    try:
        data = loader.load(document, _StringLoader)
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
                BadSecret(f"{source}: {_displayed_name(name)} is not an environment", hint=f"known: {', '.join(known)}")
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
                BadSecret(
                    f"{where}: {_displayed_name(name)} is not a secret that Airflow reads here", hint=f"known: {known}"
                )
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


def _displayed_name(name: object) -> str:
    # A value may have been written in the place of a name, so only what looks like a name is quoted.
    text = str(name)
    return repr(text) if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,40}", text) else "one of its names"


class _StringLoader(yaml.CBaseLoader):
    """YAML loader that reads every scalar as a string and refuses duplicate keys."""


def _construct_mapping(constructor: _StringLoader, node: yaml.MappingNode) -> dict[object, object]:
    seen: set[object] = set()
    for key, _ in node.value:
        name = constructor.construct_object(key)
        if not isinstance(name, str):
            raise yaml.constructor.ConstructorError(None, None, "a name is not a text", key.start_mark)
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, "a name stands twice", key.start_mark)
        seen.add(name)
    return constructor.construct_mapping(node, deep=True)


_StringLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
