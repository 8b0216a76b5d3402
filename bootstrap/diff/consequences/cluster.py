"""Consequences for Namespaces, ServiceAccounts, Secrets, cluster-wide kinds and kinds unknown to taxiway."""

from collections.abc import Iterator, Sequence
from typing import Any

from bootstrap.core.certificates import ANNOTATION_PREFIX
from bootstrap.diff.compare import ObjectChange, Side
from bootstrap.diff.consequences.effect import Consequence, Effect, Told, listed
from bootstrap.diff.consequences.network import GATEWAY
from bootstrap.diff.consequences.sides import Sides
from bootstrap.kubernetes.objects import Object, dig, mapping

# Kinds that the modules of this package know, by API group.
_JUDGED = {
    "": "ConfigMap Secret ServiceAccount Service Namespace PersistentVolumeClaim Pod ResourceQuota LimitRange",
    "apps": "Deployment StatefulSet DaemonSet ReplicaSet",
    "batch": "Job CronJob",
    "autoscaling": "HorizontalPodAutoscaler",
    "policy": "PodDisruptionBudget",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "rbac.authorization.k8s.io": "Role ClusterRole RoleBinding ClusterRoleBinding",
    "bitnami.com": "SealedSecret",
    GATEWAY: "Gateway HTTPRoute GRPCRoute TLSRoute TCPRoute UDPRoute",
}
_KINDS = frozenset((group, kind) for group, kinds in _JUDGED.items() for kind in kinds.split())
_NAMES = frozenset(kind for _, kind in _KINDS)
# Kinds that act on the whole cluster, and what they do.
_POWERS = {
    "ValidatingWebhookConfiguration": "reads and refuses what is sent to the API server",
    "MutatingWebhookConfiguration": "reads and changes what is sent to the API server",
    "ValidatingAdmissionPolicy": "refuses what is sent to the API server",
    "ValidatingAdmissionPolicyBinding": "refuses what is sent to the API server",
    "MutatingAdmissionPolicy": "changes what is sent to the API server",
    "MutatingAdmissionPolicyBinding": "changes what is sent to the API server",
    "APIService": "answers in place of the API server",
    "CustomResourceDefinition": "adds a kind of objects to the cluster",
    "PriorityClass": "lets pods push others aside",
    "PersistentVolume": "gives pods storage, or a folder of a node",
    "StorageClass": "decides how volumes are made",
    "RuntimeClass": "decides how containers are run",
    "IngressClass": "decides who lets traffic in",
    "CertificateSigningRequest": "asks for a certificate to log in with",
    "Node": "takes part in the cluster as a node",
    "Endpoints": "decides where a Service sends its traffic",
    "EndpointSlice": "decides where a Service sends its traffic",
}
_LEVELS = ("privileged", "baseline", "restricted")
_POD_SECURITY = "pod-security.kubernetes.io/"
_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105  (a type, no password)
_CLOUD = (
    "eks.amazonaws.com/role-arn",
    "iam.gke.io/gcp-service-account",
    "azure.workload.identity/client-id",
    "azure.workload.identity/tenant-id",
)
_SCOPES = ("strict", "namespace-wide", "cluster-wide")


def unjudged(change: ObjectChange) -> Iterator[Told]:
    """An object of a cluster-wide kind, or of a kind that no module of this package knows."""
    after = change.after if change.after is not None else change.before
    group, slash, _ = str(dig(after, "apiVersion") or "").rpartition("/")
    kind = change.identity.kind
    if (group, kind) in _KINDS or (not dig(after, "apiVersion") and kind in _NAMES):
        return
    if change.side is Side.CHANGED and all(field.path.startswith("metadata.labels") for field in change.fields):
        return
    power = _POWERS.get(kind)
    does = {Side.ADDED: "is made", Side.REMOVED: "is pruned", Side.CHANGED: "changes"}[change.side]
    if power:
        yield Effect.SECURITY, f"{does}, and it {power}"
    else:
        yield Effect.SECURITY, f"{does}; taxiway can't judge what {kind}{f' of {group}' if slash else ''} does"


def strangers(changes: Sequence[ObjectChange], sides: Sides) -> Iterator[Consequence]:
    """New objects outside of the environment's namespace, grouped by namespace."""
    by_namespace: dict[str, list[str]] = {}
    for change in changes:
        if change.side is Side.ADDED and change.identity.namespace not in ("", sides.home):
            by_namespace.setdefault(change.identity.namespace, []).append(str(change.identity))
    for namespace, names in sorted(by_namespace.items()):
        what = f"another namespace than {sides.home}, where this environment now also makes {listed(names)}"
        yield Consequence(effect=Effect.SECURITY, subject=f"Namespace/{namespace}", what=what)


def namespace(change: ObjectChange) -> Iterator[Told]:
    """A Namespace whose Pod Security level is lowered, or a new one that enforces none."""
    if change.after is None:
        return
    old, new = (mapping(obj, "metadata", "labels") for obj in (change.before, change.after))
    for mode, verb in (("enforce", "is enforced"), ("warn", "is warned of"), ("audit", "is recorded")):
        key = f"{_POD_SECURITY}{mode}"
        before, after = _level(old.get(key)), _level(new.get(key))
        effect = Effect.SECURITY if mode == "enforce" else Effect.RUNS
        if change.before is None:
            if mode == "enforce" and after == 0:
                yield effect, f"its pods may do anything: no level of Pod Security is enforced ({new.get(key, 'none')})"
            continue
        if after < before:
            yield effect, f"Pod Security is lowered: {new.get(key, 'nothing')} {verb}, and no longer {old[key]}"
        versions = [side.get(f"{key}-version", "latest") for side in (old, new)]
        if versions[0] != versions[1]:
            yield effect, f"Pod Security {verb} as of {versions[1]}, and no longer as of {versions[0]}"


def account(change: ObjectChange) -> Iterator[Told]:
    """A ServiceAccount that is bound to a cloud identity, or whose pods now get a token."""
    before, after = change.before, change.after
    if after is None:
        return
    old, new = (mapping(obj, "metadata", "annotations") for obj in (before, after))
    for key in _CLOUD:
        if key in new and new[key] != old.get(key):
            yield Effect.SECURITY, f"acts in the cloud as {new[key]} ({key})"
    tokens = [dig(obj, "automountServiceAccountToken") for obj in (before, after)]
    if before is not None and tokens[0] is False and tokens[1] is not False:
        yield Effect.SECURITY, "its pods get its token, unless they refuse it (automountServiceAccountToken)"


def secret(change: ObjectChange) -> Iterator[Told]:
    """A Secret or SealedSecret: keys added, removed and changed, its type and its scope."""
    before, after = change.before, change.after
    if after is not None:
        plain = change.identity.kind == "Secret"
        if plain and before is None:
            yield Effect.SECURITY, "is not sealed: whoever reads the repository may read it"
        types = [dig(obj, "type") or dig(obj, "spec", "template", "type") for obj in (before, after)]
        if types[1] == _TOKEN and types[0] != _TOKEN:
            annotations = dig(after, "metadata" if plain else "spec", *(() if plain else ("template", "metadata")))
            name = dig(annotations, "annotations", "kubernetes.io/service-account.name") or "one that it does not name"
            yield Effect.SECURITY, f"gets a token of ServiceAccount/{name} that never expires"
    if change.identity.kind == "SealedSecret" and after is not None:
        scopes = [_scope(obj) for obj in (before, after)]
        if scopes[1] > (scopes[0] if before is not None else 0):
            yield (
                Effect.SECURITY,
                f"may be opened {('', 'under any name', 'in any namespace')[scopes[1]]} "
                + (f"(scope {_SCOPES[scopes[1]]}" + (f", was {_SCOPES[scopes[0]]})" if before is not None else ")")),
            )
    yield from _keys(change)


def _level(value: Any) -> int:
    return _LEVELS.index(value) if value in _LEVELS else 0


def _scope(obj: Object | None) -> int:
    """Index in _SCOPES of the widest scope in its annotations: the controller's, and those that record a sealing."""
    widest = 0
    for annotations in (dig(obj, "metadata", "annotations"), dig(obj, "spec", "template", "metadata", "annotations")):
        for key, value in mapping(annotations).items():
            for number, scope in enumerate(_SCOPES):
                own = key == f"sealedsecrets.bitnami.com/{scope}" and str(value).lower() == "true"
                if own or (str(key).startswith(ANNOTATION_PREFIX) and f"scope={scope}" in str(value).split()):
                    widest = max(widest, number)
    return widest


def _keys(change: ObjectChange) -> Iterator[Told]:
    before, after = _secret_keys(change.before), _secret_keys(change.after)
    if more := after - before:
        yield Effect.SECRET, f"brings {', '.join(sorted(more))}"
    if less := before - after:
        yield Effect.SECRET, f"no longer has {', '.join(sorted(less))}"
    for field in change.fields:
        if field.path.startswith("spec.encryptedData") and field.side is Side.CHANGED:
            yield Effect.SECRET, f"{field.path.removeprefix('spec.encryptedData').strip('.[]')}: {field.after}"


def _secret_keys(obj: Object | None) -> set[str]:
    sources = [dig(obj, "spec", "encryptedData"), dig(obj, "data"), dig(obj, "stringData")]
    return {str(key) for source in sources for key in mapping(source)}
