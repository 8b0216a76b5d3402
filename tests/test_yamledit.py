"""Edits touch only the bytes that they mean to."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bootstrap import yamledit
from bootstrap.yamledit import NotEditable

TEXT = """\
# A comment on top.
namespace: "airflow-dev"   # quoted
resources:   # the parts
    - ../../base
    # a comment between
    - 'secrets'

components: [a, {b: c}]
images:
- name: apache/airflow
  newTag: '3.3.2'  # the tag

# Belongs to replacements.
# Both lines.
replacements:
- path: x.yaml
"""
CRLF = TEXT.replace("\n", "\r\n")


@pytest.mark.parametrize("text", [TEXT, CRLF], ids=["lf", "crlf"])
@pytest.mark.parametrize(
    ("path", "value", "before", "after"),
    [
        (["namespace"], "qa", '"airflow-dev"', '"qa"'),
        (["resources", 0], "base", "../../base", "base"),
        (["resources", 1], "it's", "'secrets'", "'it''s'"),
        (["images", 0, "newTag"], "3.3.3", "'3.3.2'", "'3.3.3'"),
        (["images", 0, "name"], "3.10", "apache/airflow", '"3.10"'),
        (["images", 0, "name"], "a: b # c", "apache/airflow", '"a: b # c"'),
        (["components", 0], "x, y", "[a,", '["x, y",'),
        (["components", 1, "b"], "d", "c}", "d}"),
    ],
)
def test_a_scalar_is_set_in_place(text: str, path: list[str | int], value: str, before: str, after: str) -> None:
    assert yamledit.set_scalar(text, path, value) == text.replace(before, after, 1)


@pytest.mark.parametrize("text", [TEXT, CRLF, TEXT.rstrip("\n")], ids=["lf", "crlf", "no-end"])
def test_an_item_is_appended_behind_the_last_one(text: str) -> None:
    end = "\r\n" if "\r\n" in text else "\n"
    assert yamledit.append(text, ["resources"], "new") == text.replace(
        f"'secrets'{end}", f"'secrets'{end}    - new{end}"
    )


def test_an_item_is_appended_at_the_end_of_a_text_without_a_line_end() -> None:
    assert yamledit.append("a:\n- b", ["a"], "c") == "a:\n- b\n- c"


def test_an_item_is_removed_with_its_line() -> None:
    assert yamledit.remove(TEXT, ["resources", 0]) == TEXT.replace("    - ../../base\n", "")
    assert yamledit.remove(CRLF, ["resources", 1]) == CRLF.replace("    - 'secrets'\r\n", "")


@pytest.mark.parametrize("text", [TEXT, CRLF], ids=["lf", "crlf"])
def test_a_block_stands_in_front_of_a_key_and_its_comment(text: str) -> None:
    end = "\r\n" if "\r\n" in text else "\n"
    edited = yamledit.insert_block(text, "replacements", "patches:\n  - path: p.yaml\n")
    assert edited == text.replace("# Belongs", f"patches:{end}  - path: p.yaml{end}# Belongs")


@pytest.mark.parametrize(
    "edit",
    [
        lambda: yamledit.set_scalar(TEXT, ["nothing"], "x"),
        lambda: yamledit.set_scalar(TEXT, ["resources"], "x"),
        lambda: yamledit.set_scalar(TEXT, ["resources", 9], "x"),
        lambda: yamledit.set_scalar("a: |\n  text\n", ["a"], "x"),
        lambda: yamledit.set_scalar("a: &b c\nd: *b\n", ["a"], "x"),
        lambda: yamledit.set_scalar("a: [", ["a"], "x"),
        lambda: yamledit.set_scalar("", ["a"], "x"),
        lambda: yamledit.append(TEXT, ["components"], "x"),
        lambda: yamledit.append(TEXT, ["namespace"], "x"),
        lambda: yamledit.append("a: []\n", ["a"], "x"),
        lambda: yamledit.remove(TEXT, ["images", 0]),
        lambda: yamledit.remove("a:\n- b\n", ["a", 0]),
        lambda: yamledit.insert_block(TEXT, "nothing", "a: b\n"),
        lambda: yamledit.insert_block(TEXT, "images", "namespace: b\n"),
        lambda: yamledit.insert_block("{a: b}", "a", "c: d\n"),
    ],
)
def test_what_can_not_be_edited_is_refused(edit: object) -> None:
    with pytest.raises(NotEditable):
        edit()  # type: ignore[operator]


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\ufeff\x85"),
    max_size=30,
)
STYLES = st.sampled_from(["{}", "'{}'", '"{}"'])


@given(value=WORDS, style=STYLES, ending=st.sampled_from(["\n", "\r\n"]))
def test_setting_and_setting_back_restores_the_bytes(value: str, style: str, ending: str) -> None:
    text = f"# head\na:\n  - {style.format('old')}  # tail\n  - b\nc: d\n".replace("\n", ending)
    edited = yamledit.set_scalar(text, ["a", 0], value)
    assert yamledit.read(edited)["a"] == [value, "b"]
    assume(style != "{}" or '"' not in edited)  # what had to be quoted stays quoted
    assert yamledit.set_scalar(edited, ["a", 0], "old") == text


@given(items=st.lists(WORDS.filter(bool), min_size=1, max_size=6), value=WORDS, indent=st.integers(0, 4))
def test_appending_and_removing_restores_the_bytes(items: list[str], value: str, indent: int) -> None:
    quoted = [item.replace("'", "''") for item in items]
    text = "a:\n" + "".join(f"{' ' * indent}- '{item}'  # note\n" for item in quoted) + "\n# end\nb: c\n"
    edited = yamledit.append(text, ["a"], value)
    assert yamledit.read(edited) == {"a": [*items, value], "b": "c"}
    assert yamledit.remove(edited, ["a", len(items)]) == text
