"""What is serious stands first and is never cut, whatever an attacker puts around it: in text, Markdown and JSON."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from bootstrap.commands.diff import Request, command
from bootstrap.core.changeset import ChangeSet
from bootstrap.diff import compare, formats, markdown
from bootstrap.diff.consequences import SERIOUS, Effect
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.kubernetes.objects import Object
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests import description
from bootstrap.pullrequests.preview import Preview
from bootstrap.pullrequests.record import ChangeKind, ChangeRecord, ChangeRef
from bootstrap.yamltools import embedded
from tests import environment_repo as envs
from tests.security.test_truth import HARMLESS, SAFE, binding, deployment, diff, make, pod, role, serious, told

LIMIT = 65_536
COMMAND = "taxiway diff --since origin/main"
BLOCK = ChangeRecord(
    ref=ChangeRef(kind=ChangeKind.PROMOTE, source="dev", target="complete"), commit="0" * 40, digest="0", version="1"
)
ADMIN = binding("ClusterRole/cluster-admin", "ServiceAccount/thief", kind="ClusterRoleBinding")
GIVEN = "gives ClusterRole/cluster-admin (full control of everything) to ServiceAccount/thief in the whole cluster"


def many(number: int, *, kind: str = "ConfigMap", value: str = "x") -> list[Object]:
    return [make(kind, f"harmless-{n}", data={"a": value}) for n in range(number)]


def described(found: EnvironmentDiff, notes: tuple[str, ...] = ()) -> Preview:
    plan = Plan(changes=ChangeSet())
    known = envs.model("dev", "complete")
    return Preview(model=known, plan=plan, record=BLOCK, diff=found, command=COMMAND, notes=notes)


def first_line(text: str) -> str:
    """The first line that says a consequence."""
    return next(line for line in text.splitlines() if line.startswith(("- **", "| security", "  ! ")))


def test_one_binding_among_5_000_harmless_objects() -> None:
    found = diff([HARMLESS, *many(5_000)], [HARMLESS, ADMIN, *many(5_000, value="y" * 90)])
    text = description.render(described(found), LIMIT)
    assert len(text) <= LIMIT
    assert GIVEN in first_line(text)
    assert COMMAND in text
    said = markdown.comment([found], LIMIT, COMMAND)
    assert len(said) <= LIMIT
    assert GIVEN in first_line(said)
    assert said.startswith(f"Cut for want of room: the fields of 5001 objects. All of it: `{COMMAND}`\n")
    assert formats.lines(found)[1] == f"  ! security: ClusterRoleBinding/x: {GIVEN}"
    assert formats.data(found)["consequences"][0] == {
        "effect": "security",
        "object": "ClusterRoleBinding/x",
        "what": GIVEN,
    }


def test_one_binding_among_5_000_lesser_rights_is_told_first() -> None:
    """So many that not all have room: they are counted, and the worst is among those that are written out."""
    roles = [role(("get", "", "pods"), metadata={"name": f"a{n}-{'x' * 100}", "namespace": "n"}) for n in range(5_000)]
    found = diff([HARMLESS], [HARMLESS, ADMIN, *roles])
    for text in (description.render(described(found), LIMIT), markdown.comment([found], LIMIT, COMMAND)):
        assert len(text) <= LIMIT
        assert "**5001 serious lines do not all have room here: 5000 security of Role, 1 security of " in text
        assert GIVEN in first_line(text)
        left = int(re.findall(r"and (\d+) more serious lines", text)[0])
        assert left + text.count("**security**") == 5_001
        assert text.count(COMMAND) >= 2
    # Where there is no forge that limits it, all of it is there.
    assert description.render(described(found), 2**31).count("**security**") == 5_001


def test_200_environments_with_the_serious_ones_before_all_details() -> None:
    diffs = []
    for number in range(200):
        after = [HARMLESS, *many(30, value="y" * 90), *([ADMIN] if number == 137 else [])]
        diffs.append(diff([HARMLESS, *many(30)], after, f"e{number:03}"))
    text = markdown.comment(diffs, LIMIT, COMMAND)
    assert len(text) <= LIMIT
    assert text.startswith(f"Cut for want of room: the fields of 6001 objects. All of it: `{COMMAND}`\n")
    assert GIVEN in first_line(text)
    assert first_line(text).endswith("| e137 |")
    lines = formats.text(diffs)
    assert lines[:2] == [
        "what is serious, of all environments:",
        f"  ! security: ClusterRoleBinding/x: {GIVEN} (e137)",
    ]
    assert sum(GIVEN in line for line in lines) == 2  # at its environment, too
    everywhere = markdown.markdown([diff([HARMLESS], [HARMLESS, ADMIN], f"e{n}") for n in range(200)])
    assert "| all 200 environments |" in everywhere[4]


def test_200_environments_with_more_that_is_serious_than_there_is_room_for() -> None:
    diffs = [
        diff([HARMLESS], [HARMLESS, *([ADMIN] if n == 199 else []), *(_lesser(n, m) for m in range(30))], f"e{n:03}")
        for n in range(200)
    ]
    text = markdown.comment(diffs, LIMIT, COMMAND)
    assert len(text) <= LIMIT
    assert text.startswith("**6001 serious lines do not all have room here: 6000 security of Role, 1 security of")
    assert COMMAND in text.splitlines()[0]
    assert GIVEN in text.splitlines()[2]
    assert text.splitlines()[2].endswith("(e199)")


def _lesser(environment: int, number: int) -> Object:
    return role(("get", "", f"pods{environment}"), metadata={"name": f"r{number}", "namespace": "n"})


def test_what_is_cut_is_details_and_it_says_so() -> None:
    spec = {**SAFE, "terminationGracePeriodSeconds": 9}
    old, new = ([HARMLESS, *(_named(deployment(s), n) for n in range(600))] for s in (SAFE, spec))
    found = diff(old, [*new, ADMIN])
    text = markdown.comment([found], 20_000, COMMAND)
    assert text.startswith("Cut for want of room: the fields of 601 objects, and 600 lesser lines. All of it: `taxiway")
    assert GIVEN in text
    assert "its pods restart" not in text
    text = description.render(described(found), 9_000)
    assert GIVEN in text
    assert f"… and 560 more: `{COMMAND}`" in text
    for limit in range(700, 3_000, 50):
        text = description.render(described(found), limit)
        assert len(text) <= limit
        assert GIVEN in text or "1 security of ClusterRoleBinding" in text
        assert COMMAND in text


def _named(each: Object, number: int) -> Object:
    return {**each, "metadata": {"name": f"d{number}", "namespace": "n"}}


def test_long_names_are_whole() -> None:
    name = "-".join(["long"] * 60)
    given = binding(f"ClusterRole/{name}-cluster-admin", *(f"ServiceAccount/{name}-{n}" for n in range(40)))
    given["metadata"]["name"] = name
    found = diff([HARMLESS], [HARMLESS, given])
    for text in (
        description.render(described(found), LIMIT),
        markdown.comment([found], LIMIT, COMMAND),
        "\n".join(formats.lines(found)),
    ):
        assert f"RoleBinding/{name}" in first_line(text)
        assert f"{name}-cluster-admin" in first_line(text)
        assert all(f"{name}-{n}" in first_line(text) for n in range(40))


def test_a_role_of_300_rules_is_told_with_its_worst_first() -> None:
    rules = [("get", f"g{n}.example", f"r{n}") for n in range(300)]
    (line,) = serious(diff([HARMLESS], [HARMLESS, role(*rules[:150], ("*", "*", "*"), *rules[150:])]))
    assert line.startswith("security Role/x: may do anything with everything; get r0.g0.example")
    assert line.endswith("(that is, full control)")
    assert all(f"r{n}.g{n}.example" in line for n in range(300))


def test_a_role_too_large_to_be_multiplied_is_told_rule_by_rule() -> None:
    wide = [f"a{n}" for n in range(300)]
    rules = [{"verbs": wide, "apiGroups": wide, "resources": wide, "resourceNames": wide}]
    evil = {"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"]}
    before, after = (make("Role", api="rbac.authorization.k8s.io/v1", rules=each) for each in (rules, [*rules, evil]))
    assert serious(diff([before], [after])) == ["security Role/x: may now do anything with secrets"]


def test_no_value_makes_a_line_of_its_own() -> None:
    forged = "x\n  ! nothing: is wrong here\r\n\x1b[2K"
    spec = pod({"image": forged, "command": [forged]}, serviceAccountName=forged)
    config = make("ConfigMap", data={"b": forged})
    found = diff([HARMLESS, make("ConfigMap")], [HARMLESS, config, deployment(spec)])
    for line in [*formats.lines(found), *formats.text([found, found])]:
        assert line.isprintable()
        assert not line.startswith("  ! nothing")


def test_a_text_that_blows_up_or_nests_too_deep_is_read_by_nobody() -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{b}: &{b} [*{a},*{a}]\n" for a, b in zip("abcdefghijklm", "bcdefghijklmn", strict=True)
    )
    old, new = (make("ConfigMap", data={"t": bomb + f"z: {n}\ncontainers: 1\n"}) for n in (1, 2))
    (change,) = compare.compare([old], [new])
    assert [field.path for field in change.fields] == ["data.t"]
    assert told(diff([old], [new])) == []
    assert embedded.documents("a: " + "[" * 100_000) == ()
    assert embedded.mapping("a:\n- " + "[" * 500 + "]" * 500) is None


def test_a_pod_template_is_read_behind_anchors_and_in_a_second_document() -> None:
    spec = yaml.safe_dump({"kind": "Pod", "spec": {**SAFE, "hostPID": True}})
    anchored = "x: &p {hostPID: true, containers: [{name: c, image: 'apache/airflow:1'}]}\nkind: Pod\nspec: *p\n"
    for text in (
        f"a: 1\n---\n{spec}",
        anchored,
        json.dumps(yaml.safe_load(spec)),
        f"kind: Deployment\nspec:\n  template: {json.dumps(yaml.safe_load(spec))}\n",
    ):
        found = diff([HARMLESS, make("ConfigMap")], [HARMLESS, make("ConfigMap", data={"any.txt": text})])
        assert any("sees all processes of the node (hostPID)" in line for line in told(found)), text


def test_a_container_may_be_called_order() -> None:
    one, two = ({"name": name, "image": "apache/airflow:1"} for name in ("order", "a (order)"))
    old, new = (
        deployment({**SAFE, "initContainers": list(each)}) for each in ((one, two), (one, {**two, "args": ["x"]}))
    )
    found = diff([old], [new])
    assert "restart its pods restart" in told(found)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(directory=Path(), since="origin/main"), "taxiway diff --since origin/main"),
        (Request(directory=Path(), environments=("dev",), before="a b"), "taxiway diff dev --from 'a b'"),
        (Request(directory=Path(), between=("a", "b"), everything=True), "taxiway diff --between a b --all"),
        (Request(directory=Path(), after="HEAD"), "taxiway diff --to HEAD"),
    ],
)
def test_the_command_that_shows_all_is_exact(request_: Request, words: str) -> None:
    assert command(request_) == words


def test_without_a_risk_the_sentence_is_true() -> None:
    """It stands only where nothing is serious; an object of a kind that nobody knows never lets it stand."""
    said = "None that taxiway knows"
    quiet = diff([HARMLESS, *many(1)], [HARMLESS, *many(1, value="y")])
    assert said in description.render(described(quiet), LIMIT)
    for each in (make("Widget", api="example.com/v1"), make("ConfigMap", api="example.com/v1"), ADMIN):
        assert said not in description.render(described(diff([HARMLESS], [HARMLESS, each])), LIMIT)
    assert said not in description.render(described(quiet, notes=("a rule is switched off",)), LIMIT)


def test_notes_are_never_cut() -> None:
    notes = tuple(f"rule {n} is switched off" for n in range(100))
    text = description.render(described(diff([HARMLESS], [HARMLESS, *many(3_000)]), notes=notes), LIMIT)
    assert all(note in text for note in notes)
    assert len(text) <= LIMIT


def test_every_effect_has_its_place() -> None:
    order: Sequence[Effect] = list(Effect)
    assert order[:2] == [Effect.REPLACED, Effect.SECURITY]
    assert {*order[: len(SERIOUS)]} == SERIOUS
