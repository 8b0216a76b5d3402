"""Rules about what roles are bound to, and what is scaled."""

from collections.abc import Iterator
from functools import partial

from bootstrap.kubernetes.objects import Object, identify
from bootstrap.lint import references_reads as reads
from bootstrap.lint.references_mention import near
from bootstrap.lint.references_unread import unread
from bootstrap.validate import pods
from bootstrap.validate.context import Scene, dig, items
from bootstrap.validate.violation import Finding, Rule, Severity

MISSING_ROLE = Rule(
    name="references/missing-role",
    severity=Severity.ERROR,
    title="The Role of a RoleBinding is part of its environment.",
    why="The API server takes the binding and grants nothing: every call of the account ends in 403 Forbidden.",
    fix="Correct the name, or add the Role. A binding can't change its role: it has to get another name with it.",
)
MISSING_SUBJECT = Rule(
    name="references/missing-subject",
    severity=Severity.ERROR,
    title="The ServiceAccount of a RoleBinding is part of its environment.",
    why="The API server takes the binding and grants nothing to the pods: their calls end in 403 Forbidden.",
    fix="Correct the subject's name, and leave its namespace out: Kustomize fills in the environment's own.",
)
MISSING_SCALED = Rule(
    name="references/missing-scale-target",
    severity=Severity.ERROR,
    title="What an autoscaler scales is part of its environment.",
    why="The autoscaler reports FailedGetScale and scales nothing.",
    fix="Correct kind and name in scaleTargetRef.",
)
RULES = (MISSING_ROLE, MISSING_SUBJECT, MISSING_SCALED)


def check(scene: Scene) -> Iterator[Finding]:
    """Every binding and autoscaler that takes hold of nothing."""
    # An account that its own pod misses is told there.
    told = {each.name for pod in pods.of(scene) for each in reads.accounts(pod)}
    for each in scene.of_kind("RoleBinding", "ClusterRoleBinding"):
        yield from _role(scene, each)
        yield from _subjects(scene, each, told)
    for each in scene.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        yield from _scaled(scene, each)


def _role(scene: Scene, binding: Object) -> Iterator[Finding]:
    """A ClusterRole may be the cluster's own, such as `view`; a Role is always the environment's."""
    name = dig(binding, "roleRef", "name")
    if dig(binding, "roleRef", "kind") != "Role" or not isinstance(name, str):
        return
    if scene.find("Role", name) is not None or unread(scene, "Role", name):
        return
    message = f"{identify(binding)} grants Role {name}, which is not part of this environment"
    known = (each["metadata"]["name"] for each in scene.of_kind("Role"))
    yield scene.finding(MISSING_ROLE, scene.trace.field(binding, ("roleRef", "name")), message, near(name, known))


def _subjects(scene: Scene, binding: Object, told: set[str]) -> Iterator[Finding]:
    known = {each["metadata"]["name"]: each for each in scene.of_kind("ServiceAccount")}
    for number, subject in enumerate(items(dig(binding, "subjects"))):
        name, namespace = dig(subject, "name"), dig(subject, "namespace")
        if dig(subject, "kind") != "ServiceAccount" or not isinstance(name, str):
            continue
        place = partial(scene.trace.field, binding)
        own = dig(known.get(name), "metadata", "namespace")
        if name in known and isinstance(namespace, str) and namespace != own:
            message = f"{identify(binding)} grants to {name} of namespace {namespace}, but the one here is in {own}"
            yield scene.finding(MISSING_SUBJECT, place(("subjects", number, "namespace")), message)
        # An account of another namespace is somebody else's, such as a monitoring system's.
        elif name not in {*known, *told, "default"} and namespace in (None, _here(binding)):
            if unread(scene, "ServiceAccount", name):
                continue
            message = f"{identify(binding)} grants to ServiceAccount {name}, which is not part of this environment"
            yield scene.finding(MISSING_SUBJECT, place(("subjects", number, "name")), message, near(name, known))


def _here(binding: Object) -> object:
    return dig(binding, "metadata", "namespace")


def _scaled(scene: Scene, scaler: Object) -> Iterator[Finding]:
    target = dig(scaler, "spec", "scaleTargetRef")
    kind, name = dig(target, "kind") or "Deployment", dig(target, "name")  # KEDA's default kind
    if not isinstance(kind, str) or not isinstance(name, str):
        return
    if scene.find(kind, name) is None and not unread(scene, kind, name):
        message = f"{identify(scaler)} scales {kind}/{name}, which is not part of this environment"
        known = (each["metadata"]["name"] for each in scene.of_kind(kind))
        place = scene.trace.field(scaler, ("spec", "scaleTargetRef", "name"))
        yield scene.finding(MISSING_SCALED, place, message, near(name, known))
