"""The vendored Kubernetes schemas: minors, sources, kinds and fields."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.config.model import OLDEST_KUBERNETES
from bootstrap.kubernetes import schemas
from bootstrap.kubernetes.objects import MERGE_KEYS
from bootstrap.kubernetes.scalars import scalar

DATA = Path(schemas.__file__).parents[1] / "data/kubernetes-schemas.json.gz"
APIS = (
    *("v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1", "storage.k8s.io/v1"),
    *("rbac.authorization.k8s.io/v1", "bitnami.com/v1alpha1", "argoproj.io/v1alpha1"),
    *("kustomize.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1"),
)
POD = "io.k8s.api.core.v1.PodSpec"


def minors_of(definition: str, field: str) -> tuple[str, ...]:
    bits = 0
    for held, _ in schemas.definition(definition).fields[field]:
        bits |= held
    return schemas.names(bits)


def test_the_minors_are_consecutive_from_the_oldest_supported_one() -> None:
    known = [schemas.number(minor) for minor in schemas.known()]
    assert schemas.known()[0] == OLDEST_KUBERNETES
    assert known == [(1, minor) for minor in range(known[0][1], known[-1][1] + 1)]


def test_each_minor_and_each_custom_kind_names_its_source() -> None:
    sources = schemas.sources()
    for minor in schemas.known():
        assert sources[minor].startswith(f"k8s.io/kubernetes v{minor}.")
    assert sources["bitnami.com/v1alpha1 SealedSecret"] == "github.com/bitnami-labs/sealed-secrets v0.40.0"
    assert len(sources) == len(schemas.known()) + 5


@pytest.mark.parametrize(
    ("oldest", "first"),
    [("1.31", "1.31"), ("1.33", "1.33"), ("1.9", "1.31"), ("1.99", schemas.known()[-1])],
)
def test_a_range_begins_at_its_oldest_minor_as_a_number(oldest: str, first: str) -> None:
    assert schemas.minors(oldest)[0] == first
    assert schemas.minors(oldest)[-1] == schemas.known()[-1]


@pytest.mark.parametrize(
    ("api", "kind", "since"),
    [
        ("apps/v1", "Deployment", "1.31"),
        ("v1", "Secret", "1.31"),
        ("networking.k8s.io/v1", "ServiceCIDR", "1.33"),
        ("storage.k8s.io/v1", "VolumeAttributesClass", "1.34"),
        ("resource.k8s.io/v1", "ResourceClaim", "1.34"),
        ("argoproj.io/v1alpha1", "Application", "1.31"),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "1.31"),
    ],
)
def test_a_kind_is_served_from_the_minor_of_its_release_notes_on(api: str, kind: str, since: str) -> None:
    assert schemas.kinds(api)[kind].minors == schemas.minors(since)


def test_a_removed_api_is_served_until_its_last_minor() -> None:
    assert schemas.kinds("flowcontrol.apiserver.k8s.io/v1beta3")["FlowSchema"].minors == ("1.31",)
    assert schemas.kinds("policy/v1beta1") == {}


@pytest.mark.parametrize(
    ("definition", "field", "since"),
    [
        (POD, "containers", "1.31"),
        (POD, "resources", "1.32"),  # pod-level resources, alpha in 1.32
        (POD, "hostnameOverride", "1.34"),
        ("io.k8s.api.core.v1.Container", "restartPolicyRules", "1.34"),
    ],
)
def test_a_field_exists_from_the_minor_of_its_release_notes_on(definition: str, field: str, since: str) -> None:
    assert minors_of(definition, field) == schemas.minors(since)


def test_the_api_versions_of_a_kind_begin_with_the_newest_stable_one() -> None:
    assert schemas.apis("Ingress") == ("networking.k8s.io/v1",)
    assert schemas.apis("HorizontalPodAutoscaler") == ("autoscaling/v2", "autoscaling/v1")
    assert schemas.apis("ResourceClaim")[0] == "resource.k8s.io/v1"
    assert schemas.apis("Application") == ()


def test_custom_groups_are_not_built_in() -> None:
    assert {"", "apps", "batch", "networking.k8s.io"} <= schemas.groups()
    assert not {"argoproj.io", "bitnami.com", "source.toolkit.fluxcd.io"} & schemas.groups()


def test_every_reference_has_a_definition_and_every_type_a_check() -> None:
    wanted = [kind.definition for api in APIS for kind in schemas.kinds(api).values() if kind.definition]
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            for variants in schemas.definition(name).fields.values():
                for _, variant in variants:
                    node = variant
                    while "items" in node:
                        node = node["items"]
                    if "ref" in node:
                        wanted.append(node["ref"])
                    elif node["type"] != "any":
                        assert scalar(object(), node, "field"), f"{name}: {node}"
    assert len(seen) > 250


def test_the_data_is_small_and_holds_no_prose() -> None:
    packed = DATA.read_bytes()
    assert len(packed) < 40_000
    assert b'"description":"' not in gzip.decompress(packed)
    assert packed[4:8] == bytes(4)  # no time in it: the same sources give the same bytes


def test_the_data_is_loaded_on_first_use() -> None:
    program = "import bootstrap.kubernetes.schemas as s; print(s._data.cache_info().currsize)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "0"


def test_the_merge_keys_are_those_of_the_schemas() -> None:
    found = {key.decode() for key in re.findall(rb'"keys":\["(\w+)"', gzip.decompress(DATA.read_bytes()))}
    # Lists that Kubernetes replaces as a whole: the items of a volume's ConfigMap, the volume claim templates.
    assert found == {*MERGE_KEYS} - {"key", "metadata"}
