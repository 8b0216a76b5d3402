"""Comparison of rendered objects: its laws, and the consequences of changes."""

import copy
import random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.diff import compare, formats, markdown
from bootstrap.diff import consequences as impact
from bootstrap.diff.compare import Side
from bootstrap.diff.consequences import Effect
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.kubernetes import objects
from bootstrap.kubernetes.objects import Object
from tests.rendering import overlay

SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab-\n", max_size=5)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "image", "a.b", "port"]), inner, max_size=3)
    ),
    max_leaves=8,
)
OBJECTS = st.lists(
    st.builds(
        lambda kind, name, spec: {"kind": kind, "metadata": {"name": name, "namespace": "n"}, "spec": spec},
        st.sampled_from(["ConfigMap", "Deployment", "Job", "Role", "SealedSecret", "Service"]),
        st.sampled_from(["a", "b", "airflow-migrate-1"]),
        VALUES,
    ),
    max_size=4,
    unique_by=lambda obj: (obj["kind"], obj["metadata"]["name"]),
)  # fmt: skip


@given(OBJECTS)
def test_a_tree_against_itself_is_empty(side: list[Object]) -> None:
    assert compare.compare(side, copy.deepcopy(side)) == ()


@given(OBJECTS, OBJECTS)
def test_reversing_the_sides_swaps_added_and_removed(left: list[Object], right: list[Object]) -> None:
    swap = {Side.ADDED: Side.REMOVED, Side.REMOVED: Side.ADDED, Side.CHANGED: Side.CHANGED}
    there, back = compare.compare(left, right), compare.compare(right, left)
    assert [(change.identity, swap[change.side]) for change in there] == [
        (change.identity, change.side) for change in back
    ]
    for one, other in zip(there, back, strict=True):
        assert [(f.path, swap[f.side]) for f in one.fields] == [(f.path, f.side) for f in other.fields]


def shuffled(value: Any, order: random.Random) -> Any:
    """The same value with the keys of every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@given(OBJECTS, st.randoms(use_true_random=False))
def test_the_order_of_keys_and_objects_changes_nothing(side: list[Object], order: random.Random) -> None:
    other = [shuffled(obj, order) for obj in side]
    order.shuffle(other)
    assert compare.compare(side, other) == ()


@given(OBJECTS, OBJECTS)
def test_any_difference_can_be_formatted(left: list[Object], right: list[Object]) -> None:
    changes = compare.compare(left, right)
    diff = EnvironmentDiff(environment="dev", changes=changes, consequences=impact.consequences(changes, left, right))
    assert formats.lines(diff)
    assert markdown.markdown([diff])
    assert formats.data(diff)["environment"] == "dev"


def find(kind: str, name: str, among: list[Object]) -> Object:
    return next(obj for obj in among if obj["kind"] == kind and objects.identify(obj).name == name)


def told(kind: str, name: str, edit: Any) -> tuple[list[str], set[tuple[Effect, str]]]:
    """The changed fields, and the consequences, of an edit of one object of the `complete` overlay."""
    before = overlay("complete")
    after = copy.deepcopy(before)
    edit(find(kind, name, after))
    changes = compare.compare(before, after)
    assert [str(change.identity) for change in changes] == [f"{kind}/{name}"]
    consequences = {
        (consequence.effect, consequence.what) for consequence in impact.consequences(changes, before, after)
    }
    return [field.path for field in changes[0].fields], consequences


def test_a_changed_image_restarts() -> None:
    def edit(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = "x:1"

    fields, consequences = told("Deployment", "airflow-scheduler", edit)
    assert fields == ["spec.template.spec.containers[scheduler].image"]
    assert consequences == {
        (Effect.RESTART, "its pods restart"),
        (Effect.SECURITY, "image from another repository: x:1"),
    }


def test_replicas_change_in_place() -> None:
    fields, consequences = told("Deployment", "airflow-api-server", lambda o: o["spec"].update(replicas=2))
    assert fields == ["spec.replicas"]
    assert consequences == {(Effect.CHANGED, "changes in place")}


def test_a_label_is_only_metadata() -> None:
    fields, consequences = told("Service", "airflow-web", lambda o: o["metadata"]["labels"].update(team="data"))
    assert fields == ["metadata.labels.team"]
    assert consequences == {(Effect.METADATA, "only labels or annotations change")}


def test_an_immutable_field_is_refused() -> None:
    def edit(obj: Object) -> None:
        obj["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = "9Gi"

    fields, consequences = told("StatefulSet", "airflow-pg", edit)
    assert fields == ["spec.volumeClaimTemplates[data].spec.resources.requests.storage"]
    assert {effect for effect, _ in consequences} == {Effect.REFUSED}


def test_a_job_under_its_old_name_is_refused_and_under_a_new_one_migrates() -> None:
    def image(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = "x:1"

    def release(obj: Object) -> None:
        image(obj)
        obj["metadata"]["name"] = "airflow-migrate-4"

    _, refused = told("Job", "airflow-migrate", image)
    assert {effect for effect, _ in refused} == {Effect.REFUSED, Effect.SECURITY}
    _, migrated = told("Job", "airflow-migrate", release)
    assert migrated == {
        (Effect.MIGRATION, "the database is migrated, by airflow-migrate-4"),
        (Effect.SECURITY, "image from another repository: x:1"),
    }


def test_new_rights_are_reported() -> None:
    def edit(obj: Object) -> None:
        obj["rules"].append({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]})

    _, consequences = told("Role", "airflow-scheduler", edit)
    assert consequences == {(Effect.SECURITY, "may now get, list secrets (that is, reads secrets)")}


def test_a_pod_template_in_a_configmap_is_compared() -> None:
    def edit(obj: Object) -> None:
        obj["data"]["pod-template.yaml"] = obj["data"]["pod-template.yaml"].replace("memory: 256Mi", "memory: 300Mi")

    fields, _ = told("ConfigMap", "airflow-pod-template", edit)
    assert fields == ["data[pod-template.yaml].spec.containers[base].resources.requests.memory"]


@pytest.mark.parametrize(
    ("kind", "name", "effect"),
    [
        ("StatefulSet", "airflow-pg", Effect.STOPS),
        ("Namespace", "airflow-complete", Effect.LATER),
        ("Service", "airflow-s3", Effect.STOPS),
        ("ConfigMap", "airflow-pod-template", Effect.GONE),
    ],
)
def test_what_is_removed_is_lost_or_pruned(kind: str, name: str, effect: Effect) -> None:
    before = overlay("complete")
    after = [obj for obj in before if not (obj["kind"] == kind and obj["metadata"]["name"] == name)]
    assert [
        consequence.effect for consequence in impact.consequences(compare.compare(before, after), before, after)
    ] == [effect]


def test_a_changed_setting_restarts_the_pods_that_read_it() -> None:
    before = overlay("dev")
    name = next(objects.name_of(obj) for obj in before if objects.identify(obj).name == "airflow-env")
    after = list(yaml.safe_load_all(yaml.safe_dump_all(before).replace(name, "airflow-env-2222222222")))
    changes = compare.compare(before, after)
    parts = ("api-server", "dag-processor", "scheduler", "triggerer")
    assert [str(change.identity) for change in changes] == [f"Deployment/airflow-{part}" for part in parts]
    assert {(change.fields, change.rereads) for change in changes} == {((), ("airflow-env",))}
    assert {consequence.effect for consequence in impact.consequences(changes, before, after)} == {Effect.RESTART}


SEALED: Object = {
    "kind": "SealedSecret",
    "metadata": {"name": "s", "annotations": {"taxiway/sealed.K": "at=1 scope=strict"}},
    "spec": {"encryptedData": {"K": "AgOLDCIPHERTEXT"}},
}


def test_ciphertext_is_never_shown() -> None:
    again = copy.deepcopy(SEALED)
    again["spec"] = {"encryptedData": {"K": "AgNEWCIPHERTEXT", "L.M": "AgOTHER"}}
    again["metadata"]["annotations"] = {
        "taxiway/sealed.K": "at=2 scope=strict",
        "taxiway/sealed.L.M": "at=2 scope=strict",
    }
    gone = copy.deepcopy(SEALED)
    gone["spec"] = {}
    for left, right in ((SEALED, again), (again, SEALED), (SEALED, gone), (gone, SEALED)):
        changes = compare.compare([left], [right])
        diff = EnvironmentDiff(
            environment="dev", changes=changes, consequences=impact.consequences(changes, [left], [right])
        )
        shown = "\n".join([*formats.lines(diff), *markdown.markdown([diff]), str(formats.data(diff))])
        assert "CIPHERTEXT" not in shown
        assert "AgOTHER" not in shown
    found = compare.compare([SEALED], [again])
    diff = EnvironmentDiff(environment="dev", changes=found, consequences=impact.consequences(found, [SEALED], [again]))
    words = "\n".join(formats.lines(diff))
    assert "K: sealed again" in words
    assert "brings L.M" in words
    assert "at=" not in words


def test_a_changed_scope_is_reported() -> None:
    other = copy.deepcopy(SEALED)
    other["spec"] = {"encryptedData": {"K": "AgNEW"}}
    other["metadata"] = {"name": "s", "annotations": {"taxiway/sealed.K": "at=2 scope=cluster-wide"}}
    (change,) = compare.compare([SEALED], [other])
    assert change.fields[0].after == "scope strict → cluster-wide"


def test_a_plain_secrets_value_is_never_shown() -> None:
    left, right = (
        {"kind": "Secret", "metadata": {"name": "s"}, "data": {"k": value}} for value in ("aHVudGVyMg==", "b3RoZXI=")
    )
    changes = compare.compare([left], [right])
    diff = EnvironmentDiff(
        environment="dev", changes=changes, consequences=impact.consequences(changes, [left], [right])
    )
    assert "aHVudGVyMg" not in "\n".join(formats.lines(diff)) + str(formats.data(diff))
