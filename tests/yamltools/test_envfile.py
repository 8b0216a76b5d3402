"""Env files: settings, their offsets, and the edits that use these."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.core.errors import NotEditable
from bootstrap.yamltools import envfile

BOM = "\ufeff"
TEXTS = st.text(st.sampled_from(list("AB=# \t\r\n" + BOM)), max_size=40)


@given(TEXTS)
def test_offsets_point_to_each_setting(text: str) -> None:
    for setting in envfile.settings(text):
        assert text[setting.begin : setting.end].endswith(setting.value or "")
        assert text[: setting.start].count("\n") == setting.line - 1
        assert setting.start <= setting.begin <= setting.end <= setting.stop
        assert text[setting.end : setting.stop] in ("", "\n", "\r\n", "\r")


def test_a_byte_order_mark_is_ignored_before_the_first_line_only() -> None:
    settings = envfile.settings(f"{BOM}A=1\n{BOM}B=2\n")
    assert [(setting.line, setting.key, setting.value) for setting in settings] == [(1, "A", "1"), (2, f"{BOM}B", "2")]


def test_an_edit_keeps_the_byte_order_mark() -> None:
    text = f"{BOM}A=1\r\nB=2\r\n"
    assert envfile.put(text, "A", "3") == f"{BOM}A=3\r\nB=2\r\n"
    assert envfile.put(text, "C", "3") == f"{BOM}A=1\r\nB=2\r\nC=3\r\n"
    assert envfile.remove(text, "B") == f"{BOM}A=1\r\n"


def test_a_key_without_equals_is_a_setting_without_value() -> None:
    assert [setting.value for setting in envfile.settings("A\nB=\n")] == [None, ""]
    assert envfile.read("A\nB=\n") == {"B": ""}


def test_a_key_that_is_set_twice_is_refused() -> None:
    with pytest.raises(NotEditable, match="A is set twice"):
        envfile.put(f"{BOM}A=1\nA=2\n", "A", "3")
