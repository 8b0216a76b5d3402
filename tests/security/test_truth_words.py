"""The right words for what happens to what runs: restarts, data, what stays, what is seen later, what is no change."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from bootstrap.diff import compare, environment_diff, formats
from bootstrap.diff.consequences import Effect
from bootstrap.kubernetes import postgres
from bootstrap.kubernetes.objects import Object
from tests.rendering import overlay
from tests.security.test_truth import HARMLESS, SAFE, deployment, diff, make, merged, namespace, pod, service, told

ONE, TWO = ({"name": name, "image": "apache/airflow:1"} for name in ("a", "b"))
CLAIM = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "2Gi"}}}}


def database(image: str = "postgres:17", **spec: Any) -> Object:
    return deployment(
        pod({"image": image}), "StatefulSet", **{"serviceName": "x", "volumeClaimTemplates": [CLAIM], **spec}
    )


def annotated(each: Object, **annotations: str) -> Object:
    made: Object = merged(each, {"metadata": {"annotations": annotations}})
    return made


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ({"initContainers": [ONE, TWO]}, {"initContainers": [TWO, ONE]}, "initContainers (order)"),
        ({"volumes": [{"name": "a"}, {"name": "b"}]}, {"volumes": [{"name": "b"}, {"name": "a"}]}, "volumes (order)"),
        (
            {"containers": [{**ONE, "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}]}]},
            {"containers": [{**ONE, "env": [{"name": "B", "value": "$(A)"}, {"name": "A", "value": "1"}]}]},
            "containers[a].env (order)",
        ),
    ],
)
def test_another_order_restarts(before: Object, after: Object, path: str) -> None:
    old, new = (deployment({**SAFE, **spec}) for spec in (before, after))
    found = diff([old], [new])
    assert [field.path for field in found.changes[0].fields] == [f"spec.template.spec.{path}"]
    assert told(found) == ["restart its pods restart: the order of what they have changes"]


def test_one_that_is_added_is_no_other_order() -> None:
    spec = {"initContainers": [ONE, TWO, {**ONE, "name": "c"}]}
    found = diff([deployment({**SAFE, "initContainers": [ONE, TWO]})], [deployment({**SAFE, **spec})])
    assert [field.path for field in found.changes[0].fields] == ["spec.template.spec.initContainers[c]"]


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("320Mi", "0.3125Gi", True),
        ("1", "1000m", True),
        (1, "1000m", True),
        ("1Gi", "1024Mi", True),
        ("1000", "1e3", True),
        ("1M", "1Mi", False),
        ("0.3Gi", "320Mi", False),
        ("1e999999999999", "2e999999999999", False),
    ],
)
def test_equal_quantities_are_no_change(before: Any, after: Any, same: bool) -> None:
    old, new = (
        [
            deployment(pod({"resources": {"limits": {"memory": amount, "nvidia.com/gpu": amount}}})),
            database(volumeClaimTemplates=[merged(CLAIM, {"spec": {"resources": {"requests": {"storage": amount}}}})]),
        ]
        for amount in (before, after)
    )
    assert (diff(old, new).changes == ()) == same


@pytest.mark.parametrize("kind", ["ConfigMap", "Widget"])
def test_what_is_no_quantity_is_a_change_whatever_its_name(kind: str) -> None:
    old, new = (make(kind, limits={"memory": amount}, data={"limits": amount}) for amount in ("1", "1000m"))
    assert len(diff([old], [new]).changes[0].fields) == 2


def test_one_is_not_true() -> None:
    old, new = (deployment({**SAFE, "automountServiceAccountToken": value}) for value in (0, False))
    assert diff([old], [new]).changes


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        (
            {
                "argocd.argoproj.io/sync-options": "ServerSideApply=true, Prune=false",
                "kustomize.toolkit.fluxcd.io/prune": "disabled",
            },
            "leaves Git, but stays in the cluster (prune disabled)",
        ),
        (
            {"argocd.argoproj.io/sync-options": "Prune=false"},
            "leaves Git, but stays in the cluster under Argo CD (prune disabled)",
        ),
        (
            {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
            "leaves Git, but stays in the cluster under Flux (prune disabled)",
        ),
    ],
)
@pytest.mark.parametrize("kind", ["Namespace", "PersistentVolumeClaim"])
def test_what_nobody_prunes_stays(annotations: dict[str, str], words: str, kind: str) -> None:
    each = annotated(make(kind, namespace=None if kind == "Namespace" else "n"), **annotations)
    assert told(diff([HARMLESS, each], [HARMLESS])) == [f"later {words}"]
    bare = merged(each, {"metadata": {"annotations": None}})
    assert told(diff([HARMLESS, bare], [HARMLESS])) == ["lost is pruned; what it stores may go with it"]


def test_a_guard_that_one_controller_prunes_is_told_as_pruned() -> None:
    guard = annotated(
        make("NetworkPolicy", api="networking.k8s.io/v1"), **{"kustomize.toolkit.fluxcd.io/prune": "disabled"}
    )
    assert told(diff([HARMLESS, guard], [HARMLESS])) == [
        "security is pruned: the traffic that it kept out is let through",
        "later leaves Git, but stays in the cluster under Flux (prune disabled)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([database()], [], ["stops is pruned; its volume claims stay in the cluster, with the data"]),
        (
            [database(persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"})],
            [],
            ["lost is pruned, and its volume claims with it: the data is lost (whenDeleted: Delete)"],
        ),
        (
            [database(), namespace(enforce="baseline")],
            [],
            [
                "lost is pruned; what it stores may go with it",
                "lost is pruned, and its volume claims go with the namespace: the data is lost",
            ],
        ),
        (
            [database()],
            [database(persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"})],
            ["lost its volume claims are deleted, with the data, when it is deleted (whenDeleted: Delete)"],
        ),
        (
            [database(replicas=2, persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"})],
            [database(replicas=1, persistentVolumeClaimRetentionPolicy={"whenScaled": "Delete"})],
            ["lost the volume claims of the pods that go are deleted, with the data (whenScaled: Delete)"],
        ),
        (
            [deployment(pod(volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "logs"}}]))],
            [deployment(pod(volumes=[{"name": "v", "emptyDir": {}}]))],
            ["lost its pods no longer see the data on volume claim logs", "restart its pods restart"],
        ),
        (
            [make("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "2Gi"}}})],
            [make("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "2000M"}}})],
            ["refused spec.resources.requests.storage can't shrink"],
        ),
        (
            [make("PersistentVolumeClaim")],
            [annotated(make("PersistentVolumeClaim"), **{"argocd.argoproj.io/sync-options": "Replace=true"})],
            ["lost may be deleted and made again at a sync (Replace=true)"],
        ),
    ],
)
def test_data(before: Sequence[Object], after: Sequence[Object], words: list[str]) -> None:
    assert told(diff([HARMLESS, *before], [HARMLESS, *after])) == words


@pytest.mark.parametrize(
    ("image", "major"),
    [
        ("postgres:17", 17),
        ("postgres:17.5", 17),
        ("postgres:17-alpine", 17),
        ("docker.io/library/postgres:18.0-bookworm", 18),
        (f"bitnami/postgresql:16@sha256:{'0' * 64}", 16),
        ("registry:5000/x/postgres:18beta1", 18),
        ("registry:5000/postgres", None),
        (f"postgres@sha256:{'1' * 64}", None),
        ("postgres:latest", None),
        ("postgres", None),
        ("postgres-exporter:17", None),
        ("postgres:20240101", None),
    ],
)
def test_the_major_version_of_postgres(image: str, major: int | None) -> None:
    assert postgres.major(image) == major


@pytest.mark.parametrize("image", ["postgres:18", "postgres:18.0-bookworm", "docker.io/library/postgres:18-alpine"])
def test_another_major_version_of_postgres_does_not_start(image: str) -> None:
    what = (
        "lost PostgreSQL 18 will not start on the data of PostgreSQL 17: dump it before, and load it into a new volume"
    )
    assert told(diff([database()], [database(image)]))[0] == what
    assert (
        what.replace("18 will", "17 will").replace("PostgreSQL 17:", "PostgreSQL 18:")
        == (told(diff([database(image)], [database()]))[0])
    )
    claims = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}
    old, new = (deployment(pod({"image": each}, **claims)) for each in ("postgres:17", image))
    assert told(diff([old], [new]))[0] == what


def test_a_minor_version_or_no_volume_is_a_restart() -> None:
    assert told(diff([database()], [database("postgres:17.6")])) == ["restart its pods restart"]
    bare = [deployment(pod({"image": image})) for image in ("postgres:17", "postgres:18")]
    assert told(diff(bare[:1], bare[1:])) == ["restart its pods restart"]


WORKS: list[tuple[Object, Object, list[str]]] = [
    (deployment(replicas=2), deployment(replicas=0), ["stops stops: it is scaled to 0"]),
    (deployment(replicas=0), deployment(), ["runs starts, with 1 pod"]),
    (
        deployment(replicas=0),
        deployment(pod({"args": ["a"]}), replicas=0),
        ["later has no pods that would restart: it is scaled to 0", "runs container c runs another command: a"],
    ),
    (
        deployment(kind="DaemonSet", updateStrategy={"type": "OnDelete"}),
        deployment(pod(terminationGracePeriodSeconds=9), kind="DaemonSet", updateStrategy={"type": "OnDelete"}),
        ["later its pods do not restart by themselves: each stays as it is until it is deleted (OnDelete)"],
    ),
    (
        deployment(paused=True),
        deployment(pod(terminationGracePeriodSeconds=9), paused=True),
        ["later its pods do not restart while it is paused"],
    ),
    (
        deployment(selector={"matchLabels": {"a": "1"}}),
        deployment(pod(terminationGracePeriodSeconds=9), selector={"matchLabels": {"a": "2"}}),
        ["refused spec.selector can't be changed: the object has to be deleted and made again"],
    ),
    (
        make("CronJob", api="batch/v1", spec={"schedule": "1"}),
        make("CronJob", api="batch/v1", spec={"schedule": "2"}),
        ["later counts from its next run on"],
    ),
    (
        make("CronJob", api="batch/v1", spec={}),
        make("CronJob", api="batch/v1", spec={"suspend": True}),
        ["stops stops: it is suspended"],
    ),
    (service(), service(ports=[{"port": 80, "targetPort": 81}]), ["runs port 80 goes to 81, and no longer to 80"]),
]


@pytest.mark.parametrize(("before", "after", "words"), WORKS)
def test_what_runs(before: Object, after: Object, words: list[str]) -> None:
    assert told(diff([before], [after])) == words


def reads(**how: Any) -> Object:
    """A pod that reads the ConfigMap `x`."""
    if "mount" in how:
        volume = {"name": "v", "configMap": {"name": "x"}}
        return pod({"volumeMounts": [{"name": "v", "mountPath": "/x", **how["mount"]}]}, volumes=[volume])
    return pod(how)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (reads(envFrom=[{"configMapRef": {"name": "x"}}]), "running pods keep the old value until they restart"),
        (
            reads(env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "x", "key": "a"}}}]),
            "running pods keep the old value until they restart",
        ),
        (reads(mount={}), "reaches running pods within a minute or so"),
        (reads(mount={"subPath": "a"}), "running pods keep the old value until they restart"),
    ],
)
def test_a_config_map_without_a_hash_is_seen_later(spec: Object, words: str) -> None:
    old, new = (make("ConfigMap", data={"a": value}) for value in "12")
    assert told(diff([old, deployment(spec)], [new, deployment(spec)])) == [f"later {words} (Deployment/x)"]
    # Where the pods restart anyway, they see it.
    again = [new, deployment({**spec, "terminationGracePeriodSeconds": 9})]
    assert told(diff([old, deployment(spec)], again)) == ["restart its pods restart"]


def test_a_secret_that_is_sealed_again_is_seen_later() -> None:
    old, new = (
        make("SealedSecret", api="bitnami.com/v1alpha1", spec={"encryptedData": {"K": value}})
        for value in ("Ag1", "Ag2")
    )
    user = deployment(pod({"envFrom": [{"secretRef": {"name": "x"}}]}))
    assert told(diff([old, user], [new, user])) == [
        "secret K: sealed again",
        "later running pods keep the old value until they restart (Deployment/x)",
    ]


def test_the_worker_template_counts_from_the_next_task_on() -> None:
    before = overlay("dev")
    after = copy.deepcopy(before)
    for each in after:
        if each["metadata"]["name"] == "airflow-pod-template":
            text = each["data"]["pod-template.yaml"]
            each["data"]["pod-template.yaml"] = text.replace("memory: 256Mi", "memory: 300Mi")
    assert told(environment_diff.over_time("dev", before, after)) == [
        "later tasks are made from it from the next task on; those that run stay as they are"
    ]
    after = copy.deepcopy(before)
    for each in after:
        if each["metadata"]["name"] == "airflow-worker-env":
            each["data"]["A"] = "1"
    assert told(environment_diff.over_time("dev", before, after)) == [
        "later counts from the next task on: tasks that run keep the old value (ConfigMap/airflow-pod-template)"
    ]


def test_a_first_build_migrates_nothing() -> None:
    effects = {each.effect for each in environment_diff.over_time("dev", [], overlay("dev")).consequences}
    assert Effect.MIGRATION not in effects
    assert Effect.SECURITY in effects


def renamed(objects: Sequence[Object], old: str, new: str) -> list[Object]:
    return list(yaml.safe_load_all(yaml.safe_dump_all(objects).replace(old, new)))


def test_another_namespace_is_told_in_one_sentence() -> None:
    before = overlay("dev")
    found = environment_diff.over_time("dev", before, renamed(before, "airflow-dev", "airflow-two"))
    assert [(each.effect, each.subject) for each in found.consequences] == [(Effect.REPLACED, "Namespace/airflow-two")]
    lines = formats.lines(found)
    assert len(lines) == 2
    assert "a new, empty environment" in lines[1]
    assert "its database and its volumes begin empty; what runs in airflow-dev is pruned" in lines[1]


def test_another_namespace_hides_nothing_else() -> None:
    before = overlay("dev")
    after = renamed(before, "airflow-dev", "airflow-two")
    role = next(each for each in after if each["kind"] == "Role")
    role["rules"].append({"verbs": ["*"], "apiGroups": [""], "resources": ["secrets"]})
    found = environment_diff.over_time("dev", before, after)
    assert [each.effect for each in found.consequences] == [Effect.REPLACED, Effect.SECURITY]
    # One object that stays, and it is no other environment.
    stays = environment_diff.over_time("dev", before, [*after, before[1]])
    assert Effect.REPLACED not in {each.effect for each in stays.consequences}


def test_between_environments_rights_are_nobody_s_own() -> None:
    before = overlay("dev")
    after = renamed(before, "airflow-dev", "airflow-two")
    role = next(each for each in after if each["kind"] == "Role")
    role["rules"][0]["resources"] = ["secrets"]
    next(each for each in after if each["kind"] == "Namespace")["metadata"]["labels"] = {}
    found = environment_diff.between("dev → two", before, after, frozenset())
    assert {each.subject for each in found.consequences if each.effect is Effect.SECURITY} == {
        f"Role/{role['metadata']['name']}",
        "Namespace/airflow-two",
    }


def test_objects_of_one_identity_do_not_hide_each_other() -> None:
    """Those whose names differ in a hash or a release alone, and those of one kind in two API groups."""
    evil = make("Job", "airflow-migrate-zzz", api="batch/v1", spec={"template": {"spec": pod(hostPID=True)}})
    real = make("Job", "airflow-migrate-1", api="batch/v1", spec={"template": {"spec": SAFE}})
    for after in ([real, evil], [evil, real]):
        assert "Job/airflow-migrate-zzz" in {str(each.identity) for each in compare.compare([real], after)}
        assert "security sees all processes of the node (hostPID)" in told(diff([HARMLESS, real], [HARMLESS, *after]))
    rights = make("Role", api="rbac.authorization.k8s.io/v1", rules=[{"verbs": ["*"], "resources": ["*"]}])
    shadow = make("Role", api="evil.example/v1")
    for side in ([rights, shadow], [shadow, rights]):
        said = told(diff([HARMLESS], [HARMLESS, *side]))
        assert "security may do anything with everything of the core API" in " ".join(said)
    # The same name in another group is another object: what it may do is new.
    moved = diff([HARMLESS, {**rights, "apiVersion": "evil.example/v1"}], [HARMLESS, rights])
    assert any("may do anything" in line for line in told(moved))
