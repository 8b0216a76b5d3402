"""Rules about label selectors and the ports of the pods that they match."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import Object, dig, identify, items, mapping
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext, shared
from bootstrap.validate.pods import Pod
from bootstrap.validate.references import Labelled, Mention, first, grouped, readers, suggest
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import FieldPath

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# Labels that Airflow adds to the pods that it creates: selectors may use them.
_AIRFLOW = {
    "airflow-worker",
    "airflow_kpo_in_cluster",
    "airflow_version",
    "already_checked",
    "dag_id",
    "kubernetes_executor",
    "kubernetes_pod_operator",
    "run_id",
    "task_id",
    "try_number",
}


@rule(
    "references/service-without-pods",
    ERROR,
    fix="Give the selector the labels of the pod template that it is meant for.",
)
def service_without_pods(env: EnvironmentContext) -> Iterator[Violation]:
    """A Service's selector finds pods.

    A Service without endpoints refuses every connection.
    """
    for service, selector, selected in _services(env):
        if not selected:
            yield _no_match(env, service, ("spec", "selector"), selector)


@rule(
    "references/selector-without-pods",
    WARNING,
    fix="Give the selector the labels of the pod template that it is meant for.",
)
def selector_without_pods(env: EnvironmentContext) -> Iterator[Violation]:
    """The selector of a PodDisruptionBudget or NetworkPolicy finds pods.

    It is applied and protects nothing, and no error says so.
    """
    labelled = _labelled(env)
    for obj in env.of_kind("PodDisruptionBudget", "NetworkPolicy"):
        field = "selector" if obj["kind"] == "PodDisruptionBudget" else "podSelector"
        selector = dig(obj, "spec", field)
        labels = mapping(selector, "matchLabels")
        if labels and not _AIRFLOW & labels.keys() and not labelled.selected(selector):
            yield _no_match(env, obj, ("spec", field, "matchLabels"), labels)


@rule(
    "references/selector-mismatch",
    ERROR,
    fix="Make labels and selector equal. The selector of an object that runs can't change: give it a new name then.",
)
def selector_mismatch(env: EnvironmentContext) -> Iterator[Violation]:
    """A workload's selector finds the pods of its own template.

    The API server refuses the object: `selector does not match template labels`.
    """
    for workload, selected in _workloads(env):
        if not any(pod.owner is workload for pod in selected):
            message = f"the selector of {identify(workload)} does not find its own pods"
            yield Violation(env.trace.field(workload, ("spec", "selector")), message, _difference(workload))


@rule(
    "references/shared-pods",
    ERROR,
    fix="Give each workload a label of its own, such as app.kubernetes.io/component, in its selector and its template.",
)
def shared_pods(env: EnvironmentContext) -> Iterator[Violation]:
    """The pods of a workload are found by its own selector alone.

    Two controllers that select the same pods fight over them: each counts, scales and deletes the other's.
    """
    reported: set[frozenset[str]] = set()
    for workload, selected in _workloads(env):
        others = [str(pod) for pod in selected if pod.owner is not workload]
        pair = frozenset((str(identify(workload)), *others))
        # Two that select each other's pods are one mistake; selector-mismatch reports one that misses its own.
        if others and pair not in reported and len(others) < len(selected):
            reported.add(pair)
            message = f"the selector of {identify(workload)} finds the pods of {', '.join(sorted(others))} too"
            yield Violation(env.trace.field(workload, ("spec", "selector")), message)


@rule("references/missing-port", ERROR, fix="Correct the name, or name a containerPort so.")
def missing_port(env: EnvironmentContext) -> Iterator[Violation]:
    """Every port that a probe or a Service names is a port of the container, or of every pod selected.

    A probe of an unknown port fails, and the pod is restarted for ever; a Service leaves such pods out.
    """
    mentions = [mention for pod in pods.of(env) for mention in _probes(pod)]
    mentions += [mention for service, _, selected in _services(env) for mention in _targets(env, service, selected)]
    known = {name for pod in pods.of(env) for name in _names([container.data for container in pod.containers])}
    for name, _, group in grouped(mentions):
        message = f"{name} is the name of no containerPort there; called by {readers(group)}"
        yield Violation(first(group), message, suggest(name, known))


@rule("references/undeclared-port", WARNING, fix="Use the port's name as targetPort, or declare the containerPort.")
def undeclared_port(env: EnvironmentContext) -> Iterator[Violation]:
    """A Service's numeric target port is one that its pods declare.

    Kubernetes does not compare them: where no process listens at that number, every connection is refused.
    """
    for service, _, selected in _services(env):
        declared = [
            dig(port, "containerPort")
            for pod in selected
            for container in pod.containers
            for port in _declared(container.data)
        ]
        for number, port in enumerate(items(service, "spec", "ports")):
            target = dig(port, "targetPort")
            target_port = dig(port, "port") if target is None else target
            if isinstance(target_port, int) and declared and target_port not in declared:
                field = "port" if target is None else "targetPort"
                message = f"{identify(service)} leads to port {target_port}, which no container behind it declares"
                place = env.trace.field(service, ("spec", "ports", number, field))
                yield Violation(place, message, suggest(str(target_port), (str(port) for port in declared)))


def _labelled(env: EnvironmentContext) -> Labelled:
    return env.once("labelled", lambda: Labelled(pods.of(env)))


@shared
def _services(env: EnvironmentContext) -> Iterator[tuple[Object, dict[str, Any], list[Pod]]]:
    """Services with a selector, and the pods that it matches."""
    for service in env.of_kind("Service"):
        selector = mapping(service, "spec", "selector")
        if selector and dig(service, "spec", "type") != "ExternalName":
            yield service, selector, _labelled(env).selected({"matchLabels": selector})


@shared
def _workloads(env: EnvironmentContext) -> Iterator[tuple[Object, list[Pod]]]:
    """Workloads with a selector, and the pods that it matches."""
    for workload in env.of_kind(*_WORKLOADS):
        selector = dig(workload, "spec", "selector")
        if mapping(selector):  # a missing one is reported by the schema rules
            yield workload, [pod for pod in _labelled(env).selected(selector) if pod.owner["kind"] != "ConfigMap"]


def _no_match(env: EnvironmentContext, obj: Object, path: FieldPath, labels: Any) -> Violation:
    """Violation for a selector without pods, at the label that no pod has if there is exactly one."""
    known = {pair for pod in pods.of(env) for pair in _pairs(pod.metadata.get("labels"))}
    strange = [key for key, value in _pairs(labels) if (key, value) not in known]
    shown = ", ".join(f"{key}={value}" for key, value in sorted(_pairs(labels)))
    place = env.trace.field(obj, (*path, strange[0]) if len(strange) == 1 else path)
    values = [value for key, value in known if key in strange]
    hint = suggest(str(mapping(labels).get(strange[0])), values) if len(strange) == 1 else ""
    return Violation(place, f"{identify(obj)} selects {shown}, which no pod of this environment has", hint)


def _pairs(labels: Any) -> list[tuple[str, str]]:
    return [(str(key), str(value)) for key, value in mapping(labels).items()]


def _difference(workload: Object) -> str:
    labels = dict(_pairs(dig(workload, "spec", "template", "metadata", "labels")))
    selector_labels = dict(_pairs(dig(workload, "spec", "selector", "matchLabels")))
    differing = [
        f"{k}={v} (the template: {labels.get(k, 'none')})" for k, v in selector_labels.items() if labels.get(k) != v
    ]
    return f"the selector wants {', '.join(sorted(differing))}" if differing else ""


def _probes(pod: Pod) -> Iterator[Mention]:
    """Named ports in probes and hooks that the container does not declare."""
    for container in pod.containers:
        known = _names([container.data])
        paths = [(field,) for field in _PROBES] + [("lifecycle", "postStart"), ("lifecycle", "preStop")]
        for path in paths:
            for action in ("httpGet", "tcpSocket"):
                port = dig(container.data, *path, action, "port")
                if isinstance(port, str) and not port.isdigit() and port not in known:
                    reader = f"the {path[-1]} of container {container.name} of {pod}"
                    yield Mention(name=port, reader=reader, where=partial(container.place, *path, action, "port"))


def _targets(env: EnvironmentContext, service: Object, selected: list[Pod]) -> Iterator[Mention]:
    """Named target ports that one of the selected pods does not declare."""
    for number, port in enumerate(items(service, "spec", "ports")):
        name = dig(port, "targetPort")
        if isinstance(name, str) and not name.isdigit():
            without = [pod for pod in selected if name not in _names([container.data for container in pod.containers])]
            if without:
                pods_without = ", ".join(str(pod) for pod in without[:3]) + (" and others" if len(without) > 3 else "")
                reader = f"{identify(service)} (in {pods_without})"
                where = partial(env.trace.field, service, ("spec", "ports", number, "targetPort"))
                yield Mention(name=name, reader=reader, where=where)


def _declared(container: Any) -> list[Any]:
    return items(mapping(container).get("ports"))


def _names(containers: list[Any]) -> set[str]:
    ports = (dig(port, "name") for container in containers for port in _declared(container))
    return {name for name in ports if isinstance(name, str)}
