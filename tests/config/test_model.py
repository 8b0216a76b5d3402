"""taxiway.yaml: read back as written, and every name checked as Kubernetes would."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.config import model
from bootstrap.config.exemptions import Exemption
from bootstrap.config.hold import Hold
from bootstrap.config.model import Controller, Environment, Model
from bootstrap.config.remote import Forge, Remote
from bootstrap.core.errors import BadOption, BadTarget, MultipleErrors, TaxiwayError

LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
# What Hold.parse takes away around a reason, no reason has.
WORDS = st.from_regex(r"[A-Za-z'\":#{]([ -~]{0,20}[a-z!'\"}])?", fullmatch=True)
ENVIRONMENT = st.builds(
    Environment,
    name=LABEL,
    namespace=LABEL.map(lambda name: f"airflow-{name}"),
    cluster=LABEL,
    node_port=st.none() | st.integers(30000, 32767),
    certificate=st.none() | st.binary(min_size=32, max_size=32).map(lambda digest: f"sha256:{digest.hex()}"),
    hold=st.none() | st.builds(Hold, reason=WORDS, author=WORDS, date=st.just("2026-11-23")),
)


@given(environments=st.lists(ENVIRONMENT, min_size=1, max_size=4), controller=st.sampled_from(Controller), branch=LABEL)
def test_what_is_written_is_read_back(environments: list[Environment], controller: Controller, branch: str) -> None:
    wanted = Model(
        scaffold="0.1.0",
        remote=Remote.parse("git@git.example.com:acme/airflow.git"),
        branch=branch,
        forge=Forge.GITEA,
        controller=controller,
        environments=tuple(environments),
        kubernetes="1.34",
        exemptions=(
            Exemption(rule="airflow/unknown-section", reason="our own: it's read elsewhere"),
            Exemption(rule="kubernetes/bad-port", reason="x", environments=("dev",), paths=("base/*", "a: b")),
        ),
        web="https://git.example.com:8443",
    )
    assert Model.parse(wanted.render()) == wanted


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"a: [", "line 2: not valid YAML"),
        (b"[]", "taxiway.yaml"),
        (b"", "taxiway.yaml"),
        (b"scaffold: 0.1.0\n", "'environments' is missing"),
        (b"environments: [{name: dev}]\n", "'namespace' is missing"),
        (b"environments: []\nscaffold: 1\nrepository: nowhere\n", "not one that a controller can clone"),
    ],
)
def test_what_is_no_model_is_refused(text: bytes, says: str) -> None:
    with pytest.raises(BadTarget, match=r"taxiway\.yaml") as caught:
        Model.parse(text)
    assert says in caught.value.message


@given(st.binary(max_size=300))
def test_no_text_raises_anything_else(text: bytes) -> None:
    with contextlib.suppress(TaxiwayError):
        Model.parse(text)


def environment(name: str = "dev", namespace: str = "", cluster: str = "c1", port: int | None = None) -> Environment:
    return Environment(name=name, namespace=namespace or f"airflow-{name}", cluster=cluster, node_port=port)


@pytest.mark.parametrize(
    ("environments", "says"),
    [
        ([], "no environment"),
        ([environment("Dev")], "'Dev' can't be the name of an environment"),
        ([environment("a" * 41)], "can't be the name"),
        ([environment("-a")], "can't be the name"),
        ([environment("a/b")], "can't be the name"),
        ([environment(".."), environment("dev")], "can't be the name"),
        ([environment("dev"), environment("dev")], "'dev' is given twice"),
        ([environment("dev", "Air_Flow")], "'Air_Flow' is not a namespace"),
        ([environment("dev", "a" * 64)], "is not a namespace"),
        ([environment("dev", "kube-system")], "not Airflow's to own"),
        ([environment("dev", "default")], "not Airflow's to own"),
        ([environment("dev", cluster="C 1")], "'C 1' can't be the name of a cluster"),
        (
            [environment("dev", "same"), environment("qa", "same")],
            "'dev' and 'qa' share namespace 'same' on cluster 'c1'",
        ),
        ([environment("dev", port=29999)], "29999 of environment 'dev' is out of range"),
        ([environment("dev", port=32768)], "out of range"),
        ([environment("dev", port=30080), environment("qa", port=30080)], "share node port 30080"),
    ],
)
def test_a_bad_environment_is_named(environments: list[Environment], says: str) -> None:
    with pytest.raises(BadOption) as caught:
        model.check(environments)
    assert says in caught.value.message
    assert caught.value.hint


def test_clusters_keep_namespaces_and_ports_apart() -> None:
    model.check([environment("dev", "same", "c1", 30080), environment("qa", "same", "c2", 30080)])


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(MultipleErrors) as caught:
        model.check([environment("Dev"), environment("qa", "default"), environment("prod", port=1)])
    assert len(caught.value.errors) == 3


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("kubernetes: 1.31", "is not a range of versions"),
        ("validate: {off: [{rule: airflow/unknown-section}]}", "is switched off without a reason"),
        ("validate: {'off': [{rule: airflow/unknown-section, reason: ' '}]}", "is switched off without a reason"),
        ("validate: {off: [{rule: a/b, reason: c, environments: dev}]}", "'environments' is no list of names"),
        ("validate: {off: [{rule: a/b, reason: c, environments: []}]}", "'environments' is no list of names"),
        ("validate: {off: [{rule: a/b, reason: c, paths: [[base]]}]}", "'paths' is not a text"),
        ('validate: {off: [{rule: a/b, reason: c, paths: ["a\\nb"]}]}', "'paths' has the control character"),
    ],
)
def test_what_validate_is_told_wrongly_is_refused(line: str, says: str) -> None:
    model = Model(
        scaffold="0.1.0",
        remote=Remote.parse("git@git.example.com:acme/airflow.git"),
        branch="main",
        forge=Forge.GITEA,
        controller=Controller.FLUX,
        environments=(environment(),),
    )
    kept = [each for each in model.render().decode().splitlines() if not each.startswith(line.split(":")[0])]
    with pytest.raises(BadTarget) as caught:
        Model.parse("\n".join([*kept, line]).encode())
    assert says in caught.value.message
