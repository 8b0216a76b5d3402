"""Consequences for RBAC: rights that roles gain or lose, and subjects that bindings add or remove."""

from collections.abc import Iterable, Iterator
from typing import Any

from bootstrap.diff.compare import ObjectChange
from bootstrap.diff.consequences.effect import Effect, Told, listed
from bootstrap.kubernetes.objects import Object, dig, items, mapping, mappings

ROLES = frozenset({"Role", "ClusterRole"})
BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})

# A verb, an API group, a resource, and the one name that it is limited to; the group of a URL path is _PATH.
_Right = tuple[str, str, str, str]
_PATH = " "
_MOST = 20_000  # rights of a role; above, its rules are compared as text, since expanding them takes too long
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_READS = frozenset({"get", "list", "watch"})
_WRITES = frozenset({"create", "update", "patch"})
_WORKLOADS = ("pods", "deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs")
# What rights amount to: verbs, resources and a text (kubernetes.io, RBAC good practices).
_POWERS: tuple[tuple[frozenset[str], tuple[str, ...], str], ...] = (
    (frozenset({"escalate"}), ("roles", "clusterroles"), "gives itself any right (escalate)"),
    (frozenset({"bind"}), ("roles", "clusterroles"), "gives any role to anyone (bind)"),
    (frozenset({"impersonate"}), ("users", "groups", "serviceaccounts", "uids"), "acts as others (impersonate)"),
    (_WRITES, ("roles", "clusterroles", "rolebindings", "clusterrolebindings"), "changes rights"),
    (_READS, ("secrets",), "reads secrets"),
    (_WRITES, ("secrets",), "writes secrets"),
    (_WRITES, ("serviceaccounts/token",), "makes tokens of service accounts"),
    (frozenset({"create", "get"}), ("pods/exec", "pods/attach", "nodes/proxy"), "runs commands in pods"),
    (frozenset({"update", "patch"}), ("pods/ephemeralcontainers",), "adds containers to pods that run"),
    (_WRITES, _WORKLOADS, "starts pods, under any service account there"),
    (
        _WRITES,
        ("validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
        "reads and changes what is sent to the API server",
    ),
    (
        frozenset({"update", "patch", "approve", "sign"}),
        ("certificatesigningrequests/approval", "signers"),
        "makes certificates to log in with",
    ),
    (_WRITES, ("persistentvolumes",), "mounts any folder of a node"),
    (frozenset({"update", "patch"}), ("namespaces",), "lowers the Pod Security of namespaces"),
)
_WHO = {
    "system:masters": "whom nothing is refused",
    "system:authenticated": "everyone who is logged in",
    "system:unauthenticated": "everyone, without a login",
    "system:anonymous": "everyone, without a login",
    "system:serviceaccounts": "every service account of the cluster",
    "system:nodes": "every node",
}


def role(change: ObjectChange) -> Iterator[Told]:
    """Rights that a Role or ClusterRole gains and loses."""
    before, after = change.before, change.after
    may = "may now" if before is not None else "may"
    if sum(map(_size, (before, after))) > _MOST:
        had, has = set(_rules(before)), list(_rules(after))
        if more := [rule for rule in has if rule not in had]:
            yield Effect.SECURITY, f"{may} {'; '.join(dict.fromkeys(more))}"
        elif had - {*has}:
            yield Effect.RBAC, "has fewer rules"
    else:
        had_rights, has_rights = _rights(before), _rights(after)
        if gained := {right for right in has_rights if not _covered(right, had_rights)}:
            that = f" (that is, {'; '.join(powers)})" if (powers := list(_powers(gained))) else ""
            yield Effect.SECURITY, f"{may} {_written(gained)}{that}"
        if after is not None and (lost := {right for right in had_rights if not _covered(right, has_rights)}):
            yield Effect.RBAC, f"may no longer {_written(lost)}"
        if after is None and had_rights:
            yield Effect.RBAC, f"is pruned: whom it was given to may no longer {_written(had_rights)}"
    for name in sorted(_aggregated(after) - _aggregated(before)):
        yield Effect.SECURITY, f"its rights become a part of ClusterRole/{name}, for all who have that"
    rule = dig(after, "aggregationRule")
    if rule and rule != dig(before, "aggregationRule"):
        labels = [f"{k}={v}" for selector in mappings(rule, "clusterRoleSelectors") for k, v in _labels(selector)]
        yield Effect.SECURITY, f"takes the rights of every ClusterRole with the labels {listed(labels) or 'it selects'}"


def binding(change: ObjectChange) -> Iterator[Told]:
    """Subjects that a RoleBinding or ClusterRoleBinding adds and removes."""
    before, after = _given(change.before), _given(change.after)
    for name, verb, effect in ((after, "gives", Effect.SECURITY), (before, "no longer gives", Effect.RBAC)):
        other = before if name is after else after
        whole: dict[str, list[str]] = {}
        for reference, subject in sorted(name - other):
            whole.setdefault(reference, []).append(subject)
        for reference, subjects in whole.items():
            where = " in the whole cluster" if change.identity.kind == "ClusterRoleBinding" else ""
            yield effect, f"{verb} {reference} to {', '.join(subjects)}{where}"


def _given(binding: Object | None) -> set[tuple[str, str]]:
    """Pairs of role and subject of a binding."""
    if binding is None:
        return set()
    kind, name = str(dig(binding, "roleRef", "kind")), str(dig(binding, "roleRef", "name"))
    reference = f"{kind}/{name}"
    if name == "cluster-admin":
        everything = binding.get("kind") == "ClusterRoleBinding"
        reference += f" (full control of {'everything' if everything else 'the namespace, its secrets included'})"
    elif name.startswith("system:"):
        reference += " (a role that the cluster keeps for itself)"
    namespace = dig(binding, "metadata", "namespace")
    return {(reference, _subject(subject, namespace)) for subject in mappings(binding, "subjects")}


def _subject(subject: dict[Any, Any], own: Any) -> str:
    kind, name = str(subject.get("kind")), str(subject.get("name"))
    text = f"{kind}/{name}"
    if name in _WHO:
        text += f" ({_WHO[name]})"
    elif name.startswith("system:serviceaccounts:"):
        text += f" (every service account of namespace {name.rpartition(':')[2]})"
    elif kind == "ServiceAccount" and name == "default":
        text += " (every pod that names no service account)"
    namespace = subject.get("namespace")
    return f"{text} of namespace {namespace}" if namespace and namespace != own else text


def _covered(right: _Right, by: set[_Right]) -> bool:
    """Whether one of the rights `by` includes this one, by the wildcards of k8s.io/api/rbac/v1."""
    verb, group, resource, name = right
    whole = {resource, "*", f"*/{resource.partition('/')[2]}"} if group != _PATH else {resource, "*"}
    groups = {group} if group == _PATH else {group, "*"}
    return any(
        (one, two, three, four) in by for one in {verb, "*"} for two in groups for three in whole for four in {name, ""}
    )


def _strings(rule: Any, key: str) -> list[str]:
    return [str(item) for item in items(rule, key)]


def _size(role: Object | None) -> int:
    keys = ("verbs", "apiGroups", "resources", "resourceNames")
    sizes = ([max(1, len(items(rule, key))) for key in keys] for rule in mappings(role, "rules"))
    urls = sum(len(items(rule, "nonResourceURLs")) * len(items(rule, "verbs")) for rule in mappings(role, "rules"))
    return urls + sum(a * b * c * d for a, b, c, d in sizes)


def _rights(role: Object | None) -> set[_Right]:
    rights: set[_Right] = set()
    for rule in mappings(role, "rules"):
        verbs = _strings(rule, "verbs")
        rights |= {
            (verb, group, resource, name)
            for verb in verbs
            for group in _strings(rule, "apiGroups") or [""]
            for resource in _strings(rule, "resources")
            for name in _strings(rule, "resourceNames") or [""]
        }
        rights |= {(verb, _PATH, url, "") for verb in verbs for url in _strings(rule, "nonResourceURLs")}
    return rights


def _rules(role: Object | None) -> Iterator[str]:
    """A role's rules in words, one by one."""
    for rule in mappings(role, "rules"):
        groups = tuple(_strings(rule, "apiGroups") or [""])
        names = tuple(sorted(_strings(rule, "resourceNames")))
        if resources := _strings(rule, "resources"):
            yield _sentence(_strings(rule, "verbs"), (_resource(g, r) for g in groups for r in resources), names)
        if urls := _strings(rule, "nonResourceURLs"):
            yield _sentence(_strings(rule, "verbs"), (_resource(_PATH, url) for url in urls), ())


def _written(rights: Iterable[_Right]) -> str:
    """Rights in words; those with the same verbs and names share a sentence."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for verb, group, resource, name in rights:
        verbs.setdefault((group, resource, name), set()).add(verb)
    names: dict[tuple[str, str, tuple[str, ...]], set[str]] = {}
    for (group, resource, name), verbs_held in verbs.items():
        names.setdefault((group, resource, tuple(sorted(verbs_held))), set()).add(name)
    resources: dict[tuple[tuple[str, ...], tuple[str, ...]], set[str]] = {}
    for (group, resource, held_verbs), named in names.items():
        for part in ({""} & named, named - {""}):  # without a name it is for all of them
            if part:
                key = (held_verbs, tuple(sorted(part - {""})))
                resources.setdefault(key, set()).add(_resource(group, resource))
    sentences = (_sentence(verbs_held, whole, named) for (verbs_held, named), whole in resources.items())
    # Wildcards first: they grant the most.
    return "; ".join(sorted(sentences, key=lambda text: ("everything" not in text, "anything" not in text, text)))


def _sentence(verbs: Iterable[str], resources: Iterable[str], names: tuple[str, ...]) -> str:
    verb_set = set(verbs)
    do = "do anything with" if "*" in verb_set else listed(verb_set)
    return f"{do} {listed(resources)}" + (f" (only {', '.join(names)})" if names else "")


def _resource(group: str, resource: str) -> str:
    if group == _PATH:
        return "every path of the API" if resource == "*" else f"the path {resource}"
    if resource == "*":
        return {"*": "everything", "": "everything of the core API"}.get(group, f"everything of {group}")
    if resource.startswith("*/"):
        resource = f"everything's {resource[2:]}" if resource != "*/*" else "everything's parts"
    return {"": resource, "*": f"{resource} of every API group"}.get(group, f"{resource}.{group}")


def _powers(rights: set[_Right]) -> Iterator[str]:
    if any((verb, resource) == ("*", "*") and group in ("*", _PATH) for verb, group, resource, _ in rights):
        yield "full control"
        return
    for verbs, resources, words in _POWERS:
        matching = {part for resource in resources for part in (resource, "*", f"*/{resource.partition('/')[2]}")} - {
            "*/"
        }
        if any(
            (verb in verbs or verb == "*") and resource in matching and group != _PATH and not name
            for verb, group, resource, name in rights
        ):
            yield words


def _aggregated(role: Object | None) -> set[str]:
    labels = mapping(role, "metadata", "labels")
    return {
        str(key).removeprefix(_AGGREGATE)
        for key, value in labels.items()
        if str(key).startswith(_AGGREGATE) and str(value).lower() == "true"
    }


def _labels(selector: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    yield from mapping(selector.get("matchLabels")).items()
    for expression in mappings(selector, "matchExpressions"):
        yield expression.get("key"), expression.get("operator")
