"""Pull request bodies: true, within the forge's limit, and every value escaped. Change records."""

import copy
import html
import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bootstrap.config.remote import Forge, Remote
from bootstrap.core import escaping, markdown
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.tree import Tree
from bootstrap.diff import compare, consequences
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.kubernetes.objects import Object
from bootstrap.promotion import edits
from bootstrap.promotion import plan as promotion
from bootstrap.promotion.merge import Kept, Move, Part
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests import description
from bootstrap.pullrequests.preview import Preview
from bootstrap.pullrequests.record import Ancestor, ChangeKind, ChangeRecord, ChangeRef, ancestors, find_record
from tests import environment_repo as envs

KNOWN = envs.model("dev", "complete")
REPO = envs.repo("dev", "complete")
REF = ChangeRef(kind=ChangeKind.PROMOTE, source="dev", target="complete")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RECORD = ChangeRecord(ref=REF, commit=COMMIT, digest="0123456789ab", version="0.1.0")
COMMAND = "taxiway promote dev complete --dry-run"
NOTHING = EnvironmentDiff(environment="complete", changes=(), consequences=())
LIMIT = 65_536


def diff_of(before: Sequence[Object], after: Sequence[Object]) -> EnvironmentDiff:
    changes = compare.compare(before, after)
    return EnvironmentDiff(
        environment="complete", changes=changes, consequences=consequences.consequences(changes, before, after)
    )


def described(planned: Plan, diff: EnvironmentDiff = NOTHING, **more: object) -> Preview:
    wanted = Preview(model=KNOWN, plan=planned, record=RECORD, diff=diff, command=COMMAND)
    return replace(wanted, **more)  # type: ignore[arg-type]


def moves(*moved: Move) -> Plan:
    return Plan(changes=ChangeSet(), moved=moved)


def promoted(tree: Tree) -> tuple[Plan, EnvironmentDiff]:
    plan = promotion.plan(tree, KNOWN, "dev", "complete", ancestor=REPO)
    return plan, diff_of(envs.render(tree, "complete"), envs.render(plan.changes.apply(tree), "complete"))


@pytest.fixture(scope="module")
def whole() -> tuple[Plan, EnvironmentDiff]:
    tree = edits.image(REPO, KNOWN.environments[0], "airflow", "apache/airflow:3.3.3").changes.apply(REPO)
    tree = envs.with_setting(tree, "overlays/dev/release/airflow.env", "AIRFLOW__CORE__PARALLELISM", "64")
    role = "base/rbac/role.worker.yaml"
    tree = envs.edited(tree, role, lambda text: text.replace("verbs:\n", "verbs:\n      - deletecollection\n", 1))
    return promoted(tree)


def test_the_body_of_a_promotion(whole: tuple[Plan, EnvironmentDiff]) -> None:
    plan, diff = whole
    text = description.render(described(plan, diff, notes=("staging is skipped",)), LIMIT)
    assert text.startswith(
        "Carries the release of `dev` into `complete`: `apache/airflow` `3.3.2` → `3.3.3`, "
        "1 setting, 1 file of the base.\n"
    )
    order = [
        text.index(part) for part in ("### Risks", "### What happens", "### What moves", "<details>", "<!-- taxiway ")
    ]
    assert order == sorted(order)
    risks = text[order[0] : order[1]]
    assert "- staging is skipped\n" in risks
    assert "- **migration**: `Job/airflow-migrate` the database is migrated, by airflow-migrate-3-3-3\n" in risks
    assert "- **security**: `Role/airflow-worker` may now deletecollection pods" in risks
    assert "| restart | `Deployment/airflow-scheduler` | its pods restart |" in text
    assert "| settings | `AIRFLOW__CORE__PARALLELISM` | nothing | `64` |" in text
    assert "! ConfigMap/airflow-env" in text
    assert find_record(text) == RECORD
    assert description.title(REF, plan.moved) == "Promote dev → complete: airflow 3.3.2 → 3.3.3"


def test_a_change_without_a_risk_says_so() -> None:
    text = description.render(
        described(moves(Move(part=Part.SETTINGS, path="p", field="A", before=None, after=""))), LIMIT
    )
    assert "None that taxiway knows" in text
    assert "| settings | `A` | nothing | empty |" in text


def test_kept_fields_are_listed() -> None:
    kept = Kept(part=Part.SETTINGS, path="p", field="A", source="1", target="2")
    text = description.render(described(Plan(changes=ChangeSet(), kept=(kept,))), LIMIT)
    assert "### What stays, as the target's own choice\n\n| part | what | complete | source |" in text
    assert "| settings | `A` | `2` | `1` |" in text


def test_no_ciphertext_and_no_secret_is_quoted() -> None:
    sealed = {
        "kind": "SealedSecret",
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {"encryptedData": {"A": "AgOLDCIPHERTEXT", "B": "AgGONECIPHERTEXT"}},
    }
    plain = {"kind": "Secret", "metadata": {"name": "p", "namespace": "n"}, "stringData": {"A": "hunter2"}}
    before: list[Object] = [sealed, plain]
    after = copy.deepcopy(before)
    after[0]["spec"]["encryptedData"] = {"A": "AgNEWCIPHERTEXT"}
    after[1]["stringData"]["A"] = "hunter3"
    text = description.render(described(moves(), diff_of(before, after)), LIMIT)
    assert "SealedSecret/s" in text
    assert "CIPHERTEXT" not in text
    assert "hunter" not in text


@pytest.mark.parametrize("limit", [2_000, 20_000, LIMIT])
def test_a_body_that_is_too_long_is_cut_and_names_the_command(limit: int) -> None:
    after: list[Object] = [
        {"kind": "ConfigMap", "metadata": {"name": f"c{n}", "namespace": "n"}, "data": {"a|b": "x" * 90}}
        for n in range(3000)
    ]
    before = copy.deepcopy(after)
    for each in before:
        each["data"]["a|b"] = "y`" * 45
    text = description.render(described(moves(), diff_of(before, after)), limit)
    assert len(text) <= limit
    assert COMMAND in text or limit == 2_000
    assert find_record(text) == RECORD
    assert text.count("<details>") == text.count("</details>")
    assert not [line for line in text.splitlines() if line.startswith("|") and not line.endswith("|")]


EVIL = st.sampled_from(
    [
        "@everyone", "`", "```", "````\n@all\n", "a|b", "-->", "<!-- taxiway {} -->", "<img src=x onerror=alert(1)>",
        "[x](http://e)", "www.evil.example", "#1", "\u202eevil", "\n\n# Merge me", "\r\n| a |", "</details>",
        "$(x)", "\x1b[31m", "\\", "&lt;",
    ]
)  # fmt: skip
TEXTS = st.lists(EVIL | st.text(max_size=6), max_size=5).map("".join)


def unfenced(text: str) -> str:
    """Markdown without its blocks of code, in which a line is only ever a line."""
    return re.sub(r"^(`{3,})[^\n`]*\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)


def visible(text: str) -> str:
    """What is left of Markdown when its code, of all three forms, is taken out: what a forge looks for marks in."""
    text = unfenced(text)
    text = re.sub(r"<code>[^<]*</code>", "", text)
    return re.sub(r"(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", text)


@given(names=st.lists(TEXTS, min_size=1, max_size=4), values=st.lists(TEXTS, min_size=2, max_size=2))
@example(names=["\r\n| a |\r\n| a |a|b"], values=["", ""])
def test_values_are_escaped(names: list[str], values: list[str]) -> None:
    moved = [
        Move(part=part, path="p", field=name, before=values[0], after=values[1]) for name in names for part in Part
    ]
    before: list[Object] = [
        {"kind": "Role", "metadata": {"name": name, "namespace": "n"}, "x": values[0]} for name in names
    ]
    after: list[Object] = [
        {**each, "x": values[1], "rules": [{"resources": [names[0]], "verbs": [values[0] or "get"]}]} for each in before
    ]
    wanted = described(moves(*moved), diff_of(before, after), notes=tuple(values), dags_repository=values[0])
    text = description.render(wanted, LIMIT)
    assert find_record(text) == RECORD
    shown = visible(text.removesuffix(f"\n\n{RECORD.html_comment}\n"))
    plain = re.sub(r"<details><summary>What is rendered: \d+ objects?</summary>|</details>", "", shown)
    for mark in ("@", "<", "](", "www.", "http", "\u202e", "\x1b", "\n# "):
        assert mark not in plain
    assert not re.findall(r"#(?!##)\d", plain)
    # Each row of a table has the cells of its head: no value opened another one.
    width = 0
    for line in unfenced(text).splitlines():
        if line.startswith("|"):
            cells = len(re.findall(r"(?<!\\)\|", line)) - 1
            width = width or cells
            assert cells == width
        else:
            width = 0
    title = description.title(REF, moved)
    assert len(title) <= 120
    assert title.isprintable() or not set("\n\r\x1b") & set(title)
    assert find_record(description.message(wanted)) == RECORD


@given(text=TEXTS)
def test_code_shows_the_text_itself(text: str) -> None:
    shown = markdown.code(text, max_length=10_000)
    assert "\n" not in shown
    assert "|" not in shown
    said = escaping.without_keywords(" ".join(escaping.visible(text, keep="\t\n").split()))
    if shown.startswith("<code>"):
        assert html.unescape(shown.removeprefix("<code>").removesuffix("</code>")) == said
    else:
        fence = re.match("`+", shown)
        assert fence
        inner = shown[len(fence[0]) : -len(fence[0])]
        assert fence[0] not in re.findall("`+", inner)
        assert inner.strip() == said.strip() or not said


DAGS = "DAGS_REFERENCE"
OLD, NEW = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("repository", "old", "new", "link"),
    [
        ("https://github.com/acme/dags.git", OLD, NEW, f"https://github.com/acme/dags/compare/{OLD}...{NEW}"),
        ("git@gitlab.example.com:acme/dags.git", "v1", "v2", "https://gitlab.example.com/acme/dags/-/compare/v1...v2"),
        ("https://git.example.com/acme/dags", "v1", "v2", "https://git.example.com/acme/dags/compare/v1...v2"),
        ("https://code.example.org/acme/dags.git", "v1", "v2", None),
        ("https://github.com/acme/dags.git", "v1", "x)[y](http://evil", "https://github.com/acme/dags/compare/"),
        ("https://github.com/acme/dags.git", "", "v2", None),
        ("https://user:pass@github.com/acme/dags.git", "v1", "v2", None),
        ("", "v1", "v2", None),
    ],
)
def test_the_dags_are_linked_where_their_forge_is_known(repository: str, old: str, new: str, link: str | None) -> None:
    move = Move(part=Part.DAGS, path="p", field=DAGS, before=old, after=new)
    text = description.render(described(moves(move), dags_repository=repository), LIMIT)
    sentence = text.splitlines()[0]
    assert ("[the DAGs' commits](" in sentence) == (link is not None)
    if link:
        assert link in sentence
        assert "(http://evil" not in visible(text)
    assert "`DAGs` " in sentence


def test_a_long_commit_or_digest_is_short_in_the_sentence_and_whole_in_the_table() -> None:
    digest = "sha256:" + "9" * 64
    moved = (
        Move(part=Part.DAGS, path="p", field=DAGS, before=OLD, after=NEW),
        Move(part=Part.IMAGES, path="p", field="a/b", before="a/b:1", after=f"c/d:1@{digest}"),
    )
    text = description.render(described(moves(*moved)), LIMIT)
    assert f"`DAGs` `{'a' * 12}` → `{'b' * 12}`" in text.splitlines()[0]
    assert f"`c/d:1@{digest}`" in text
    assert description.title(REF, moved) == (
        f"Promote dev → complete: DAGs {'a' * 12} → {'b' * 12}, b a/b:1 → c/d:1@sha256:999999999999"
    )


@pytest.mark.parametrize(
    ("moved", "what"),
    [
        ([("settings", "AIRFLOW__CORE__PARALLELISM", None, "64")], "AIRFLOW__CORE__PARALLELISM: nothing → '64'"),
        ([("settings", "A", "1", None)], "A: '1' → nothing"),
        ([("settings", "A", None, ""), ("settings", "B", None, "2")], "2 settings"),
        (
            [("base", "a.yaml", "1", "2"), ("base", "component x", None, "x")],
            "1 file of the base, 1 component of the base",
        ),
        (
            [("settings", "A", None, "1"), ("base", "a", "1", "2"), ("base", "b", "1", "2")],
            "1 setting, 2 files of the base",
        ),
    ],
)
def test_a_title_without_an_image_move(moved: list[tuple[str, str, str | None, str | None]], what: str) -> None:
    moves = [Move(part=Part(part), path="p", field=field, before=a, after=b) for part, field, a, b in moved]
    assert description.title(REF, moves) == f"Promote dev → complete: {what}"


def test_a_branch_follows_from_the_content_and_belongs_to_one_ref() -> None:
    one = ChangeSet(writes={"a": b"1", "b": b"2"}, deletes=frozenset({"c"}))
    assert one.digest == ChangeSet(writes={"b": b"2", "a": b"1"}, deletes=frozenset({"c"})).digest
    others = [
        ChangeSet(writes={"a": b"1", "b": b"2"}),
        ChangeSet(writes={"a": b"1", "b": b"3"}, deletes=frozenset({"c"})),
        ChangeSet(writes={"a": b"1", "b": b"2", "c": b"deleted"}),
    ]
    assert one.digest not in {each.digest for each in others}
    branch = REF.branch(one.digest)
    assert branch == f"taxiway/promote-dev_complete-{one.digest}"
    assert REF.owns(branch)
    longer = ChangeRef(kind=ChangeKind.PROMOTE, source="dev", target=f"complete-{one.digest}")
    assert longer.branch(one.digest).startswith(REF.prefix)
    assert not REF.owns(longer.branch(one.digest))
    assert not REF.owns(ChangeRef(kind=ChangeKind.ROLLBACK, target="complete").branch(one.digest))
    pairs = {ChangeRef(kind=ChangeKind.PROMOTE, source=a, target=b).prefix for a, b in (("a", "b-c"), ("a-b", "c"))}
    assert len(pairs) == 2


RECORDS = st.builds(
    ChangeRecord,
    ref=st.builds(ChangeRef, kind=st.sampled_from(ChangeKind), target=TEXTS, source=st.none() | TEXTS),
    commit=st.text("0123456789abcdef", min_size=40, max_size=40),
    digest=st.text("0123456789abcdef", min_size=12, max_size=12),
    version=TEXTS,
    parts=st.lists(st.sampled_from(Part), max_size=4).map(tuple),
    pin=st.none() | TEXTS,
)


@given(block=RECORDS, before=TEXTS, after=TEXTS)
def test_a_record_is_read_back_from_a_body_and_from_a_commit(block: ChangeRecord, before: str, after: str) -> None:
    assert find_record(f"{before}\n{block.html_comment}") == block
    assert find_record(f"{before}\n\n{block.trailer}\n") == block
    assert block.html_comment.count("-->") == 1
    assert "@" not in block.html_comment


@given(text=TEXTS | st.text().map(lambda text: f"<!-- taxiway {{{text}}} -->"))
def test_what_is_no_record_is_none(text: str) -> None:
    assert find_record(text) is None


def test_the_ancestor_of_each_part_is_its_last_promotion_or_rollback() -> None:
    only = replace(RECORD, commit="c2", parts=(Part.DAGS,))
    pinned = replace(RECORD, commit="c3", parts=(Part.IMAGES, Part.BASE), pin="3.3.2")
    elsewhere = replace(RECORD, ref=replace(REF, target="other"), commit="c4")
    back = replace(RECORD, ref=ChangeRef(kind=ChangeKind.ROLLBACK, target="complete"), commit="c1")
    history = [("m4", elsewhere), ("m3", pinned), ("m2", only), ("m1", back), ("m0", replace(RECORD, commit="c0"))]
    assert ancestors("complete", history) == {
        Part.IMAGES: Ancestor(commit="m3", environment="complete"),
        Part.BASE: Ancestor(commit="c3", environment="dev"),
        Part.DAGS: Ancestor(commit="c2", environment="dev"),
        Part.SETTINGS: Ancestor(commit="m1", environment="complete"),
    }


def test_too_small_a_limit_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="too few"):
        description.render(described(moves()), 100)


def test_other_forges_have_other_links() -> None:
    known = replace(KNOWN, forge=Forge.GITLAB, remote=Remote.parse("https://git.example.com/a/b.git"))
    move = Move(part=Part.DAGS, path="p", field=DAGS, before="v1", after="v2")
    wanted = replace(described(moves(move), dags_repository="https://git.example.com/acme/dags.git"), model=known)
    assert "/-/compare/v1...v2" in description.render(wanted, LIMIT)
