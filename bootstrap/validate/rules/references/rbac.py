"""Rules about role bindings and autoscalers: their roles, subjects and scale targets exist."""

from collections.abc import Iterator
from functools import partial

from bootstrap.kubernetes.objects import dig, identify, items
from bootstrap.validate import pods, references
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.references import suggest, unread
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Violation

_BINDINGS = ("RoleBinding", "ClusterRoleBinding")


@rule(
    "references/missing-role",
    ERROR,
    fix="Correct the name, or add the Role. A binding can't change its role: it has to get another name with it.",
)
def missing_role(env: EnvironmentContext) -> Iterator[Violation]:
    """The Role of a RoleBinding is part of its environment.

    The API server takes the binding and grants nothing: every call of the account ends in 403 Forbidden.
    """
    # A ClusterRole may be the cluster's own, such as `view`; a Role is always the environment's.
    for binding in env.of_kind(*_BINDINGS):
        name = dig(binding, "roleRef", "name")
        if dig(binding, "roleRef", "kind") != "Role" or not isinstance(name, str):
            continue
        if env.find("Role", name) is None and not unread(env, "Role", name):
            message = f"{identify(binding)} grants Role {name}, which is not part of this environment"
            known = (role["metadata"]["name"] for role in env.of_kind("Role"))
            yield Violation(env.trace.field(binding, ("roleRef", "name")), message, suggest(name, known))


@rule(
    "references/missing-subject",
    ERROR,
    fix="Correct the subject's name, and leave its namespace out: Kustomize fills in the environment's own.",
)
def missing_subject(env: EnvironmentContext) -> Iterator[Violation]:
    """The ServiceAccount of a RoleBinding is part of its environment.

    The API server takes the binding and grants nothing to the pods: their calls end in 403 Forbidden.
    """
    # An account that a pod needs too is reported at the pod.
    reported = {mention.name for pod in pods.of(env) for mention in references.accounts(pod)}
    known = {account["metadata"]["name"]: account for account in env.of_kind("ServiceAccount")}
    for binding in env.of_kind(*_BINDINGS):
        for number, subject in enumerate(items(binding, "subjects")):
            name, namespace = dig(subject, "name"), dig(subject, "namespace")
            if dig(subject, "kind") != "ServiceAccount" or not isinstance(name, str):
                continue
            place = partial(env.trace.field, binding)
            own = dig(known.get(name), "metadata", "namespace")
            if name in known and isinstance(namespace, str) and namespace != own:
                message = f"{identify(binding)} grants to {name} of namespace {namespace}, but the one here is in {own}"
                yield Violation(place(("subjects", number, "namespace")), message)
            # Accounts of other namespaces are not ours, such as a monitoring system's.
            here = namespace in (None, dig(binding, "metadata", "namespace"))
            if here and name not in {*known, *reported, "default"} and not unread(env, "ServiceAccount", name):
                message = f"{identify(binding)} grants to ServiceAccount {name}, which is not part of this environment"
                yield Violation(place(("subjects", number, "name")), message, suggest(name, known))


@rule("references/missing-scale-target", ERROR, fix="Correct kind and name in scaleTargetRef.")
def missing_scale_target(env: EnvironmentContext) -> Iterator[Violation]:
    """What an autoscaler scales is part of its environment.

    The autoscaler reports FailedGetScale and scales nothing.
    """
    for scaler in env.of_kind("HorizontalPodAutoscaler", "ScaledObject"):
        target = dig(scaler, "spec", "scaleTargetRef")
        kind, name = dig(target, "kind") or "Deployment", dig(target, "name")  # KEDA's default kind
        if not isinstance(kind, str) or not isinstance(name, str):
            continue
        if env.find(kind, name) is None and not unread(env, kind, name):
            message = f"{identify(scaler)} scales {kind}/{name}, which is not part of this environment"
            known = (target["metadata"]["name"] for target in env.of_kind(kind))
            place = env.trace.field(scaler, ("spec", "scaleTargetRef", "name"))
            yield Violation(place, message, suggest(name, known))
