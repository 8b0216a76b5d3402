"""Line numbers of YAML values, in files and in texts embedded in them."""

from hypothesis import given
from hypothesis import strategies as st

from bootstrap.kubernetes.objects import dig
from bootstrap.yamltools.positions import documents, mistake

TEXT = b"""\
# a comment
kind: ConfigMap
data:
  inner: |
    one: 1
    list:
      - name: a
      - name: b
  flat: "one: 1\\nlist: [2]"
metadata: {name: x,
  labels: {a: b}}
"""


def test_a_value_has_the_line_of_its_key() -> None:
    document = documents(TEXT)[0]
    assert document.line(("data", "inner")) == 4
    assert document.line(("metadata", "labels", "a")) == 11
    assert document.line(("data", "nowhere", "deeper")) == 3
    assert document.has(("metadata", "name")) and not document.has(("metadata", "names"))


def test_an_embedded_text_has_the_lines_of_its_file() -> None:
    document = documents(TEXT)[0]
    (inner,) = document.inside(("data", "inner"))
    assert (inner.line(("one",)), inner.line(("list", 1, "name"))) == (5, 8)
    (flat,) = document.inside(("data", "flat"))
    assert (flat.line(("one",)), flat.line(("list", 0))) == (9, 9)
    assert document.inside(("data", "absent")) == () == document.inside(("data",))


def test_a_text_embedded_twice_has_the_lines_of_its_file() -> None:
    data = b"a: |\n  b: |\n    c: 1\n    d: 2\n"
    (middle,) = documents(data)[0].inside(("a",))
    (inner,) = middle.inside(("b",))
    assert inner.line(("d",)) == 4


def test_duplicate_keys_are_reported_with_the_second_line() -> None:
    data = b"a: 1\nb:\n  - {c: 1, d: 2}\n  - c: 1\n    c: 2\na: 3\n"
    assert sorted(documents(data)[0].duplicates()) == [("a", 6), ("c", 5)]
    assert documents(data)[0].value == {"a": 3, "b": [{"c": 1, "d": 2}, {"c": 2}]}
    assert documents(data)[0].line(("a",)) == 6
    assert list(documents(data)[0].lines_of("c")) == [3, 4, 5]


def test_an_alias_inside_of_its_anchor_is_an_error() -> None:
    data = b"a: &a\n  b: *a\n  c: 1\n"
    assert (documents(data), mistake(data)) == ((), (2, "an alias stands inside of what it stands for"))


def test_documents_before_a_syntax_error_are_read() -> None:
    data = b"a: 1\n---\nb: [\n"
    assert [document.value for document in documents(data)] == [{"a": 1}]
    assert mistake(data) is not None and mistake(b"a: 1\n") is None


@given(st.binary(max_size=80) | st.text(alphabet="ab:-[]{}&*|>'\"\n \t#!?%@", max_size=60).map(str.encode))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    lines = data.count(b"\n") + data.count(b"\r") + 1
    for document in documents(data):
        assert 1 <= document.line() <= lines + 1
        assert list(document.duplicates()) == list(document.duplicates())
        assert (
            dig(
                document.value,
            )
            == document.value
            or document.value != document.value
        )
