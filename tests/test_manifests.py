"""base/ and overlays/ as a cluster gets them: everything here looks at what the real kustomize renders."""

from __future__ import annotations

import base64
import datetime
import importlib.util
import ipaddress
import json
import re
import shutil
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.rendering import ROOT, Object, is_hashed, overlay, parse, pick, render, unhashed

ENVIRONMENTS = ["dev", "complete"]
COMPONENTS = sorted(path.name for path in (ROOT / "base" / "components").iterdir())
SOURCES = sorted(path for top in ("base", "overlays") for path in (ROOT / top).rglob("*.yaml"))
DEPLOYMENTS = ["airflow-api-server", "airflow-dag-processor", "airflow-scheduler", "airflow-triggerer"]

# Made outside of Kustomize: by `taxiway init`, by the component generated-secrets, or by hand.
SECRETS = {
    "airflow-postgres": {
        "DATABASE_HOST",
        "DATABASE_PORT",
        "DATABASE_DB",
        "DATABASE_USER",
        "DATABASE_PASSWORD",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    },
    "airflow-fernet": {"AIRFLOW__CORE__FERNET_KEY"},
    "airflow-jwt": {"AIRFLOW__API_AUTH__JWT_SECRET"},
    "airflow-api": {"AIRFLOW__API__SECRET_KEY"},
    "airflow-admin": {"ADMIN_USERNAME", "ADMIN_PASSWORD"},
    "airflow-connections": {"AIRFLOW_CONN_AWS_DEFAULT"},
}

# The secrets that each container reads, and so all that a break-in there gives away.
SECRETS_READ = {
    "airflow-api-server": {
        "wait-for-migrations": {"airflow-postgres"},
        "api-server": {"airflow-postgres", "airflow-fernet", "airflow-jwt", "airflow-api", "airflow-connections"},
    },
    "airflow-scheduler": {
        "wait-for-migrations": {"airflow-postgres"},
        "scheduler": {"airflow-postgres", "airflow-fernet", "airflow-jwt"},
    },
    "airflow-dag-processor": {
        "wait-for-migrations": {"airflow-postgres"},
        "dag-processor": {"airflow-postgres", "airflow-fernet"},
    },
    "airflow-triggerer": {
        "wait-for-migrations": {"airflow-postgres"},
        "triggerer": {"airflow-postgres", "airflow-fernet", "airflow-connections"},
    },
    "airflow-migrate-3-3-2": {"migrate": {"airflow-postgres"}},
    "airflow-create-user-3-3-2": {"create-user": {"airflow-postgres", "airflow-admin"}},
    "airflow-generate-secrets-3-3-2": {"generate-secrets": set()},
    "airflow-pg": {"postgres": {"airflow-postgres"}},
    "airflow-s3": {"localstack": set()},
    "airflow-worker": {"base": {"airflow-connections", "airflow-dags-git"}},
}

# Verbs by resource of the core API group, by ServiceAccount: what a real cluster was seen to need, and no more.
RBAC: dict[str, dict[str, set[str]]] = {
    "airflow-api-server": {"pods": {"list"}, "pods/log": {"get"}},
    "airflow-scheduler": {"pods": {"create", "delete", "list", "patch", "watch"}},
    "airflow-triggerer": {"pods": {"get"}, "events": {"watch"}},
    "airflow-worker": {
        "pods": {"create", "delete", "get", "list", "patch"},
        "pods/log": {"get"},
        "pods/exec": {"create", "get"},
        "events": {"list"},
    },
    "airflow-generate-secrets": {"secrets": {"create"}},
}

# Each object of the manifests that this project began with (for Airflow 1.10), and what has taken its place.
SUCCESSORS = [
    ("PodDisruptionBudget airflow-scheduler", "PodDisruptionBudget airflow-scheduler"),
    ("Secret airflow-connections", "Job airflow-generate-secrets-3-3-2"),
    ("Secret airflow-fernet", "Job airflow-generate-secrets-3-3-2"),
    ("Secret airflow-postgres", "Job airflow-generate-secrets-3-3-2"),
    ("ConfigMap airflow-localstack-init", "ConfigMap airflow-localstack-init"),
    ("ConfigMap airflow-local-settings", "ConfigMap airflow-local-settings"),
    ("ConfigMap airflow-env", "ConfigMap airflow-env"),
    ("ConfigMap airflow-scripts", "Job airflow-migrate-3-3-2"),
    ("ServiceAccount airflow", "ServiceAccount airflow-scheduler"),
    ("Role airflow", "Role airflow-scheduler"),
    ("RoleBinding airflow", "RoleBinding airflow-scheduler"),
    ("Service airflow-web", "Service airflow-web"),
    ("Service airflow-s3", "Service airflow-s3"),
    ("Service airflow-pg-headless", "Service airflow-pg-headless"),
    ("Service airflow-pg", "Service airflow-pg"),
    ("PersistentVolume airflow-pg", "StatefulSet airflow-pg"),
    ("PersistentVolumeClaim airflow-pg", "StatefulSet airflow-pg"),
    ("StatefulSet airflow-pg", "StatefulSet airflow-pg"),
    ("Deployment airflow-s3", "Deployment airflow-s3"),
    ("Deployment airflow-scheduler", "Deployment airflow-scheduler"),
    ("Deployment airflow-web", "Deployment airflow-api-server"),
]

KUSTOMIZATION_KEYS = [
    "apiVersion",
    "kind",
    "metadata",
    "namespace",
    "resources",
    "components",
    "images",
    "configMapGenerator",
    "patches",
    "replacements",
    "labels",
]


# --- reading what was rendered -------------------------------------------------------------------------------------


def worker(objects: list[Object]) -> Object:
    """Return the worker pod of the pod template's text."""
    (pod,) = parse(pick(objects, "ConfigMap", "airflow-pod-template")["data"]["pod-template.yaml"])
    return pod


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Yield the name and the pod spec of every workload, the worker's of the pod template's text included."""
    for item in objects:
        if item["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield item["metadata"]["name"], item["spec"]["template"]["spec"]
    yield "airflow-worker", worker(objects)["spec"]


def containers(pod: Object) -> list[Object]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def config_maps_read(pod: Object) -> set[str]:
    """Return the names of the ConfigMaps that a pod cannot start without."""
    volumes = [volume["configMap"] for volume in pod["volumes"] if "configMap" in volume]
    sources = [s["configMapRef"] for c in containers(pod) for s in c.get("envFrom", []) if "configMapRef" in s]
    return {ref["name"] for ref in [*volumes, *sources] if not ref.get("optional")}


def secret_keys_read(container: Object) -> Iterator[tuple[str, str | None, bool]]:
    """Yield name, key (None: all of them) and whether it may be missing, of every secret that a container reads."""
    for variable in container.get("env", []):
        if ref := variable.get("valueFrom", {}).get("secretKeyRef"):
            yield ref["name"], ref["key"], ref.get("optional", False)
    for source in container.get("envFrom", []):
        if ref := source.get("secretRef"):
            yield ref["name"], None, ref.get("optional", False)


def identities(objects: list[Object]) -> set[tuple[str, str]]:
    return {(o["kind"], unhashed(o["metadata"]["name"])) for o in objects}


def dag_bundles(settings: dict[str, str]) -> list[Object]:
    """Return the list of DAG bundles as Airflow reads it: it fills in $NAMES from the environment first."""
    text = settings["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"]
    bundles: list[Object] = json.loads(re.sub(r"\$(\w+)", lambda name: settings[name[1]], text))
    return bundles


# --- changing a copy -----------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of base/ and overlays/ that a test may change."""
    for top in ("base", "overlays"):
        shutil.copytree(ROOT / top, tmp_path / top)
    return tmp_path


def edit(path: Path, before: str, after: str) -> None:
    """Replace a text that stands in a file exactly once."""
    text = path.read_text()
    assert text.count(before) == 1, f"{path}: {text.count(before)} times {before!r}"
    path.write_text(text.replace(before, after))


def with_components(project: Path, environment: str, names: list[str]) -> list[Object]:
    """Render an overlay of the copy with components added at the end of its list, those it has already left alone."""
    path = project / "overlays" / environment / "kustomization.yaml"
    listed = yaml.safe_load(path.read_text())["components"]
    added = [n for n in (f"../../base/components/{name}" for name in names) if n not in listed]
    edit(path, f"  - {listed[-1]}\n", "".join(f"  - {name}\n" for name in [listed[-1], *added]))
    return parse(render(path.parent))


# --- the sources ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_file_holds_one_resource_and_is_named_after_it(path: Path) -> None:
    (document,) = parse(path.read_text())
    if path.name in ("kustomization.yaml", "replacements.yaml", "pod-template.yaml"):
        return
    kind, name = document["kind"].lower(), document["metadata"]["name"]
    alone = len([*path.parent.glob(f"{kind}.*yaml")]) == 1
    expected = f"{kind}.yaml" if alone else f"{kind}.{re.sub('^airflow-|-release$', '', name)}.yaml"
    assert path.name == expected


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_yaml_is_in_block_style_with_indented_sequences(path: Path) -> None:
    def check(node: yaml.Node, parent: int) -> None:
        if isinstance(node, (yaml.MappingNode, yaml.SequenceNode)):
            assert not (node.flow_style and node.value), f"flow style: {node.start_mark}"
        if isinstance(node, yaml.SequenceNode) and not node.flow_style:
            column = node.start_mark.column
            assert column == parent, f"sequence at column {column}, not {parent}: {node.start_mark}"
            for item in node.value:
                check(item, column + 2)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                check(value, key.start_mark.column + 2)

    root = yaml.compose(path.read_text())
    assert root is not None
    check(root, 0)
    assert max(map(len, path.read_text().splitlines())) <= 120


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.name == "kustomization.yaml"], ids=lambda path: str(path.parent.relative_to(ROOT))
)
def test_kustomization_keys_stand_in_one_order_and_name_files_that_exist(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    assert list(document) == [key for key in KUSTOMIZATION_KEYS if key in document]
    for name in [*document.get("resources", []), *document.get("components", [])]:
        assert (path.parent / name).exists()


def test_every_resource_file_is_listed_by_its_kustomization() -> None:
    for path in SOURCES:
        if path.name in ("kustomization.yaml", "replacements.yaml", "pod-template.yaml"):
            continue
        folder = path.parent.parent if path.parent.name == "patches" else path.parent
        document = yaml.safe_load((folder / "kustomization.yaml").read_text())
        listed = [*document.get("resources", []), *(patch["path"] for patch in document.get("patches", []))]
        assert str(path.relative_to(folder)) in listed


def test_the_pod_template_has_single_quotes_around_its_image_only() -> None:
    text = (ROOT / "base/airflow/pod-template.yaml").read_text()
    assert re.findall("'[^']*'", text) == ["'apache/airflow'"]
    assert text.count("'") == 2


def test_the_release_is_the_same_in_both_overlays() -> None:
    files = {p.name: p.read_text() for p in (ROOT / "overlays/dev/release").iterdir()}
    assert files == {p.name: p.read_text() for p in (ROOT / "overlays/complete/release").iterdir()}


# --- what they render to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_overlay_renders_to_its_golden_file(environment: str, update_golden: bool) -> None:
    golden = ROOT / "tests" / "golden" / f"{environment}.yaml"
    rendered = render(ROOT / "overlays" / environment)
    if update_golden:
        golden.write_text(rendered)
    assert rendered == golden.read_text(), "if the change is meant: pytest --update-golden"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_everything_is_in_the_namespace_which_nobody_deletes(environment: str) -> None:
    objects = overlay(environment)
    namespace = pick(objects, "Namespace", f"airflow-{environment}")
    annotations = namespace["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
    assert annotations["kustomize.toolkit.fluxcd.io/prune"] == "disabled"
    for mode in ("enforce", "audit", "warn"):
        assert namespace["metadata"]["labels"][f"pod-security.kubernetes.io/{mode}"] == "restricted"
    for item in objects:
        if item["kind"] != "Namespace":
            assert item["metadata"]["namespace"] == f"airflow-{environment}"
            assert item["metadata"]["labels"]["app.kubernetes.io/part-of"] == "airflow"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_selectors_find_their_pods_and_only_those(environment: str) -> None:
    objects = overlay(environment)
    labels = {
        n: o["spec"]["template"]["metadata"]["labels"]
        for o in objects
        if (n := o["metadata"]["name"]) and (o["kind"] in ("Deployment", "StatefulSet", "Job"))
    }
    labels["airflow-worker"] = worker(objects)["metadata"]["labels"]

    def found(selector: dict[str, str]) -> set[str]:
        assert "app.kubernetes.io/part-of" not in selector
        return {name for name, have in labels.items() if selector.items() <= have.items()}

    for item in objects:
        name = item["metadata"]["name"]
        if item["kind"] in ("Deployment", "StatefulSet", "PodDisruptionBudget"):
            assert found(item["spec"]["selector"]["matchLabels"]) == {name}
    targets = {o["metadata"]["name"]: found(o["spec"]["selector"]) for o in objects if o["kind"] == "Service"}
    assert targets == {
        "airflow-web": {"airflow-api-server"},
        "airflow-s3": {"airflow-s3"},
        "airflow-pg": {"airflow-pg"},
        "airflow-pg-headless": {"airflow-pg"},
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_name_that_a_pod_refers_to_exists(environment: str) -> None:
    objects = overlay(environment)
    names = {(o["kind"], o["metadata"]["name"]) for o in objects}
    for name, pod in pods(objects):
        assert ("ServiceAccount", pod["serviceAccountName"]) in names
        for config_map in config_maps_read(pod):
            assert ("ConfigMap", config_map) in names, f"{name} reads {config_map}"
        for container in containers(pod):
            mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
            claims = {"data"} if name == "airflow-pg" else set()
            assert mounts <= {volume["name"] for volume in pod["volumes"]} | claims
            for secret, key, optional in secret_keys_read(container):
                if not optional:
                    assert secret in SECRETS
                    assert key is None or key in SECRETS[secret]


def test_each_container_reads_the_secrets_it_needs_and_no_others() -> None:
    read = {
        name: {c["name"]: {secret for secret, _, _ in secret_keys_read(c)} for c in containers(pod)}
        for name, pod in pods(overlay("complete"))
    }
    assert read == SECRETS_READ


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_pod_is_restricted_and_bounded(environment: str) -> None:
    for name, pod in pods(overlay(environment)):
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["enableServiceLinks"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert {key for v in pod["volumes"] for key in v} <= {"name", "configMap", "emptyDir"}
        assert pod["automountServiceAccountToken"] is (pod["serviceAccountName"] in RBAC), name
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(container["resources"]["requests"])
            assert "memory" in container["resources"]["limits"]
            assert not {"hostPort"} & {key for port in container.get("ports", []) for key in port}
    for item in overlay(environment):
        if item["kind"] in ("Deployment", "StatefulSet"):
            (container,) = item["spec"]["template"]["spec"]["containers"]
            assert {"startupProbe", "livenessProbe"} <= set(container)


def test_roles_give_exactly_the_verbs_of_the_table() -> None:
    objects = overlay("complete")
    granted: dict[str, dict[str, set[str]]] = {}
    for binding in (o for o in objects if o["kind"] == "RoleBinding"):
        (subject,) = binding["subjects"]
        assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", "airflow-complete")
        rules = granted.setdefault(subject["name"], {})
        for rule in pick(objects, "Role", binding["roleRef"]["name"])["rules"]:
            assert set(rule) == {"apiGroups", "resources", "verbs"}
            assert rule["apiGroups"] == [""]
            for resource in rule["resources"]:
                rules.setdefault(resource, set()).update(rule["verbs"])
    assert granted == RBAC
    assert not [o for o in objects if o["kind"].startswith("Cluster")]
    for account in (o for o in objects if o["kind"] == "ServiceAccount"):
        assert account.get("automountServiceAccountToken", True) is (account["metadata"]["name"] in RBAC)


def test_every_object_of_the_first_manifests_has_its_successor() -> None:
    there = identities(overlay("complete"))
    for _, successor in SUCCESSORS:
        assert tuple(successor.split()) in there


def test_services_are_internal_but_for_the_user_interface() -> None:
    services = {o["metadata"]["name"]: o["spec"] for o in overlay("complete") if o["kind"] == "Service"}
    assert services["airflow-web"]["type"] == "NodePort"
    assert [p["port"] for p in services["airflow-web"]["ports"]] == [8080]
    assert "nodePort" not in services["airflow-web"]["ports"][0]  # two environments may share a cluster
    assert [p["port"] for p in services["airflow-s3"]["ports"]] == [33000]
    for name in ("airflow-s3", "airflow-pg", "airflow-pg-headless"):
        assert services[name].get("type", "ClusterIP") == "ClusterIP"


# --- names, hashes and what rolls ----------------------------------------------------------------------------------


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_cannot_change_or_is_plain_text_names_nothing_with_a_hash(environment: str) -> None:
    objects = overlay(environment)
    for item in (o for o in objects if o["kind"] == "Job"):
        assert not [n for n in config_maps_read(item["spec"]["template"]["spec"]) if is_hashed(n)]
    words = re.findall(r"[\w-]+", pick(objects, "ConfigMap", "airflow-pod-template")["data"]["pod-template.yaml"])
    assert not [word for word in words if is_hashed(word)]
    for name in ("airflow-worker-env", "airflow-worker-local-settings", "airflow-release"):
        assert pick(objects, "ConfigMap", name)["metadata"]["name"] == name


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_workers_have_the_settings_of_the_rest(environment: str) -> None:
    objects = overlay(environment)
    workers = pick(objects, "ConfigMap", "airflow-worker-env")["data"]
    for name in ("airflow-env", "airflow-dags"):
        assert pick(objects, "ConfigMap", name)["data"].items() <= workers.items()
    ours = dict(pick(objects, "ConfigMap", "airflow-local-settings")["data"])
    # What probes and init containers run has no use in a worker.
    assert ours.pop("job_alive.py")
    assert ours.pop("migrated.py")
    assert ours == pick(objects, "ConfigMap", "airflow-worker-local-settings")["data"]


def rolled(before: list[Object], after: list[Object]) -> set[str]:
    """Return the names of the workloads whose pods a change replaces."""
    old = {(o["kind"], o["metadata"]["name"]): o["spec"]["template"] for o in before if "template" in o.get("spec", {})}
    new = {(o["kind"], o["metadata"]["name"]): o["spec"]["template"] for o in after if "template" in o.get("spec", {})}
    return {name for kind, name in old | new if old.get((kind, name)) != new.get((kind, name))}


@pytest.mark.parametrize(
    ("file", "before", "after", "expected"),
    [
        ("overlays/dev/airflow.env", "Airflow: dev", "Airflow: test", set(DEPLOYMENTS)),
        ("base/airflow/airflow_local_settings.py", '"test"', '"other"', set(DEPLOYMENTS)),
        ("base/airflow/pod-template.yaml", "Seconds: 60", "Seconds: 600", set()),
        ("base/airflow/worker.env", '"in_cluster":true', '"in_cluster":false', set()),
        ("base/components/tutorial-dags/dags/tutorial.py", "sleep 5", "sleep 6", set()),
        ("overlays/dev/release/release.env", "DAGS_REFERENCE=", "DAGS_REFERENCE=v2", {"airflow-dag-processor"}),
        (
            "overlays/dev/release/release.env",
            "RELEASE=3-3-2",
            "RELEASE=3-3-2-b",
            {
                "airflow-migrate-3-3-2",
                "airflow-migrate-3-3-2-b",
                "airflow-create-user-3-3-2",
                "airflow-create-user-3-3-2-b",
            },
        ),
    ],
)
def test_a_change_replaces_the_pods_that_read_it_and_no_others(
    project: Path, file: str, before: str, after: str, expected: set[str]
) -> None:
    old = with_components(project, "dev", ["dags-from-git"])
    edit(project / file, before, after)
    assert rolled(old, parse(render(project / "overlays/dev"))) == expected


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ('newTag: "3.3.2"', "apache/airflow:3.3.2"),
        ('newTag: "3.3.3"', "apache/airflow:3.3.3"),
        (f'newTag: "3.3.3"\n    digest: sha256:{"5e" * 32}', f"apache/airflow:3.3.3@sha256:{'5e' * 32}"),
        (f"digest: sha256:{'5e' * 32}", f"apache/airflow@sha256:{'5e' * 32}"),
        (
            f'newName: registry.example.com:5000/acme/airflow\n    newTag: "7"\n    digest: sha256:{"5e" * 32}',
            f"registry.example.com:5000/acme/airflow:7@sha256:{'5e' * 32}",
        ),
    ],
    ids=["as-is", "tag", "tag-and-digest", "digest", "name-with-port"],
)
def test_everything_follows_the_one_image_of_the_release(project: Path, images: str, expected: str) -> None:
    edit(project / "overlays/complete/release/kustomization.yaml", 'newTag: "3.3.2"', images)
    objects = parse(render(project / "overlays/complete"))
    used = {
        c["image"] for name, pod in pods(objects) if name not in ("airflow-pg", "airflow-s3") for c in containers(pod)
    }
    assert used == {expected}
    settings = pick(objects, "ConfigMap", "airflow-worker-env")["data"]
    connection = json.loads(settings["AIRFLOW_CONN_KUBERNETES_DEFAULT"])
    assert connection == {
        "conn_type": "kubernetes",
        "extra": {"xcom_sidecar_container_image": expected, "in_cluster": True},
    }
    assert settings["AIRFLOW_IMAGE"] == expected
    assert pick(objects, "ConfigMap", "airflow-dags")["data"]["AIRFLOW_IMAGE"] == expected


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_nothing_is_pulled_but_three_images_with_fixed_tags(environment: str) -> None:
    objects = overlay(environment)
    images = {c["image"] for _, pod in pods(objects) for c in containers(pod)}
    assert {image.partition(":")[0] for image in images} == {"apache/airflow", "localstack/localstack", "postgres"}
    assert len(images) == 3
    for image in images:
        assert re.search(r":[0-9][\w.-]*(@sha256:[0-9a-f]{64})?$", image)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_pinned_copy_of_the_base_renders_the_same(project: Path, environment: str) -> None:
    folder = project / "overlays" / environment
    shutil.copytree(project / "base", folder / "base")
    shutil.rmtree(project / "base")
    path = folder / "kustomization.yaml"
    path.write_text(path.read_text().replace("../../base", "base"))
    assert parse(render(folder)) == overlay(environment)


# --- components ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_component_renders_on_each_overlay(project: Path, environment: str, component: str) -> None:
    objects = with_components(project, environment, [component])
    assert ("Job", "airflow-migrate-3-3-2") in identities(objects)
    dag_bundles(pick(objects, "ConfigMap", "airflow-worker-env")["data"])


@pytest.mark.parametrize("order", [COMPONENTS, COMPONENTS[::-1]], ids=["a-to-z", "z-to-a"])
def test_components_go_together_in_any_order(project: Path, order: list[str]) -> None:
    objects = with_components(project, "dev", [name for name in order if name != "generated-secrets"])
    settings = pick(objects, "ConfigMap", "airflow-worker-env")["data"]
    assert sorted(bundle["name"] for bundle in dag_bundles(settings)) == ["dags-folder", "git-dags", "tutorial"]
    assert settings["AIRFLOW__LOGGING__JSON_LOGS"] == "True"
    assert settings["AIRFLOW__LOGGING__LOGGING_LEVEL"] == "DEBUG"
    assert {"airflow-pg", "airflow-s3"}.isdisjoint(o["metadata"]["name"] for o in objects)


@pytest.mark.parametrize(
    ("component", "gone"),
    [
        (
            "external-database",
            {
                ("Service", "airflow-pg"),
                ("Service", "airflow-pg-headless"),
                ("ServiceAccount", "airflow-postgres"),
                ("StatefulSet", "airflow-pg"),
            },
        ),
        (
            "external-object-store",
            {
                ("ConfigMap", "airflow-localstack-init"),
                ("Deployment", "airflow-s3"),
                ("Service", "airflow-s3"),
                ("ServiceAccount", "airflow-localstack"),
            },
        ),
    ],
)
def test_what_is_external_is_not_in_the_cluster(project: Path, component: str, gone: set[tuple[str, str]]) -> None:
    objects = with_components(project, "dev", [component])
    assert identities(overlay("dev")) - identities(objects) == gone
    assert not rolled(overlay("dev"), objects) - {"airflow-pg", "airflow-s3"}


def test_ingress_takes_the_place_of_the_node_port(project: Path) -> None:
    objects = with_components(project, "dev", ["ingress"])
    service = pick(objects, "Service", "airflow-web")
    assert service["spec"]["type"] == "ClusterIP"
    (rule,) = pick(objects, "Ingress", "airflow-web")["spec"]["rules"]
    assert "host" not in rule
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": "airflow-web", "port": {"name": service["spec"]["ports"][0]["name"]}}


def test_the_patch_that_the_ingress_describes_works(project: Path) -> None:
    text = (project / "base/components/ingress/kustomization.yaml").read_text()
    patch = "".join(line[4:] + "\n" for line in text.splitlines() if line.startswith("#   "))
    overlay_file = project / "overlays/dev/kustomization.yaml"
    edit(overlay_file, "replacements:\n", f"{patch}replacements:\n")
    ingress = pick(with_components(project, "dev", ["ingress"]), "Ingress", "airflow-web")
    assert ingress["spec"]["rules"][0]["host"] == "airflow.example.com"
    assert ingress["spec"]["tls"] == [{"hosts": ["airflow.example.com"], "secretName": "airflow-web-tls"}]


@pytest.mark.parametrize("component", ["json-logging", "debug-logging"])
def test_logging_components_reach_workers_and_the_rest(project: Path, component: str) -> None:
    wanted = dict(
        line.split("=")
        for line in (ROOT / f"base/components/{component}/logging.env").read_text().splitlines()
        if not line.startswith("#")
    )
    objects = with_components(project, "dev", [component])
    for name in ("airflow-env", "airflow-worker-env"):
        assert wanted.items() <= pick(objects, "ConfigMap", name)["data"].items()


@pytest.mark.parametrize(
    "release",
    [
        {},
        {"DAGS_REPOSITORY": "git@github.com:acme/dags.git", "DAGS_REFERENCE": "v1.2", "DAGS_FOLDER": "team/dags"},
        {"DAGS_REPOSITORY": "https://git.example.com:8443/acme/dags", "DAGS_REFERENCE": "5e" * 20},
    ],
    ids=["empty", "ssh", "https"],
)
def test_dags_from_git_come_from_where_the_release_says(project: Path, release: dict[str, str]) -> None:
    for key, value in release.items():
        edit(project / "overlays/dev/release/release.env", f"\n{key}=\n", f"\n{key}={value}\n")
    objects = with_components(project, "dev", ["dags-from-git"])
    for name in ("airflow-dags", "airflow-worker-env"):
        (bundle,) = [b for b in dag_bundles(pick(objects, "ConfigMap", name)["data"]) if b["name"] == "git-dags"]
        assert bundle["kwargs"] == {
            "repo_url": release.get("DAGS_REPOSITORY", ""),
            "tracking_ref": release.get("DAGS_REFERENCE", ""),
            "subdir": release.get("DAGS_FOLDER", ""),
            "git_conn_id": "git_dags",
            "refresh_interval": 60,
        }
    (container,) = pick(objects, "Deployment", "airflow-dag-processor")["spec"]["template"]["spec"]["containers"]
    plain = pick(overlay("dev"), "Deployment", "airflow-dag-processor")["spec"]["template"]["spec"]["containers"][0]
    secret = {"secretRef": {"name": "airflow-dags-git", "optional": True}}
    sources = [unhashed(next(iter(source.values()))["name"]) for source in plain["envFrom"]]
    assert sources == ["airflow-env", "airflow-dags"]
    assert [unhashed(next(iter(source.values()))["name"]) for source in container["envFrom"][:-1]] == sources
    assert container["envFrom"][-1] == secret


def test_tutorial_dags_are_where_their_bundle_looks() -> None:
    objects = overlay("dev")
    (bundle,) = [b for b in dag_bundles(pick(objects, "ConfigMap", "airflow-dags")["data"]) if b["name"] == "tutorial"]
    for name, pod in pods(objects):
        if name in ("airflow-dag-processor", "airflow-worker"):
            (volume,) = [v for v in pod["volumes"] if v.get("configMap", {}).get("name") == "airflow-tutorial-dags"]
            (mount,) = [m for m in pod["containers"][0]["volumeMounts"] if m["name"] == volume["name"]]
            assert mount["mountPath"] == bundle["kwargs"]["path"]
    files = pick(objects, "ConfigMap", "airflow-tutorial-dags")["data"]
    assert files.keys() == {p.name for p in (ROOT / "base/components/tutorial-dags/dags").iterdir()}
    assert "..*" in files[".airflowignore"].splitlines()  # or Airflow follows a mount's own links, and gives up


# --- the script of generated-secrets, against a server that answers as a Kubernetes API server does -----------------


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, without a trace of that in base/."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = ROOT / "base/components/generated-secrets/generate_secrets.py"
    spec = importlib.util.spec_from_file_location("generate_secrets", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def api_server(
    script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], dict[str, Object]]]:
    """A TLS server that keeps the Secrets it is given; the fixture's value returns them by name."""
    kept: dict[str, Object] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = body["metadata"]["name"]
            if self.headers["Authorization"] != "Bearer a-token" or self.path != "/api/v1/namespaces/ns/secrets":
                status = 403
            elif name in kept:
                status = 409
            else:
                kept[name], status = body, 201
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api-server")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (tmp_path / "ca.crt").write_bytes(certificate.public_bytes(pem))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (tmp_path / "namespace").write_text("ns")
    (tmp_path / "token").write_text("a-token")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.crt", tmp_path / "key.pem")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        monkeypatch.setattr(script, "ACCOUNT", tmp_path)
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.server_port))
        yield lambda: {secret: body["stringData"] for secret, body in kept.items()}
        server.shutdown()
        thread.join()


def test_generated_secrets_are_those_that_the_manifests_read(
    script: Any, api_server: Callable[[], dict[str, Object]], capsys: pytest.CaptureFixture[str]
) -> None:
    script.main()
    made = api_server()
    assert {name: set(values) for name, values in made.items()} == SECRETS

    database = made["airflow-postgres"]
    assert re.fullmatch(r"[\w-]{24,}", database["DATABASE_PASSWORD"])
    assert database["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == (
        "postgresql+psycopg2://{DATABASE_USER}:{DATABASE_PASSWORD}@{DATABASE_HOST}:{DATABASE_PORT}/{DATABASE_DB}"
    ).format(**database)
    services = {o["metadata"]["name"]: o["spec"]["ports"] for o in overlay("complete") if o["kind"] == "Service"}
    assert str(services[database["DATABASE_HOST"]][0]["port"]) == database["DATABASE_PORT"]
    assert len(base64.urlsafe_b64decode(made["airflow-fernet"]["AIRFLOW__CORE__FERNET_KEY"])) == 32
    assert len(made["airflow-jwt"]["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    connection = json.loads(made["airflow-connections"]["AIRFLOW_CONN_AWS_DEFAULT"])
    assert (connection["conn_type"], connection["login"]) == ("aws", "test")
    store = services["airflow-s3"][0]["port"]
    assert connection["extra"] == {"endpoint_url": f"http://airflow-s3:{store}", "region_name": "us-east-1"}

    output = "".join(capsys.readouterr())
    secret_values = [v for values in made.values() for v in values.values() if len(v) > 12]
    assert not [value for value in secret_values if value in output]


def test_a_second_run_keeps_what_is_there(
    script: Any, api_server: Callable[[], dict[str, Object]], capsys: pytest.CaptureFixture[str]
) -> None:
    script.main()
    first = api_server()
    script.main()
    assert api_server() == first
    assert capsys.readouterr().out.count("already there, kept") == len(SECRETS)


def test_any_other_refusal_fails_the_job(
    script: Any, api_server: Callable[[], dict[str, Object]], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("another-token")
    with pytest.raises(Exception, match="403"):
        script.main()
    assert api_server() == {}


def test_two_runs_never_make_the_same_value(script: Any) -> None:
    first, second = (
        {v for values in script.generate().values() for v in values.values() if len(v) > 12} for _ in range(2)
    )
    assert first.isdisjoint(second)
