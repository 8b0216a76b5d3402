"""Rules about apiVersions and kinds that some supported minor does not serve. Custom resources are not checked."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from bootstrap.kubernetes import schemas
from bootstrap.validate.objects import ObjectContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes.schema import reach
from bootstrap.validate.violation import SchemaViolation

# APIs removed before the minors that the schemas cover (kubernetes.io, deprecated API migration guide): the minor
# that no longer serves it, and its successor.
_REMOVED = {
    "admissionregistration.k8s.io/v1beta1": ("1.22", "admissionregistration.k8s.io/v1"),
    "apiextensions.k8s.io/v1beta1": ("1.22", "apiextensions.k8s.io/v1"),
    "apiregistration.k8s.io/v1beta1": ("1.22", "apiregistration.k8s.io/v1"),
    "apps/v1beta1": ("1.16", "apps/v1"),
    "apps/v1beta2": ("1.16", "apps/v1"),
    "authentication.k8s.io/v1beta1": ("1.22", "authentication.k8s.io/v1"),
    "authorization.k8s.io/v1beta1": ("1.22", "authorization.k8s.io/v1"),
    "autoscaling/v2beta1": ("1.25", "autoscaling/v2"),
    "autoscaling/v2beta2": ("1.26", "autoscaling/v2"),
    "batch/v1beta1": ("1.25", "batch/v1"),
    "batch/v2alpha1": ("1.21", "batch/v1"),
    "certificates.k8s.io/v1beta1": ("1.22", "certificates.k8s.io/v1"),
    "coordination.k8s.io/v1beta1": ("1.22", "coordination.k8s.io/v1"),
    "discovery.k8s.io/v1beta1": ("1.25", "discovery.k8s.io/v1"),
    "events.k8s.io/v1beta1": ("1.25", "events.k8s.io/v1"),
    "extensions/v1beta1": ("1.22", ""),
    "flowcontrol.apiserver.k8s.io/v1beta1": ("1.26", "flowcontrol.apiserver.k8s.io/v1"),
    "flowcontrol.apiserver.k8s.io/v1beta2": ("1.29", "flowcontrol.apiserver.k8s.io/v1"),
    "networking.k8s.io/v1beta1": ("1.22", "networking.k8s.io/v1"),
    "node.k8s.io/v1beta1": ("1.25", "node.k8s.io/v1"),
    "policy/v1beta1": ("1.25", "policy/v1"),
    "rbac.authorization.k8s.io/v1alpha1": ("1.22", "rbac.authorization.k8s.io/v1"),
    "rbac.authorization.k8s.io/v1beta1": ("1.22", "rbac.authorization.k8s.io/v1"),
    "scheduling.k8s.io/v1beta1": ("1.22", "scheduling.k8s.io/v1"),
    "storage.k8s.io/v1beta1": ("1.27", "storage.k8s.io/v1"),
}
# Kinds removed without a successor.
_GONE = {"PodSecurityPolicy": "the namespace's pod-security.kubernetes.io labels took its place"}


@rule(
    "kubernetes/api-not-served", ERROR, fix="Use the apiVersion that succeeds it; taxiway.yaml says which minors count."
)
def api_not_served(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """Every apiVersion is served by each Kubernetes minor from the oldest one in taxiway.yaml on.

    Where it is not served the sync fails: no matches for kind. What a cluster's upgrade removes fails after it.
    """
    api, kind = obj.value.get("apiVersion"), obj.value.get("kind")
    if not isinstance(api, str) or not isinstance(kind, str):
        return
    if kind in (served := schemas.kinds(api)):
        missing = tuple(minor for minor in schemas.minors(obj.model.kubernetes) if minor not in served[kind].minors)
        if missing:
            message = f"{kind} of {api} is not served by Kubernetes {reach(missing)}"
            yield SchemaViolation(("apiVersion",), message, _successor(api, kind))
    elif _is_gone(api, kind):
        yield SchemaViolation(("kind",), f"{kind} is no kind any more", f"remove it: {_GONE[kind]}")
    elif _is_removed(api, kind):
        message = f"{api} is not served from Kubernetes {_REMOVED[api][0]} on"
        yield SchemaViolation(("apiVersion",), message, _successor(api, kind))


@rule("kubernetes/unknown-kind", ERROR, fix="Correct the kind or the apiVersion.")
def unknown_kind(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """Every kind of a group of Kubernetes' own is one that the group has.

    The sync fails: no matches for kind.
    """
    api, kind = obj.value.get("apiVersion"), obj.value.get("kind")
    if not isinstance(api, str) or not isinstance(kind, str) or kind in (here := schemas.kinds(api)):
        return
    if _is_gone(api, kind) or _is_removed(api, kind):
        return
    if schemas.group(api) in schemas.groups() or _is_misspelt(api, kind):
        near, others = get_close_matches(kind, here, 1, 0.7), schemas.apis(kind)
        field = "apiVersion" if not near and (others or not here) else "kind"
        hint = f"did you mean {near[0]}?" if near else f"{kind} is of {others[0]}" if others else ""
        yield SchemaViolation((field,), f"{api} has no kind {kind}", hint)


def _is_gone(api: str, kind: str) -> bool:
    return kind in _GONE and schemas.group(api) in ("policy", "extensions")


def _is_removed(api: str, kind: str) -> bool:
    return api in _REMOVED and (kind in _kinds_of(schemas.group(api)) or bool(schemas.apis(kind)))


def _successor(api: str, kind: str) -> str:
    """Hint with the API that serves a kind now, preferably of its own group: Ingress moved, apps/Deployment did not."""
    served = [served_api for served_api in schemas.apis(kind) if served_api != api]
    own = next((served_api for served_api in served if schemas.group(served_api) == schemas.group(api)), None)
    successor = own or next(iter(served), "") or _REMOVED.get(api, ("", ""))[1]
    return f"use {successor}" if successor else ""


def _kinds_of(group: str) -> set[str]:
    versions = ("v1", "v2", "v1beta1", "v1alpha1")
    return {kind for version in versions for kind in schemas.kinds(f"{group}/{version}".removeprefix("/"))}


def _is_misspelt(api: str, kind: str) -> bool:
    """Whether an unknown group is a misspelt group of Kubernetes.

    A custom group has a dot in its name, so that one without is none (apiextensions, ValidateCustomResourceDefinition).
    """
    group = schemas.group(api)
    own = schemas.apis(kind)
    if not re.search(r"[./]", api):
        return True  # a version of the core group, which is not served
    if "." not in group:
        return True
    return bool(own) and bool(get_close_matches(group, [schemas.group(own_api) for own_api in own], 1, 0.85))
