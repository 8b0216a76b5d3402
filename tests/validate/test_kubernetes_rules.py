"""Kubernetes rules, by single objects: what API servers refuse, and what they accept."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.config.model import Controller, Environment, Model
from bootstrap.config.remote import Forge, Remote
from bootstrap.core.tree import Tree
from bootstrap.kubernetes import schemas, values
from bootstrap.validate import registry
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.violation import Finding
from tests import validate

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Object = dict[str, Any]
DEV = Environment(name="dev", namespace="airflow-dev", cluster="default")


def golden(name: str) -> list[Object]:
    return [
        document
        for document in yaml.load_all((GOLDEN / f"{name}.yaml").read_bytes(), Loader=yaml.CSafeLoader)
        if document
    ]


def context(
    *objects: Object, oldest: str = "1.31", before: list[Object] | None = None, files: Any = None
) -> EnvironmentContext:
    model = Model(
        scaffold="0.1.0",
        remote=Remote.parse("https://git.example.com/acme/airflow-environments.git"),
        branch="main",
        forge=Forge.GITEA,
        controller=Controller.ARGOCD,
        environments=(DEV,),
        kubernetes=oldest,
    )
    text = yaml.safe_dump_all(objects).encode()
    past = None if before is None else yaml.safe_dump_all(before).encode()
    return EnvironmentContext(model=model, environment=DEV, tree=Tree(files or {}), rendered=text, before=past)


def kubernetes(env: EnvironmentContext) -> list[Finding]:
    """What the family finds."""
    return validate.found(env, "kubernetes")


def found(*objects: Object, oldest: str = "1.31") -> list[str]:
    """What is wrong with objects, as `rule: message`; the name of the family and of the first object is left out."""
    findings = kubernetes(context(*objects, oldest=oldest))
    return [
        f"{finding.rule.name.removeprefix('kubernetes/')}: {finding.message.partition(': ')[2]}" for finding in findings
    ]


def merged(base: Any, change: Any) -> Any:
    """A value with a change laid over it, as a merge patch does it."""
    if isinstance(base, dict) and isinstance(change, dict):
        out = {**base, **{key: merged(base.get(key), value) for key, value in change.items()}}
        return {key: value for key, value in out.items() if value is not None}
    return change


def deployment(*, spec: Object | None = None, pod: Object | None = None, container: Object | None = None) -> Object:
    base: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {}},
        },
    }
    inner = merged({"name": "web", "image": "web:1"}, container or {})
    base["spec"]["template"]["spec"] = merged({"containers": [inner]}, pod or {})
    out: Object = merged(base, {"spec": spec or {}})
    return out


def service(**spec: Any) -> Object:
    ports = [{"port": 80}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": ports, **spec}}


@pytest.mark.parametrize("name", ["dev", "complete"])
@pytest.mark.parametrize("oldest", schemas.known())
def test_every_minor_accepts_the_rendered_scaffold(name: str, oldest: str) -> None:
    assert found(*golden(name), oldest=oldest) == []


WEB = "spec.template.spec.containers[0]"
REFUSED = [
    # Schema: types, fields, lists.
    (deployment(spec={"replicas": "2"}), "wrong-type: 2 is a string, where an integer belongs"),
    (deployment(spec={"replicas": 1.5}), "wrong-type: 1.5 is a number, where an integer belongs"),
    (deployment(spec={"replicas": 2**31}), f"bad-format: {2**31} is more than 32 bits hold"),
    (deployment(spec={"paused": "yes"}), "wrong-type: yes is a string, where true or false belongs"),
    (deployment(spec={"template": []}), "wrong-type: a list is a list, where a mapping belongs"),
    (deployment(container={"args": "run"}), "wrong-type: run is a string, where a list belongs"),
    (deployment(container={"env": [{"name": "A", "value": 1}]}), "wrong-type: 1 is a number, where a string belongs"),
    (deployment(container={"imge": "x"}), f"unknown-field: imge is no field of {WEB}"),
    (deployment(container={"name": None}), f"missing-field: name is missing in {WEB}"),
    (deployment(container={"stdin": {}}), "wrong-type: a mapping is a mapping, where true or false belongs"),
    (deployment(spec={"selector": None}), "missing-field: selector is missing in spec"),
    (deployment(spec={"strategy": {"type": "Rolling"}}), "unknown-value: Rolling is no value of type"),
    (
        deployment(pod={"volumes": [{"name": "a", "emptyDir": {"sizeLimit": "1 Gi"}}]}),
        "bad-quantity: 1 Gi is no quantity",
    ),
    (deployment(container={"env": [{"name": "A"}, {"name": "A"}]}), "duplicate-item: A stands twice in env"),
    (
        deployment(container={"ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}]}),
        "duplicate-item: 80 TCP stands twice in ports",
    ),
    (deployment(pod={"dnsPolicy": "clusterfirst"}), "unknown-value: clusterfirst is no value of dnsPolicy"),
    # Versions.
    (
        deployment(pod={"hostnameOverride": "a"}),
        "not-in-every-version: hostnameOverride is no field of spec.template.spec in Kubernetes 1.31 to 1.33; "
        f"1.34 to {schemas.known()[-1]} has it",
    ),
    # Pods.
    (deployment(container={"ports": [{"containerPort": 0}]}), "bad-port: containerPort 0: "),
    (deployment(container={"ports": [{"containerPort": 65536}]}), "bad-port: containerPort 65536: "),
    (deployment(container={"ports": [{"containerPort": 1, "name": "Web"}]}), "bad-port: 'Web' is no name of a port"),
    (deployment(container={"livenessProbe": {"periodSeconds": 3}}), "bad-probe: livenessProbe has none of exec"),
    (
        deployment(container={"startupProbe": {"exec": {"command": ["a"]}, "periodSeconds": -1}}),
        "bad-probe: periodSeconds is -1",
    ),
    (
        deployment(container={"resources": {"requests": {"cpu": "1.5"}, "limits": {"cpu": "1400m"}}}),
        "request-over-limit: the request for cpu, 1.5, is more than its limit, 1400m",
    ),
    (deployment(container={"resources": {"limits": {"cpu": -1}}}), "refused-value: limits of cpu are -1"),
    (deployment(pod={"restartPolicy": "Never"}), "restart-policy: the restart policy of a Deployment is Always"),
    (
        deployment(container={"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "a"}}}]}),
        "bad-variable: A has both a value and valueFrom",
    ),
    (deployment(container={"env": [{"name": "A B"}]}), "bad-variable: 'A B' is no name of a variable"),
    (deployment(container={"envFrom": [{"prefix": "A"}]}), "bad-variable: an entry of envFrom has no source"),
    (deployment(container={"name": "Web"}), "bad-name: 'Web' is no name of a container"),
    (
        deployment(pod={"initContainers": [{"name": "web", "image": "a"}]}),
        "refused-value: an init container is called web too",
    ),
    (
        deployment(
            pod={"initContainers": [{"name": "a", "image": "a", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}]}
        ),
        "refused-value: an init container has no lifecycle",
    ),
    (deployment(pod={"terminationGracePeriodSeconds": -1}), "refused-value: terminationGracePeriodSeconds is -1"),
    (
        deployment(pod={"tolerations": [{"operator": "Exists", "value": "a"}]}),
        "refused-value: a toleration with the operator Exists has no value",
    ),
    # Workloads.
    (deployment(spec={"replicas": -1}), "refused-value: replicas is -1"),
    (
        deployment(spec={"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}}),
        "refused-value: rollingUpdate does not go with the type Recreate",
    ),
    (
        deployment(spec={"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}}),
        "refused-value: maxSurge and maxUnavailable are both 0",
    ),
    (deployment(spec={"strategy": {"rollingUpdate": {"maxSurge": "1.5%"}}}), "refused-value: maxSurge is 1.5%"),
    # Services.
    (service(clusterIP="10.0.0"), "bad-service: 10.0.0 is no IP address"),
    (service(ports=[{"port": 80}, {"port": 81, "name": "b"}]), "bad-service: a port has no name"),
    (service(type="ExternalName"), "bad-service: a Service of type ExternalName needs an externalName"),
    (service(type="NodePort", ports=[{"port": 80, "nodePort": 8080}]), "bad-port: nodePort 8080: the range is"),
    (service(ports=[{"port": 80, "targetPort": 0}]), "bad-port: targetPort 0: "),
]


@pytest.mark.parametrize(("obj", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_an_object_that_the_server_refuses_has_one_finding(obj: Object, said: str) -> None:
    told = found(obj)
    assert len(told) == 1, told
    assert told[0].startswith(said)


TAKEN = [
    deployment(spec={"replicas": 0, "template": {"metadata": {"creationTimestamp": None}}}),
    deployment(spec={"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "30%", "maxUnavailable": 0}}}),
    deployment(container={"env": [{"name": "a.b-c", "value": ""}], "args": []}),
    deployment(
        container={"resources": {"requests": {"cpu": 1, "memory": "1e3"}, "limits": {"cpu": "1000m", "memory": "1k"}}}
    ),
    deployment(container={"ports": [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]}),
    deployment(container={"readinessProbe": {"tcpSocket": {"port": "web"}, "successThreshold": 3}}),
    deployment(pod={"initContainers": [{"name": "a", "image": "a", "restartPolicy": "Always", "lifecycle": {}}]}),
    deployment(pod={"volumes": [{"name": "a"}]}),  # an emptyDir, by default
    service(clusterIP="None", ports=None),
    service(type="NodePort", ports=[{"port": 80, "nodePort": 32767, "targetPort": "web"}]),
    service(type="ExternalName", externalName="db.example.com", ports=[]),
    {"apiVersion": "example.com/v1", "kind": "Deployment", "metadata": {"name": "mine"}, "anything": {"at": ["all"]}},
    {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "web"}, "spec": {}},
    {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "a.b.c"}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "system:a_B"}, "rules": []},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"Example.com/a": "b c"}}},
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"a": "YQ==\n"}},
]


@pytest.mark.parametrize("obj", TAKEN, ids=range(len(TAKEN)))
def test_an_object_that_the_server_accepts_has_no_finding(obj: Object) -> None:
    assert found(obj) == []


@pytest.mark.parametrize(
    ("api", "kind", "said", "hint"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", "api-not-served: policy/v1beta1 is not served", "use policy/v1"),
        ("extensions/v1beta1", "Ingress", "api-not-served: extensions/v1beta1 is not", "use networking.k8s.io/v1"),
        ("extensions/v1beta1", "Deployment", "api-not-served: extensions/v1beta1 is not", "use apps/v1"),
        (
            "batch/v1beta1",
            "CronJob",
            "api-not-served: batch/v1beta1 is not served from Kubernetes 1.25",
            "use batch/v1",
        ),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "api-not-served: autoscaling/v2beta2", "use autoscaling/v2"),
        ("policy/v1beta1", "PodSecurityPolicy", "api-not-served: PodSecurityPolicy is no kind any more", "labels"),
        ("v1", "Deployment", "unknown-kind: v1 has no kind Deployment", "Deployment is of apps/v1"),
        ("app/v1", "Deployment", "unknown-kind: app/v1 has no kind Deployment", "Deployment is of apps/v1"),
        ("networking.k8.io/v1", "Ingress", "unknown-kind: networking.k8.io/v1 has no", "of networking.k8s.io/v1"),
        ("apps/v1", "Deploymnet", "unknown-kind: apps/v1 has no kind Deploymnet", "did you mean Deployment?"),
        ("apps/v2", "Deployment", "unknown-kind: apps/v2 has no kind Deployment", "Deployment is of apps/v1"),
    ],
)
def test_a_removed_api_is_reported_with_its_successor(api: str, kind: str, said: str, hint: str) -> None:
    spec = {"defaultBackend": {"service": {"name": "a", "port": {"number": 80}}}}
    (finding,) = kubernetes(context({"apiVersion": api, "kind": kind, "metadata": {"name": "a"}, "spec": spec}))
    assert f"kubernetes/{said}" in f"{finding.rule.name}: {finding.message.partition(': ')[2]}"
    assert hint in finding.hint


def test_the_oldest_minor_decides_what_is_too_new() -> None:
    attributes = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass", "metadata": {"name": "a"}}
    source = {**attributes, "driverName": "csi.example.com"}
    assert found(source, oldest="1.34") == []
    assert found(source, oldest="1.33") == [
        "api-not-served: VolumeAttributesClass of storage.k8s.io/v1 is not served by Kubernetes 1.33"
    ]
    variable = deployment(container={"env": [{"name": "A B"}]})
    assert found(variable, oldest="1.32") == []  # RelaxedEnvironmentVariableValidation


def restricted(change: Object | None = None, *, level: str = "restricted", version: str | None = None) -> list[str]:
    """What Pod Security says of a pod that keeps the level restricted, but for a change."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    if version:
        labels["pod-security.kubernetes.io/enforce-version"] = version
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": DEV.namespace, "labels": labels}}
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = merged({"securityContext": security}, (change or {}).get("container", {}))
    profile = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    pod = merged(profile, (change or {}).get("pod", {}))
    return found(namespace, deployment(pod=pod, container=container))


def secured(**security: Any) -> Object:
    return {"securityContext": security}


BASELINE = [
    ({"pod": {"hostNetwork": True}}, "hostNetwork must not be true"),
    ({"pod": {"hostPID": True}}, "hostPID must not be true"),
    ({"pod": {"volumes": [{"name": "a", "hostPath": {"path": "/a"}}]}}, "volume a: hostPath is forbidden"),
    ({"pod": secured(sysctls=[{"name": "kernel.msgmax", "value": "1"}])}, "the sysctl kernel.msgmax is forbidden"),
    (
        {"pod": secured(sysctls=[{"name": "net.ipv4.tcp_rmem", "value": "1"}])},
        "the sysctl net.ipv4.tcp_rmem is forbidden",
    ),
    ({"pod": secured(seccompProfile={"type": "Unconfined"})}, "seccompProfile.type must be"),
    ({"pod": secured(appArmorProfile={"type": "Unconfined"})}, "appArmorProfile.type must be"),
    ({"pod": secured(seLinuxOptions={"user": "u"})}, "the SELinux user must not be set"),
    ({"pod": secured(windowsOptions={"hostProcess": True})}, "hostProcess must not be true"),
    ({"container": secured(seLinuxOptions={"type": "spc_t"})}, "container web: the SELinux type spc_t is forbidden"),
    ({"container": secured(capabilities={"add": ["SYS_ADMIN"]})}, "container web: the capability SYS_ADMIN must not"),
    ({"container": secured(procMount="Unmasked")}, "container web: procMount must not be Unmasked"),
    ({"container": {"ports": [{"containerPort": 80, "hostPort": 80}]}}, "container web: hostPort 80 must not be used"),
    (
        {"container": {"livenessProbe": {"tcpSocket": {"port": 1, "host": "10.0.0.1"}}}},
        "container web: livenessProbe must not name the host 10.0.0.1",
    ),
    (
        {"container": secured(privileged=True, allowPrivilegeEscalation=None)},
        "container web: privileged must not be true",
    ),
]
RESTRICTED = [
    ({"pod": {"volumes": [{"name": "a", "nfs": {"server": "a", "path": "/"}}]}}, "volume a: nfs is forbidden"),
    ({"pod": secured(runAsNonRoot=False)}, "runAsNonRoot must not be false"),
    ({"pod": secured(runAsNonRoot=None)}, "container web: runAsNonRoot must be true, here or for the pod"),
    ({"pod": secured(runAsUser=0)}, "runAsUser must not be 0"),
    ({"pod": secured(seccompProfile=None)}, "container web: seccompProfile.type must be set"),
    ({"container": secured(runAsUser=0)}, "container web: runAsUser must not be 0"),
    ({"container": secured(runAsNonRoot=False)}, "container web: runAsNonRoot must not be false"),
    ({"container": secured(allowPrivilegeEscalation=None)}, "container web: allowPrivilegeEscalation must be false"),
    ({"container": secured(capabilities={"drop": ["NET_RAW"]})}, "container web: capabilities.drop must hold ALL"),
    ({"container": secured(capabilities={"add": ["CHOWN"]})}, "container web: the capability CHOWN must not be added"),
]


@pytest.mark.parametrize(
    ("change", "said"), [*BASELINE, *RESTRICTED], ids=[said for _, said in (*BASELINE, *RESTRICTED)]
)
def test_the_level_restricted_forbids_both_lists(change: Object, said: str) -> None:
    assert any(message.startswith(f"pod-security: {said}") for message in restricted(change))
    assert all(message.startswith("pod-security: ") for message in restricted(change))


@pytest.mark.parametrize("change", [change for change, _ in BASELINE], ids=[said for _, said in BASELINE])
def test_the_level_baseline_forbids_the_first_list(change: Object) -> None:
    assert len(restricted(change, level="baseline")) == 1


@pytest.mark.parametrize("change", [change for change, _ in RESTRICTED], ids=[said for _, said in RESTRICTED])
def test_the_level_baseline_allows_the_second_list(change: Object) -> None:
    assert restricted(change, level="baseline") == []


@pytest.mark.parametrize("level", ["privileged", "baseline", "restricted"])
def test_a_pod_that_meets_its_level_has_no_finding(level: str) -> None:
    assert restricted(level=level) == []
    assert restricted({"container": secured(capabilities={"add": ["NET_BIND_SERVICE"]})}, level=level) == []
    assert restricted({"pod": secured(runAsNonRoot=None), "container": secured(runAsNonRoot=True)}, level=level) == []


def test_a_pinned_policy_version_is_the_only_one_that_counts() -> None:
    probe = {"container": {"livenessProbe": {"tcpSocket": {"port": 1, "host": "10.0.0.1"}}}}
    assert restricted(probe, version="v1.33") == []
    assert len(restricted(probe, version="v1.34")) == 1
    root = {"pod": {"hostUsers": False, **secured(runAsUser=0)}}
    assert restricted(root, version="v1.35") == []
    assert len(restricted(root, version="v1.34")) == 1
    assert restricted(version="1.34") == ["refused-value: 1.34 is no version of Pod Security"]


def claims(size: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": size,
            "resources": {"requests": {"storage": "1"}},
        },
    }


def test_immutable_fields_are_compared_with_head_if_known() -> None:
    assert [finding.rule.name for finding in kubernetes(context(claims("b"), before=[claims("a")]))] == [
        "kubernetes/immutable-field"
    ]
    assert kubernetes(context(claims("b"), before=[claims("b")])) == []
    assert kubernetes(context(claims("b"), before=[])) == []
    assert kubernetes(context(claims("b"))) == []


def test_objects_that_share_a_line_share_a_finding() -> None:
    other = deployment(pod={"dnsPolicy": "none"})
    other["metadata"]["name"] = "api"
    findings = kubernetes(context(deployment(pod={"dnsPolicy": "none"}), other))
    assert [finding.message for finding in findings] == ["Deployment/web and 1 more: none is no value of dnsPolicy"]


def test_the_sync_file_is_checked_against_schemas_too() -> None:
    text = (
        b"apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: a\n"
        b"spec:\n  project: a\n  destnation: {}\n"
    )
    (finding,) = kubernetes(context(files={DEV.sync_file: text}))
    assert (finding.rule.name, finding.place.path, finding.place.line) == (
        "kubernetes/unknown-field",
        DEV.sync_file,
        7,
    )
    assert finding.hint == "did you mean destination?"


def renamed(value: Any, old: str, new: str) -> Any:
    """The same value with another text wherever this one stands."""
    return json.loads(json.dumps(value).replace(old, new))


def test_a_namespace_that_no_server_would_take_is_no_other_one() -> None:
    objects = golden("dev")
    assert not kubernetes(context(*objects))
    assert kubernetes(context(*renamed(objects, '"airflow-dev"', '"airflow_dev"')))


OBJECTS = [*golden("dev"), *(obj for obj, _ in REFUSED), *TAKEN]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates() | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=4,
)


def steps(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a value, as the mapping or list that holds it, and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in [*pairs]:
        yield value, key
        yield from steps(inner)


@given(data=st.data())
def test_no_value_at_any_place_raises(data: st.DataObject) -> None:
    obj = copy.deepcopy(data.draw(st.sampled_from(OBJECTS)))
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from([*steps({"": obj})][1:]))
        if data.draw(st.booleans()):
            holder[key] = data.draw(JUNK)
        elif isinstance(holder, dict):
            holder[data.draw(st.text(max_size=3))] = holder.pop(key)
    view = context(before=[])
    metadata = obj.get("metadata")
    if isinstance(obj.get("kind"), str) and isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
        view.__dict__.update(objects=(obj,), objects_before=tuple(golden("dev")))
        for finding in kubernetes(view):
            assert finding.message


def turned(value: Any) -> Any:
    """The same value, with the keys of each mapping in the other order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


def test_the_order_of_keys_does_not_matter() -> None:
    for obj, _ in REFUSED:
        view = context()
        view.__dict__["objects"] = (turned(obj),)
        told = {f"{one.rule.name}: {one.message}" for one in kubernetes(view)}
        assert told == {f"{one.rule.name}: {one.message}" for one in kubernetes(context(obj))}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        *(("1", "1"), ("500m", "0.5"), ("1Ki", "1024"), ("1k", "1000"), ("1e3", "1000"), ("1E", "1e18"), (".5", "0.5")),
        *(("-1", "-1"), ("1n", "1e-9"), ("2Ei", str(2 * 1024**6)), ("1E2", "100")),
    ],
)
def test_quantities_are_read_as_the_server_reads_them(text: str, amount: str) -> None:
    read = values.quantity(text)
    assert read is not None
    assert str(read.normalize()) == str(type(read)(amount).normalize())


@pytest.mark.parametrize(
    "text", ["", "1GB", "1 Gi", "Mi", "1.2.3", "0x10", "1K", "1,5", "\uff11", "1e", True, None, [], "1m\n"]
)
def test_malformed_quantities_are_rejected(text: Any) -> None:
    assert values.quantity(text) is None


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        *((text, True) for text in ("* * * * *", "*/15 0-6,22 1 jan-mar MON", "@daily", "0 0 ? * 0", "5/10 * * * *")),
        *((text, False) for text in ("", "* * * *", "60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 * * 7", "@never")),
        *((text, False) for text in ("*/0 * * * *", "5-1 * * * *", "TZ=UTC 0 0 * * *")),
    ],
)
def test_schedules_are_read_as_the_server_reads_them(text: str, fine: bool) -> None:
    assert (values.bad_schedule(text) == "") is fine


def test_every_rule_has_its_own_title() -> None:
    titles = [rule.title for rule in registry.all_rules() if rule.name.startswith("kubernetes/")]
    assert len(titles) == len({*titles})
