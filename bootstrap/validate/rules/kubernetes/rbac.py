"""Rules about Roles and bindings beyond their schema (kubernetes, pkg/apis/rbac/validation)."""

from collections.abc import Iterator

from bootstrap.kubernetes.objects import dig, entries, items
from bootstrap.validate.objects import ObjectContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import FieldViolation

_FIELDS = frozenset({"apiGroups", "resources", "resourceNames", "verbs", "nonResourceURLs"})
_GROUP = "rbac.authorization.k8s.io"
_GROUPS = {"ServiceAccount": "", "User": _GROUP, "Group": _GROUP}


@rule(
    "kubernetes/bad-rbac",
    ERROR,
    fix="Name the API groups (`''` is the core one), the resources and the verbs of each rule.",
)
def bad_rbac(obj: ObjectContext) -> Iterator[FieldViolation]:
    """A role's rules and a binding's subjects are complete.

    The API server refuses the object.
    """
    if obj.kind in ("Role", "ClusterRole"):
        yield from _role(obj)
    elif obj.kind in ("RoleBinding", "ClusterRoleBinding"):
        yield from _binding(obj)


def _role(obj: ObjectContext) -> Iterator[FieldViolation]:
    for path, entry in entries(obj.value, (), "rules"):
        if not isinstance(entry, dict):
            continue
        urls = items(entry, "nonResourceURLs")
        if entry.get("verbs") == []:
            yield FieldViolation((*path, "verbs"), "a rule has no verb")
        if urls and obj.kind == "Role":
            message = "a Role can't give rights on URLs, which are in no namespace"
            yield FieldViolation((*path, "nonResourceURLs"), message, "use a ClusterRole")
        # A field that is missing because it is misspelt is reported by the schema rules.
        elif not urls and not entry.keys() - _FIELDS:
            for field in ("apiGroups", "resources"):
                if not entry.get(field):
                    hint = "for the core group write apiGroups: ['']" if field == "apiGroups" else ""
                    yield FieldViolation((*path, field), f"a rule has no {field}", hint)


def _binding(obj: ObjectContext) -> Iterator[FieldViolation]:
    roles = ("Role", "ClusterRole") if obj.kind == "RoleBinding" else ("ClusterRole",)
    role, group = (dig(obj.value, "roleRef", field) for field in ("kind", "apiGroup"))
    if isinstance(role, str) and role not in roles:
        yield FieldViolation(("roleRef", "kind"), f"a {obj.kind} can't refer to a {role}")
    if isinstance(group, str) and group not in (_GROUP, ""):
        yield FieldViolation(("roleRef", "apiGroup"), f"{group} has no roles", f"write {_GROUP}")
    for path, subject in entries(obj.value, (), "subjects"):
        kind = dig(subject, "kind")
        if isinstance(kind, str) and kind not in _GROUPS:
            message = f"a subject is a ServiceAccount, a User or a Group, and this is a {kind}"
            yield FieldViolation((*path, "kind"), message)
        elif isinstance(kind, str) and (held := dig(subject, "apiGroup")) and held != _GROUPS[kind]:
            yield FieldViolation((*path, "apiGroup"), f"a {kind} is not of the group {held}")
        if kind == "ServiceAccount" and obj.kind == "ClusterRoleBinding" and not dig(subject, "namespace"):
            yield FieldViolation(path, f"the ServiceAccount {dig(subject, 'name')} has no namespace")
