"""The secrets of an environment: what is made, what is refused, and that no message quotes a value."""

import base64
import contextlib
import json
from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.core.errors import BadSecret, MultipleErrors, TaxiwayError
from bootstrap.core.secret import Secret
from bootstrap.secrets import catalog

MARK = "hunter2hunter2hunter2"


def revealed(made: dict[str, dict[str, Secret]]) -> dict[str, str]:
    return {key: value.reveal().decode() for values in made.values() for key, value in values.items()}


def test_everything_is_made_in_the_format_that_airflow_reads() -> None:
    made = revealed(catalog.generate({}))
    Fernet(made["AIRFLOW__CORE__FERNET_KEY"])
    assert len(made["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert len(base64.urlsafe_b64decode(made["AIRFLOW__API__SECRET_KEY"] + "==")) >= 32
    url = urlsplit(made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    assert (url.scheme, url.hostname, url.port, url.path) == ("postgresql+psycopg2", "airflow-pg", 5432, "/airflow")
    assert (url.username, url.password) == (made["DATABASE_USER"], made["DATABASE_PASSWORD"])
    connection = json.loads(made["AIRFLOW_CONN_AWS_DEFAULT"])
    assert connection["conn_type"] == "aws"
    assert connection["extra"]["endpoint_url"] == "http://airflow-s3:33000"
    assert made["ADMIN_USERNAME"] == "admin"
    assert len(made["ADMIN_PASSWORD"]) >= 24


def test_nothing_is_made_twice_the_same() -> None:
    first, second = revealed(catalog.generate({})), revealed(catalog.generate({}))
    same = {key for key in first if first[key] == second[key]}
    assert same == {"DATABASE_HOST", "DATABASE_PORT", "DATABASE_DB", "DATABASE_USER", "ADMIN_USERNAME"}


def test_what_is_given_stands_and_the_url_follows() -> None:
    made = revealed(catalog.generate({"DATABASE_PASSWORD": Secret(b"p4ss"), "DATABASE_HOST": Secret(b"db.internal")}))
    assert "airflow:p4ss@db.internal:5432/airflow" in made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]


def test_an_optional_key_is_there_when_it_is_given() -> None:
    assert "airflow-dags-git" not in catalog.generate({})
    given = {"AIRFLOW_CONN_GIT_DAGS": Secret(b'{"conn_type":"git"}')}
    assert list(catalog.generate(given)["airflow-dags-git"]) == ["AIRFLOW_CONN_GIT_DAGS"]


def test_a_document_is_read_as_the_text_that_is_written() -> None:
    read = catalog.parse(b"dev:\n  DATABASE_PASSWORD: 0123\n  ADMIN_PASSWORD: yes\n", "s.yaml", ["dev", "complete"])
    assert {key: value.reveal() for key, value in read["dev"].items()} == {
        "DATABASE_PASSWORD": b"0123",
        "ADMIN_PASSWORD": b"yes",
    }


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (f"- {MARK}", "not a mapping of environments"),
        (MARK, "not a mapping of environments"),
        ("", "not a mapping of environments"),
        (f"dev: {MARK}", "dev is not a mapping of keys to texts"),
        (f"dev: [{MARK}]", "dev is not a mapping of keys to texts"),
        (f"dev:\n  ADMIN_PASSWORD: [{MARK}]", "dev is not a mapping of keys to texts"),
        (f"dev:\n  ADMIN_PASSWORD: '{MARK}", "line 2: not valid YAML"),
        (f"dev:\n  ADMIN_PASSWORD: {MARK}\n  ADMIN_PASSWORD: {MARK}", "line 3: not valid YAML (a name stands twice)"),
        (f"dev: {{}}\nprod:\n  ADMIN_PASSWORD: {MARK}", "'prod' is not an environment"),
        (f"dev:\n  PASSWORD: {MARK}", "'PASSWORD' is not a secret that Airflow reads here"),
        (f"dev:\n  {MARK}!: x", "one of its names is not a secret"),
        (f"dev:\n  AIRFLOW__CORE__FERNET_KEY: {MARK}", "AIRFLOW__CORE__FERNET_KEY is not 32 bytes of url-safe base64"),
        (f"dev:\n  AIRFLOW__CORE__FERNET_KEY: {'+/' * 21}+=", "AIRFLOW__CORE__FERNET_KEY is not 32 bytes"),
        (f"dev:\n  AIRFLOW__API_AUTH__JWT_SECRET: {MARK}", "AIRFLOW__API_AUTH__JWT_SECRET is shorter than 64 bytes"),
        (f"dev:\n  DATABASE_PASSWORD: {MARK}@/", "DATABASE_PASSWORD has characters that a database URL can't hold"),
        (f"dev:\n  DATABASE_PASSWORD: '{MARK} x'", "DATABASE_PASSWORD has characters"),
        ("dev:\n  DATABASE_PASSWORD: ''", "DATABASE_PASSWORD is empty"),
        (f"dev:\n  ADMIN_PASSWORD: '{MARK} '", "ADMIN_PASSWORD begins or ends with white space"),
        (f"dev:\n  DATABASE_PORT: {MARK}", "DATABASE_PORT is not a port number"),
        (f"dev:\n  DATABASE_HOST: a b {MARK}", "DATABASE_HOST is not a host name"),
        (
            f"dev:\n  AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: postgresql://{MARK}",
            "is not a URL of the form postgresql+psycopg2",
        ),
        (
            f"dev:\n  AIRFLOW_CONN_AWS_DEFAULT: {MARK}",
            "AIRFLOW_CONN_AWS_DEFAULT is neither an Airflow connection URI nor JSON",
        ),
        (f"? [{MARK}]\n: x", "line 1: not valid YAML (a name is not a text)"),
    ],
)
def test_a_bad_document_is_refused_without_being_quoted(document: str, says: str) -> None:
    with pytest.raises(BadSecret) as caught:
        catalog.parse(document.encode(), "s.yaml", ["dev"])
    assert says in caught.value.message
    assert caught.value.message.startswith("s.yaml")
    assert MARK not in caught.value.message + caught.value.hint + repr(caught.value.__cause__)


def test_all_mistakes_are_told_at_once() -> None:
    document = b"dev:\n  DATABASE_PORT: x\n  NOPE: y\nqa: {}\n"
    with pytest.raises(MultipleErrors) as caught:
        catalog.parse(document, "s.yaml", ["dev"])
    assert len(caught.value.errors) == 3
    assert caught.value.exit_code == BadSecret.exit_code


@pytest.mark.parametrize("document", [b"\xff\xfe\x00", b"dev: \x00", b"dev: &a [*a]"])
def test_bytes_that_are_no_yaml_are_refused(document: bytes) -> None:
    with pytest.raises(BadSecret):
        catalog.parse(document, "s.yaml", ["dev"])


@given(st.binary(max_size=200))
def test_no_document_raises_anything_else(document: bytes) -> None:
    with contextlib.suppress(TaxiwayError):
        catalog.parse(document, "s.yaml", ["dev"])


@given(st.binary(min_size=6, max_size=60))
def test_a_secret_never_shows_itself(value: bytes) -> None:
    secret = Secret(value)
    shown = f"{secret} {secret!r} {[secret]} {{'k': {secret!r}}}"
    assert repr(value)[2:-1] not in shown
    assert secret == Secret(value)
