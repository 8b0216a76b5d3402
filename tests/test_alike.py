"""Documents that are read by means of others: always as YAML reads them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootstrap import alike

NAMES = st.sampled_from(
    ["airflow-dev", "airflow-complete", "team-a", "abcdef-0", "false-x", "nairflow", "e5-dev", "null"]
)
AROUND = st.builds("{}{}{}".format, st.text("a-/'\"\\:# \n&*\ue000", max_size=3), NAMES, st.text("-b.\n:", max_size=2))
OTHERS = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.dates() | st.binary(max_size=4)
SCALARS = st.none() | OTHERS | st.text(max_size=6) | NAMES | AROUND
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SCALARS, inner, max_size=3), max_leaves=8
)


def directly(text: bytes) -> Any:
    """What YAML's own reader says, or the kind of mistake that it finds."""
    try:
        return repr(list(yaml.load_all(text, Loader=yaml.CSafeLoader)))
    except (yaml.YAMLError, ValueError) as err:
        return type(err)


def read(text: bytes) -> Any:
    """The same from ours."""
    try:
        return repr([*alike.documents(text)])
    except (yaml.YAMLError, ValueError) as err:
        return type(err)


@given(st.lists(VALUES, max_size=2), NAMES, st.sampled_from([True, False, None]))
def test_documents_are_as_yaml_reads_them(values: list[Any], namespace: str, flow: bool | None) -> None:
    head = f"metadata:\n  name: x-2456789bcd\n  namespace: {namespace}\n---\n"
    text = (head + yaml.safe_dump_all(values, default_flow_style=flow, allow_unicode=flow is True)).encode()
    assert read(text) == directly(text)


@pytest.mark.parametrize(
    "rest",
    [
        'said: "\\x61airflow-dev \\u00aairflow-dev"\n',
        'said: "\\nairflow-dev \\ue000"\n',
        'said: "\\nairflow-dev"\n',
        "said: '\\nairflow-dev \\ue000'\n",
        "one: &airflow-dev [1]\nother: *airflow-dev\n",
        "number: 0xairflow-dev\nfloat: 1.0e-5\n",
        "airflow-dev: 1\nairflow-dev: 2\n",
        "said: \ue000airflow-dev\n",
        "said: |\n  airflow-dev: [\n   more\n",
        "said: >-\n  a\n  airflow-dev\n\n  b\n",
        "? airflow-dev\n: airflow-dev\n",
        "on: airflow-dev\n1: airflow-dev\n",
        "day: 2026-01-01\nspace: airflow-dev\n",
        "broken: [airflow-dev\n",
    ],
)
def test_whatever_stands_beside_a_name(rest: str) -> None:
    for namespace in ("airflow-dev", "airflow-other", "aairflow-dev", "nairflow-dev", "airflow-"):
        text = f"namespace: {namespace}\n{rest.replace('airflow-dev', namespace)}".encode()
        assert read(text) == directly(text)
        text = f"namespace: {namespace}\n{rest}".encode()
        assert read(text) == directly(text)


def test_the_objects_of_two_environments_are_read_once() -> None:
    texts = (Path(__file__).parent / "golden/dev.yaml").read_bytes().split(b"\n---\n")
    alike.documents.cache_clear()  # of what other tests have read
    first = [alike.documents(text) for text in texts]
    misses = alike._read.cache_info().misses
    others = [alike.documents(text.replace(b"airflow-dev", b"airflow-another")) for text in texts]
    assert alike._read.cache_info().misses == misses
    assert repr(first).replace("airflow-dev", "airflow-another") == repr(others)


def test_what_stands_for_much_more_is_not_written_out() -> None:
    laughs = "".join(
        f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n" for below, name in zip("abcde", "bcdef", strict=True)
    )
    misses = alike._read.cache_info().misses
    (found,) = alike.documents(f"namespace: airflow-dev\na: &a [x]\n{laughs}".encode())
    assert found["f"][0] is found["f"][8]
    assert alike._read.cache_info().misses == misses
