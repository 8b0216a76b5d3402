"""Edits of one value: set in place, set back to the same bytes, refused where the value is invalid or a secret."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.config import edit
from bootstrap.config.exemptions import Exemption
from bootstrap.config.hold import Hold
from bootstrap.config.model import Model
from bootstrap.core.errors import BadOption, BadSecret, BadTarget, TaxiwayError
from bootstrap.core.image import Image
from bootstrap.core.tree import Tree
from bootstrap.promotion import edits, images
from bootstrap.promotion.plan import Plan
from bootstrap.yamltools import envfile
from tests import environment_repo as envs

KNOWN = envs.model()
DEV = KNOWN.environments[0]
REPO = envs.repo()
RELEASE = "overlays/dev/release/release.env"
IMAGES = "overlays/dev/release/kustomization.yaml"
OWN = "overlays/dev/airflow.env"
DIGEST = "sha256:" + "0123456789abcdef" * 4
HOLD = Hold(reason='the "big" sale: no changes, # really', author="Ada <ada@example.com>", date="2026-11-23")


def lines(before: Tree, after: Tree) -> list[str]:
    """The lines of every file that are new."""
    return [
        line
        for path in after
        for line in after[path].decode().splitlines()
        if line not in before.files.get(path, b"").decode().splitlines()
    ]


def test_an_image_moves_with_the_release_id_and_nothing_else() -> None:
    plan = edits.image(REPO, DEV, "airflow", "apache/airflow:3.3.3")
    after = plan.changes.apply(REPO)
    assert plan.changes.paths == (IMAGES, RELEASE)
    assert lines(REPO, after) == ['    newTag: "3.3.3"', "RELEASE=3-3-3"]
    assert [(each.field, each.before, each.after) for each in plan.moved] == [
        ("apache/airflow", "apache/airflow:3.3.2", "apache/airflow:3.3.3"),
        ("RELEASE", "3-3-2", "3-3-3"),
    ]


REFERENCES = st.builds(
    lambda repository, tag, digest: f"{repository}:{tag}{digest}",
    st.sampled_from(["apache/airflow", "acme/airflow", "registry.example.com:5000/team/airflow"]),
    st.sampled_from(["3.3.2", "3.3.3", "3.3.3-python3.12", "V_1", "latest", "x" * 128]),
    st.sampled_from(["", "@" + DIGEST]),
)


@given(reference=REFERENCES, name=st.sampled_from(["airflow", "apache/airflow"]))
def test_setting_an_image_and_setting_it_back_restores_the_bytes(reference: str, name: str) -> None:
    there = edits.image(REPO, DEV, name, reference).changes.apply(REPO)
    assert envs.image_of(there, "dev") == reference
    assert not edits.image(there, DEV, name, reference).changes
    back = edits.image(there, DEV, name, "apache/airflow:3.3.2").changes.apply(there)
    assert back == REPO


@given(before=REFERENCES, after=REFERENCES)
def test_two_images_never_share_a_release_id(before: str, after: str) -> None:
    tree = edits.image(REPO, DEV, "airflow", before).changes.apply(REPO)
    other = edits.image(tree, DEV, "airflow", after).changes.apply(tree)
    ids = [envs.release_id(each, "dev") for each in (tree, other)]
    assert (ids[0] == ids[1]) == (before == after)
    for each in ids:
        assert each
        assert len(f"airflow-generate-secrets-{each}") <= 63
        assert not set(each) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert each.strip("-") == each


def test_an_image_that_no_job_runs_leaves_the_release_id() -> None:
    after = edits.image(REPO, DEV, "postgres", f"postgres@{DIGEST}").changes.apply(REPO)
    assert lines(REPO, after) == [f'    digest: "{DIGEST}"']
    assert envs.release_id(after, "dev") == "3-3-2"


def test_the_images_that_are_set_are_rendered() -> None:
    tree = edits.image(REPO, DEV, "airflow", f"acme/airflow:3.3.3@{DIGEST}").changes.apply(REPO)
    objects = {each["metadata"]["name"]: each for each in envs.render(tree, "dev")}
    job = objects["airflow-migrate-3-3-3-01234567"]
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == f"acme/airflow:3.3.3@{DIGEST}"


@pytest.mark.parametrize(
    ("name", "reference", "says"),
    [
        ("redis", "redis:8", "'redis' is no image of this release"),
        ("airflow", "apache/airflow", "does not say which image"),
        ("airflow", "3.3.3", "does not say which image"),
        ("airflow", "apache/airflow:3 3", "does not say which image"),
        ("airflow", "apache/airflow:3.3.3@sha256:12", "does not say which image"),
        ("airflow", "Apache/airflow:3.3.3 ", "does not say which image"),
    ],
)
def test_an_invalid_image_is_refused(name: str, reference: str, says: str) -> None:
    with pytest.raises(BadOption) as caught:
        edits.image(REPO, DEV, name, reference)
    assert says in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ("localhost:5000/a/b:c", Image(repository="localhost:5000/a/b", tag="c")),
        ("a@" + DIGEST, Image(repository="a", digest=DIGEST)),
        ("ghcr.io/a/b:1@" + DIGEST, Image(repository="ghcr.io/a/b", tag="1", digest=DIGEST)),
    ],
)
def test_references_are_read_as_registries_do(text: str, image: Image) -> None:
    assert Image.parse(text) == image
    assert str(image) == text


def test_entries_of_images_come_and_go() -> None:
    text = "kind: Component\nimages:\n  # ours\n  - newTag: '1'\n    name: a\nresources: []\n"
    more = images.put(text, "b/c", Image(repository="mirror/c", tag="1.0"))
    assert more == text.replace(
        "    name: a\n", "    name: a\n  - name: b/c\n    newName: \"mirror/c\"\n    newTag: \"1.0\"\n"
    )  # fmt: skip
    assert images.put(more, "b/c", None) == text
    none = images.put(text, "a", None)
    assert images.read(none) == {}
    assert images.read(images.put(none, "a", Image(repository="a", tag="2"))) == {"a": Image(repository="a", tag="2")}


def with_dags(tree: Tree) -> Tree:
    return envs.with_setting(tree, RELEASE, "DAGS_REPOSITORY", "https://git.example.com/acme/dags.git")


@given(reference=st.sampled_from(["main", "v1.2.3", "feature/new-dags", "0123456789abcdef0123456789abcdef01234567"]))
def test_setting_the_dags_and_setting_them_back_restores_the_bytes(reference: str) -> None:
    tree = envs.with_setting(with_dags(REPO), RELEASE, "DAGS_REFERENCE", "old")
    there = edits.dags(tree, DEV, reference).changes.apply(tree)
    assert lines(tree, there) == [f"DAGS_REFERENCE={reference}"]
    assert not edits.dags(there, DEV, reference).changes
    assert edits.dags(there, DEV, "old").changes.apply(there) == tree


@pytest.mark.parametrize(
    "reference", ["", "-x", "a b", "a..b", 'a"b', "a$B", "a.lock", "a\nb", "a/", ".a", "@{1}", "a~1"]
)
def test_what_is_no_git_reference_is_refused(reference: str) -> None:
    with pytest.raises(BadOption):
        edits.dags(with_dags(REPO), DEV, reference)


def test_dags_of_no_repository_are_refused() -> None:
    with pytest.raises(BadTarget, match="DAGS_REPOSITORY is empty"):
        edits.dags(REPO, DEV, "main")


NAMES = st.sampled_from(["AIRFLOW__CORE__PARALLELISM", "AIRFLOW__API__INSTANCE_NAME", "TZ", "a_b"])
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20)
TAILS = st.sampled_from(["", "\n# the end", "\n\n  # spaced\n", "\r\n# crlf\r\n", "\nTZ=UTC", "\n  a_b= x \n"])


@given(name=NAMES, value=VALUES, tail=TAILS)
def test_setting_a_setting_and_setting_it_back_restores_the_bytes(name: str, value: str, tail: str) -> None:
    tree = envs.edited(REPO, OWN, lambda text: text.removesuffix("\n") + tail)
    was = envfile.read(tree[OWN].decode()).get(name)
    plan = edits.config(tree, DEV, f"{name}={value}")
    there = plan.changes.apply(tree)
    assert envfile.read(there[OWN].decode())[name] == value
    assert not edits.config(there, DEV, f"{name}={value}").changes
    back = edits.config(there, DEV, f"{name}-" if was is None else f"{name}={was}").changes.apply(there)
    assert back == tree
    assert plan.changes.paths in ((), (OWN,))


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_setting_is_read_as_kustomize_reads_it(mark: str) -> None:
    odd = mark + "  AIRFLOW__CORE__PARALLELISM= 7 # no comment\n#AIRFLOW__API__WORKERS=9\n\tTZ=a=b\r\nEMPTY=\n"
    tree = envs.edited(REPO, OWN, lambda _: odd)
    objects = envs.render(tree, "dev")
    data = next(each["data"] for each in objects if each["metadata"]["name"].startswith("airflow-env-"))
    read = envfile.read(odd)
    assert read == {"AIRFLOW__CORE__PARALLELISM": " 7 # no comment", "TZ": "a=b", "EMPTY": ""}
    assert data.items() >= read.items()


@pytest.mark.parametrize(
    "setting",
    [
        "AIRFLOW__SMTP__SMTP_PASSWORD=hunter2",
        "AIRFLOW__CORE__FERNET_KEY=hunter2",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=hunter2",
        "AIRFLOW_CONN_AWS_DEFAULT=hunter2",
        "MY_TOKEN=hunter2",
        "aws_secret_access_key=hunter2",
        "AIRFLOW__CELERY__BROKER_URL=redis://:hunter2@redis/0",
    ],
)
def test_a_secret_is_refused_and_not_quoted(setting: str) -> None:
    with pytest.raises(BadSecret, match="holds a secret") as caught:
        edits.config(REPO, DEV, setting)
    assert "seal" in caught.value.hint
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_a_secret_that_is_there_can_be_taken_out() -> None:
    tree = envs.with_setting(REPO, OWN, "MY_TOKEN", "hunter2")
    assert edits.config(tree, DEV, "MY_TOKEN-").changes.apply(tree) == REPO


@pytest.mark.parametrize("setting", ["", "=1", "A B=1", "1A=2", "A", "A=1\nB=2", "A=\0"])
def test_what_is_no_setting_is_refused(setting: str) -> None:
    with pytest.raises(BadOption):
        edits.config(REPO, DEV, setting)


def test_a_duplicate_setting_is_not_edited() -> None:
    tree = envs.edited(REPO, OWN, lambda text: text + "TZ=a\nTZ=b\n")
    with pytest.raises(BadTarget, match="TZ is set twice"):
        edits.config(tree, DEV, "TZ=c")


STYLES: list[Callable[[str], str]] = [
    lambda text: text,
    lambda text: text.replace("\n", "\r\n"),
    lambda text: text.removesuffix("\n"),
    lambda text: (
        text.replace("\n- ", "\n\n  # the next one\n  - ").replace("\n  n", "\n    n").replace("\n  c", "\n    c")
    ),
    lambda text: text.replace("cluster: default\n", "cluster: default  # ours\n") + "validate:\n  off: []\n",
    lambda text: text.replace("environments:", "environments:   # in order"),
]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", envs.NAMES)
def test_a_hold_comes_and_goes_in_one_line(name: str, style: Callable[[str], str]) -> None:
    text = style(REPO["taxiway.yaml"].decode()).encode()
    held = edit.hold(text, Model.parse(text), name, HOLD)
    known = Model.parse(held)
    assert {each.name: each.hold for each in known.environments} == {**dict.fromkeys(envs.NAMES), name: HOLD}
    added = [line for line in held.decode().splitlines() if line not in text.decode().splitlines()]
    assert len(added) == 1
    assert edit.hold(held, known, name, HOLD) == held
    longer = edit.hold(held, known, name, replace(HOLD, reason="still"))
    assert edit.hold(longer, Model.parse(longer), name, None) == text
    assert edit.hold(held, known, name, None) == text


def test_a_model_with_a_hold_and_a_rule_that_is_off_is_read_back_as_written() -> None:
    first, *others = KNOWN.environments
    wanted = replace(
        KNOWN,
        environments=(replace(first, hold=HOLD), *others),
        exemptions=(Exemption(rule="pods/limits", reason="no need"),),
    )
    assert Model.parse(wanted.render()) == wanted


def test_a_hold_without_a_reason_and_a_flow_list_are_refused() -> None:
    text = REPO["taxiway.yaml"] + b"  hold: {author: me}\n"
    with pytest.raises(BadTarget, match="'prod' is on hold without a reason"):
        Model.parse(text)
    head, _, _ = REPO["taxiway.yaml"].partition(b"environments:")
    flow = head + b"environments: [{name: dev, namespace: airflow-dev, cluster: default}]\n"
    with pytest.raises(BadTarget, match=r"taxiway\.yaml"):
        edit.hold(flow, Model.parse(flow), "dev", HOLD)


def test_an_entry_with_an_anchor_that_is_used_elsewhere_is_not_removed() -> None:
    _, second, third = envs.NAMES
    text = REPO["taxiway.yaml"].decode()
    for name, cluster in ((second, "&where default"), (third, "*where")):
        text = text.replace(f"airflow-{name}\n  cluster: default", f"airflow-{name}\n  cluster: {cluster}")
    known = Model.parse(text.encode())
    assert known == KNOWN
    with pytest.raises(BadTarget, match=r"taxiway\.yaml"):
        edit.remove(text.encode(), known, second)
    held = edit.hold(text.encode(), known, second, HOLD)
    assert edit.hold(held, Model.parse(held), second, None) == text.encode()


@given(
    what=st.sampled_from([edits.image, edits.dags, edits.config]),
    arguments=st.lists(st.text(max_size=30) | st.sampled_from(["airflow", "A=1"]), min_size=2, max_size=2),
)
def test_any_input_raises_a_taxiway_error_or_none(what: Callable[..., Plan], arguments: list[str]) -> None:
    wanted = arguments if what is edits.image else arguments[:1]
    try:
        plan = what(with_dags(REPO), DEV, *wanted)
    except TaxiwayError as err:
        assert err.message
    else:
        assert plan.changes.apply(REPO)
