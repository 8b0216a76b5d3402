"""The apiVersions and kinds that servers of the range do not serve."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from bootstrap import schemas
from bootstrap.lint.kubernetes_flaw import Flaw
from bootstrap.lint.kubernetes_schema import reach
from bootstrap.validate.violation import Rule, Severity

NOT_SERVED = Rule(
    name="kubernetes/api-not-served",
    severity=Severity.ERROR,
    title="Every apiVersion is served by each Kubernetes minor from the oldest one in taxiway.yaml on.",
    why="Where it is not served the sync fails: no matches for kind. What a cluster's upgrade removes fails after it.",
    fix="Use the apiVersion that succeeds it; taxiway.yaml says which minors count.",
)
UNKNOWN_KIND = Rule(
    name="kubernetes/unknown-kind",
    severity=Severity.ERROR,
    title="Every kind of a group of Kubernetes' own is one that the group has.",
    why="The sync fails: no matches for kind.",
    fix="Correct the kind or the apiVersion.",
)
RULES = (NOT_SERVED, UNKNOWN_KIND)

# What was removed before the minors that the schemas cover (kubernetes.io, deprecated API migration guide): the minor
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
# Kinds that no API serves any more, whatever the version.
_GONE = {"PodSecurityPolicy": "the namespace's pod-security.kubernetes.io labels took its place"}


def check(each: Mapping[str, Any], oldest: str) -> Iterator[Flaw]:
    """What is wrong with an object's apiVersion and kind; nothing for custom resources, which nobody can know."""
    api, kind = each.get("apiVersion"), each.get("kind")
    if not isinstance(api, str) or not isinstance(kind, str):
        return
    held = schemas.kinds(api).get(kind)
    if held is not None:
        missing = tuple(minor for minor in schemas.minors(oldest) if minor not in held.minors)
        if missing:
            what = f"{kind} of {api} is not served by Kubernetes {reach(missing)}"
            yield Flaw(rule=NOT_SERVED, path=("apiVersion",), what=what, hint=_successor(api, kind))
    elif kind in _GONE and schemas.group(api) in ("policy", "extensions"):
        yield Flaw(
            rule=NOT_SERVED, path=("kind",), what=f"{kind} is no kind any more", hint=f"remove it: {_GONE[kind]}"
        )
    elif api in _REMOVED and (kind in _kinds_of(schemas.group(api)) or schemas.apis(kind)):
        since, _ = _REMOVED[api]
        what = f"{api} is not served from Kubernetes {since} on"
        yield Flaw(rule=NOT_SERVED, path=("apiVersion",), what=what, hint=_successor(api, kind))
    elif schemas.group(api) in schemas.groups() or _is_misspelt(api, kind):
        yield _unknown(api, kind)


def _unknown(api: str, kind: str) -> Flaw:
    here = schemas.kinds(api)
    near = get_close_matches(kind, here, 1, 0.7)
    if near:
        what = f"{api} has no kind {kind}"
        return Flaw(rule=UNKNOWN_KIND, path=("kind",), what=what, hint=f"did you mean {near[0]}?")
    served = schemas.apis(kind)
    path = ("apiVersion",) if served or not here else ("kind",)
    hint = f"{kind} is of {served[0]}" if served else ""
    return Flaw(rule=UNKNOWN_KIND, path=path, what=f"{api} has no kind {kind}", hint=hint)


def _successor(api: str, kind: str) -> str:
    """Where a kind is served now. Its own group comes first: Ingress moved, but Deployment of apps stays there."""
    served = [each for each in schemas.apis(kind) if each != api]
    own = next((each for each in served if schemas.group(each) == schemas.group(api)), None)
    found = own or next(iter(served), "") or _REMOVED.get(api, ("", ""))[1]
    return f"use {found}" if found else ""


def _kinds_of(group: str) -> set[str]:
    return {kind for api in _apis_of(group) for kind in schemas.kinds(api)}


def _apis_of(group: str) -> list[str]:
    return [f"{group}/{version}" if group else version for version in ("v1", "v2", "v1beta1", "v1alpha1")]


def _is_misspelt(api: str, kind: str) -> bool:
    """Whether a foreign group is one of Kubernetes' own, misspelt.

    A custom group has a dot in its name, so that one without is none (apiextensions, ValidateCustomResourceDefinition).
    """
    group = schemas.group(api)
    own = schemas.apis(kind)
    if not re.search(r"[./]", api):
        return True  # a version of the core group, which is not served
    if "." not in group:
        return True
    return bool(own) and bool(get_close_matches(group, [schemas.group(each) for each in own], 1, 0.85))
