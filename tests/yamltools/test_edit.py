"""YAML edits change only the bytes of their own value."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bootstrap.core.errors import NotEditable
from bootstrap.yamltools import edit as yamledit

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
def test_an_item_is_appended_after_the_last_one(text: str) -> None:
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
def test_a_block_is_inserted_before_a_key_and_its_comment(text: str) -> None:
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
        lambda: yamledit.set_scalar("a: &b {c: d}\ne: *b\n", ["a", "c"], "x"),
        lambda: yamledit.set_scalar("a: b\rc: d\n", ["a"], "x"),
        lambda: yamledit.set_scalar("a: &b [*b]\nc: d\n", ["c"], "x"),
        lambda: yamledit.set_scalar("on: b\n", ["on"], "x"),
        lambda: yamledit.put(TEXT, ["components", "x"], "y"),
        lambda: yamledit.add(TEXT, ["namespace"], "y", "y"),
        lambda: yamledit.add("a: |\n\nb: c\n", ["x", "y"], "z", "z"),
        lambda: yamledit.remove_key("a: b\n", ["a"]),
        lambda: yamledit.remove_key(TEXT, ["nothing"]),
        lambda: yamledit.remove_key(TEXT, ["images", 0, "name"]),
        lambda: yamledit.remove_key("a: &b c\nd: *b\n", ["a"]),
        lambda: yamledit.remove_key("- {a: b, c: d}\n", [0, "a"]),
        lambda: yamledit.insert_item(TEXT, ["resources"], 3, "x"),
        lambda: yamledit.insert_item(TEXT, ["components"], 0, "x"),
        lambda: yamledit.put_block(TEXT, "images", "images: 1\nother: 2\n"),
        lambda: yamledit.put_block("[a]", "a", "a: b\n"),
    ],
)
def test_an_edit_that_would_change_more_is_refused(edit: object) -> None:
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


def test_put_replaces_a_key_or_adds_it_last() -> None:
    assert yamledit.put(TEXT, ["images", 0, "newTag"], "4") == TEXT.replace("'3.3.2'", "'4'")
    assert yamledit.put(TEXT, ["images", 0, "digest"], "sha256:1", quoted=True) == TEXT.replace(
        "# the tag\n", '# the tag\n  digest: "sha256:1"\n'
    )
    assert yamledit.remove_key(TEXT, ["images", 0, "newTag"]) == TEXT.replace("  newTag: '3.3.2'  # the tag\n", "")


def test_an_item_is_inserted_after_the_previous_one() -> None:
    assert yamledit.insert_item(TEXT, ["resources"], 1, "x") == TEXT.replace("../../base\n", "../../base\n    - x\n")
    assert yamledit.insert_item(TEXT, ["resources"], 0, "x") == TEXT.replace("    - ../..", "    - x\n    - ../..")
    assert yamledit.insert_item(TEXT, ["images"], 1, {"name": "b", "port": 1}) == TEXT.replace(
        "# the tag\n", "# the tag\n- name: b\n  port: 1\n"
    )


SCALAR = "patches:\n- patch: |-\n    - op: add\n    # no comment\n\n# a comment\n"


def test_a_block_scalar_ends_before_the_comments_after_it() -> None:
    assert yamledit.put(SCALAR, ["x"], "y") == SCALAR.replace("# no comment\n", "# no comment\nx: y\n")
    assert yamledit.block_of(SCALAR, "patches") == SCALAR.replace("\n# a comment\n", "")
    with pytest.raises(NotEditable):  # its last line ends at a place that only its indentation number tells
        yamledit.put("a: |\n  \nb: |+\n\n", ["x"], "y")


def test_a_root_key_is_copied_with_its_lines() -> None:
    block = yamledit.block_of(CRLF, "images")
    assert block == "images:\n- name: apache/airflow\n  newTag: '3.3.2'  # the tag\n"
    other = "a: b\r\nimages: []  # none\r\nc: d"
    moved = yamledit.put_block(other, "images", block)
    assert moved == "a: b\r\n" + block.replace("\n", "\r\n") + "c: d"
    assert yamledit.put_block(moved, "images", "images: []  # none\n") == other
    assert yamledit.put_block("a: b", "c", "c:\n- d\n") == "a: b\nc:\n- d"
    assert yamledit.block_of(other, "nothing") == ""


# --- Ten thousand edits of kustomizations as people write them ---

PIECES = [
    "airflow",
    "base",
    "../x y",
    "10",
    "yes",
    "~",
    "a: b",
    "#c",
    "it's",
    'say "so"',
    "ü🙂",
    "-",
    "3.3.2",
    "{x}",
    "a,b",
    "",
]


@dataclass(frozen=True, slots=True)
class Sample:
    """A kustomization as a person may have written it. Every comment in it is there once."""

    text: str

    @classmethod
    def of(cls, chance: random.Random) -> "Sample":
        """Write one: with odd indentation, comments, quotes, flow lists, anchors, CRLF, no line end."""
        writer = _Writer(chance)
        sections = [
            lambda: writer.line("namespace:", writer.value()),
            lambda: writer.items("resources"),
            lambda: writer.items("components"),
            lambda: writer.flow("bases"),
            writer.images,
            writer.generator,
            writer.patches,
            writer.anchors,
        ]
        chance.shuffle(sections)
        for section in sections[: chance.randint(2, 8)]:
            writer.between()
            section()
        writer.between()
        text = "\n".join(writer.lines) + chance.choice(["\n", "\n", ""])
        head = chance.choice(["", "", "---\n", "# head\n\n", "%YAML 1.1\n---\n"])
        return cls((head + text).replace("\n", chance.choice(["\n", "\n", "\r\n"])))


class _Writer:
    def __init__(self, chance: random.Random) -> None:
        self.chance, self.notes = chance, 0
        self.lines: list[str] = []

    def note(self) -> str:
        self.notes += 1
        return f"# note {self.notes}."

    def between(self) -> None:
        for _ in range(self.chance.choice([0, 0, 1, 2])):
            self.lines.append(self.chance.choice(["", "   ", self.note(), f"  {self.note()}"]))

    def value(self) -> str:
        text = self.chance.choice(PIECES)
        style = self.chance.choice(["plain", "plain", "'", '"'])
        if style == "'":
            return "'" + text.replace("'", "''") + "'"
        if style == '"' or not re.fullmatch(r"[\w./🙂][\w ./🙂]*|[\w.]+", text):
            return '"' + text.replace('"', '\\"') + '"'
        return text

    def line(self, *parts: str) -> None:
        tail = self.chance.choice(["", "", "", f"  {self.note()}", "  "])
        self.lines.append(" ".join(parts) + tail)

    def items(self, key: str) -> None:
        self.line(f"{key}:")
        indent = " " * self.chance.randint(0, 4)
        for _ in range(self.chance.randint(1, 4)):
            if self.chance.random() < 0.2:
                self.lines.append(self.chance.choice([f"{indent}{self.note()}", ""]))
            self.line(f"{indent}-{' ' * self.chance.randint(1, 3)}{self.value()}")

    def flow(self, key: str) -> None:
        values = [self.value() for _ in range(self.chance.randint(0, 3))]
        if values and self.chance.random() < 0.3:
            self.lines.append(f"{key}: [")
            self.lines.extend(f"    {value},  {self.note()}" for value in values)
            self.lines.append("  ]")
        else:
            self.line(f"{key}: [{', '.join(values)}]")

    def images(self) -> None:
        self.line("images:")
        indent = " " * self.chance.randint(0, 3)
        gap = " " * self.chance.randint(1, 2)
        for name in self.chance.sample(
            ["apache/airflow", "postgres", "localstack/localstack"], self.chance.randint(1, 3)
        ):
            if self.chance.random() < 0.2:
                self.line(f"{indent}-{gap}{{name: {name}, newTag: {self.value()}}}")
                continue
            self.line(f"{indent}-{gap}name: {name}")
            self.line(f"{indent} {gap}newTag:{' ' * self.chance.randint(1, 2)}{self.value()}")
            if self.chance.random() < 0.3:
                self.lines.append(f"{indent} {gap}{self.note()}")
            if self.chance.random() < 0.3:
                self.line(f'{indent} {gap}digest: "sha256:{"a" * 8}"')

    def generator(self) -> None:
        self.line("configMapGenerator:")
        self.line("  - name: airflow-env")
        self.line("    behavior: merge")
        self.line("    envs:")
        self.line("    - airflow.env")

    def patches(self) -> None:
        self.line("patches:")
        self.line("- target:", "{kind: Ingress}")
        self.lines.append(f"  patch: {self.chance.choice(['|', '|-', '>', '|+'])}")
        self.lines.extend(["    - op: add", "      path: /x", "    # is text", "      value: 1"])

    def anchors(self) -> None:
        self.line("x-all: &all", self.value())
        self.line("x-map: &map", "{a: b}")
        self.line("x-uses:")
        self.line("  one: *all")
        self.line("  <<: *map")


def paths(value: object, above: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    """All paths of a value, with the values there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(above, value), *(found for key, item in inner for found in paths(item, (*above, key)))]


def one_edit(text: str, chance: random.Random) -> tuple[str, Callable[[], str]]:
    """A random edit as a planner could ask for, with its name; often an invalid one."""
    places = paths(yamledit.read(text))
    path, held = chance.choice(places)
    value = chance.choice(PIECES)
    if isinstance(held, dict):
        key = chance.choice([*(item for item in held if isinstance(item, str)), "newKey"])
        return chance.choice(
            [
                ("put", lambda: yamledit.put(text, [*path, key], value, quoted=chance.random() < 0.5)),
                ("remove", lambda: yamledit.remove_key(text, [*path, key])),
            ]
        )
    if isinstance(held, list):
        index = chance.randint(0, len(held))
        entries: list[str | dict[str, str | int]] = [value, {"name": value, "newTag": "1", "port": 8080}]
        entry = chance.choice(entries)
        return chance.choice(
            [
                ("append", lambda: yamledit.append(text, path, value)),
                ("insert", lambda: yamledit.insert_item(text, path, index, entry)),
                ("remove", lambda: yamledit.remove(text, [*path, index])),
            ]
        )
    if path and isinstance(path[-1], int) and chance.random() < 0.5:
        return "remove", lambda: yamledit.remove(text, path)
    return "set", lambda: yamledit.set_scalar(text, path, value)


def spans(before: str, after: str) -> tuple[str, str]:
    """The differing part of each of two texts, between their common prefix and suffix."""
    start = next(
        (n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(len(before), len(after))
    )
    end, most = 0, min(len(before), len(after)) - start
    while end < most and before[-1 - end] == after[-1 - end]:
        end += 1
    return before[start : len(before) - end], after[start : len(after) - end]


def check(kind: str, before: str, after: str) -> None:
    """Check the bytes that an edit changed, independently of the code under test."""
    old, new = spans(before, after)
    lines, kept = before.split("\n"), after.split("\n")
    if kind == "set" or (kind == "put" and len(lines) == len(kept)):
        # All of it is on one line, and in front of the line's comment.
        assert "\n" not in old + new
        assert "# note" not in old + new
        return
    if kind == "remove":
        lines, kept, old, new = kept, lines, new, old
    # Whole lines were put in, or taken out, in one place.
    more = len(kept) - len(lines)
    assert more > 0
    assert old == ""
    old_lines, new_lines = ([line.rstrip("\r") for line in side] for side in (lines, kept))
    blocks = [
        new_lines[n : n + more] for n in range(len(lines) + 1) if new_lines[:n] + new_lines[n + more :] == old_lines
    ]
    # Neither begins nor ends with a comment or a blank line: those belong to what stays.
    assert any(all(re.match(r"\s*[^\s#]", block[end]) for end in (0, -1)) for block in blocks)
    if kind != "remove":  # what is removed may have notes of its own
        assert "# note" not in new
        assert before.endswith("\n") == after.endswith("\n")
    assert bool(re.search(r"(?<!\r)\n", before)) == bool(re.search(r"(?<!\r)\n", after)) or "\n" not in before + after


@pytest.mark.parametrize("edits", [500, pytest.param(10_000, marks=pytest.mark.deep)])
def test_edits_touch_only_their_bytes(edits: int) -> None:
    chance = random.Random(6)
    done: dict[str, int] = {}
    asked = 0
    while asked < edits:
        text = Sample.of(chance).text
        for _ in range(12):
            asked += 1
            kind, edit = one_edit(text, chance)
            try:
                after = edit()
            except NotEditable:
                continue
            try:
                check(kind, text, after) if after != text else None
            except AssertionError:
                print(f"--- {kind}\n{text}\n--- became\n{after}")
                raise
            done[kind] = done.get(kind, 0) + 1
            text = after
    # Most edits are possible: a yamledit that refused everything would pass otherwise.
    assert all(done[kind] > edits / 50 for kind in ("set", "put", "append", "insert", "remove")), done
    assert sum(done.values()) > edits / 2, done
