"""Rules about label selectors, and about the ports of the pods that they find."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import Object, identify
from bootstrap.lint.references_mention import Labelled, Mention, first, grouped, near, readers
from bootstrap.validate import pods
from bootstrap.validate.context import Scene, dig, items, mapping
from bootstrap.validate.pods import Pod
from bootstrap.validate.violation import Finding, Rule, Severity

WITHOUT_PODS = Rule(
    name="references/service-without-pods",
    severity=Severity.ERROR,
    title="A Service's selector finds pods.",
    why="A Service without endpoints refuses every connection.",
    fix="Give the selector the labels of the pod template that it is meant for.",
)
SELECTS_NOTHING = Rule(
    name="references/selector-without-pods",
    severity=Severity.WARNING,
    title="The selector of a PodDisruptionBudget or NetworkPolicy finds pods.",
    why="It is applied and protects nothing, and no error says so.",
    fix="Give the selector the labels of the pod template that it is meant for.",
)
MISMATCH = Rule(
    name="references/selector-mismatch",
    severity=Severity.ERROR,
    title="A workload's selector finds the pods of its own template.",
    why="The API server refuses the object: `selector does not match template labels`.",
    fix="Make labels and selector equal. The selector of an object that runs can't change: give it a new name then.",
)
SHARED = Rule(
    name="references/shared-pods",
    severity=Severity.ERROR,
    title="The pods of a workload are found by its own selector alone.",
    why="Two controllers that select the same pods fight over them: each counts, scales and deletes the other's.",
    fix="Give each workload a label of its own, such as app.kubernetes.io/component, in its selector and its template.",
)
MISSING_PORT = Rule(
    name="references/missing-port",
    severity=Severity.ERROR,
    title="Every port that a probe or a Service names is a port of the container, or of every pod selected.",
    why="A probe of an unknown port fails, and the pod is restarted for ever; a Service leaves such pods out.",
    fix="Correct the name, or name a containerPort so.",
)
UNDECLARED_PORT = Rule(
    name="references/undeclared-port",
    severity=Severity.WARNING,
    title="A Service's numeric target port is one that its pods declare.",
    why="Kubernetes does not compare them: where no process listens at that number, every connection is refused.",
    fix="Use the port's name as targetPort, or declare the containerPort.",
)
RULES = (WITHOUT_PODS, SELECTS_NOTHING, MISMATCH, SHARED, MISSING_PORT, UNDECLARED_PORT)

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
# What Airflow puts on pods when it makes them: a selector may count on these.
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


def check(scene: Scene) -> Iterator[Finding]:
    """Every selector that finds nothing or too much, every port that is not there."""
    found = pods.of(scene)
    labelled = Labelled(found)
    ports = [each for pod in found for each in _probes(pod)]
    for service in scene.of_kind("Service"):
        selector = mapping(dig(service, "spec", "selector"))
        if selector and dig(service, "spec", "type") != "ExternalName":
            selected = labelled.selected({"matchLabels": selector})
            if selected:
                ports.extend(_targets(scene, service, selected))
                yield from _undeclared(scene, service, selected)
            else:
                yield _nothing(scene, WITHOUT_PODS, service, ("spec", "selector"), selector)
    yield from _ports(scene, found, ports)
    for each in scene.of_kind("PodDisruptionBudget", "NetworkPolicy"):
        yield from _protects(scene, each, labelled)
    yield from _workloads(scene, labelled)


def _nothing(scene: Scene, rule: Rule, each: Object, path: tuple[str | int, ...], labels: Any) -> Finding:
    """Told at the label that no pod has, if it is a single one."""
    known = {pair for pod in pods.of(scene) for pair in _pairs(pod.metadata.get("labels"))}
    strange = [key for key, value in _pairs(labels) if (key, value) not in known]
    shown = ", ".join(f"{key}={value}" for key, value in sorted(_pairs(labels)))
    place = scene.trace.field(each, (*path, strange[0]) if len(strange) == 1 else path)
    values = [value for key, value in known if key in strange]
    hint = near(str(mapping(labels).get(strange[0])), values) if len(strange) == 1 else ""
    return scene.finding(rule, place, f"{identify(each)} selects {shown}, which no pod of this environment has", hint)


def _pairs(labels: Any) -> list[tuple[str, str]]:
    return [(str(key), str(value)) for key, value in mapping(labels).items()]


def _protects(scene: Scene, each: Object, labelled: Labelled) -> Iterator[Finding]:
    field = "selector" if each["kind"] == "PodDisruptionBudget" else "podSelector"
    selector = dig(each, "spec", field)
    labels = mapping(dig(selector, "matchLabels"))
    if labels and not _AIRFLOW & labels.keys() and not labelled.selected(selector):
        yield _nothing(scene, SELECTS_NOTHING, each, ("spec", field, "matchLabels"), labels)


def _workloads(scene: Scene, labelled: Labelled) -> Iterator[Finding]:
    holders: dict[frozenset[str], Object] = {}
    for each in scene.of_kind(*_WORKLOADS):
        selector = dig(each, "spec", "selector")
        if not mapping(selector):
            continue  # the schema's to tell
        selected = [pod for pod in labelled.selected(selector) if pod.owner["kind"] != "ConfigMap"]
        place = partial(scene.trace.field, each, ("spec", "selector"))
        if not any(pod.owner is each for pod in selected):
            message = f"the selector of {identify(each)} does not find its own pods"
            yield scene.finding(MISMATCH, place(), message, _difference(each))
            continue
        others = [str(pod) for pod in selected if pod.owner is not each]
        pair = frozenset((str(identify(each)), *others))
        if others and pair not in holders:  # where both find the other's, it is one mistake
            holders[pair] = each
            message = f"the selector of {identify(each)} finds the pods of {', '.join(sorted(others))} too"
            yield scene.finding(SHARED, place(), message)


def _difference(workload: Object) -> str:
    labels = dict(_pairs(dig(workload, "spec", "template", "metadata", "labels")))
    wanted = dict(_pairs(dig(workload, "spec", "selector", "matchLabels")))
    differing = [f"{k}={v} (the template: {labels.get(k, 'none')})" for k, v in wanted.items() if labels.get(k) != v]
    return f"the selector wants {', '.join(sorted(differing))}" if differing else ""


def _probes(pod: Pod) -> Iterator[Mention]:
    """Each port that a probe or a hook of a container calls by a name that the container does not have."""
    for container in pod.containers:
        known = _names([container.data])
        paths = [(field,) for field in _PROBES] + [("lifecycle", "postStart"), ("lifecycle", "preStop")]
        for path in paths:
            for action in ("httpGet", "tcpSocket"):
                port = dig(container.data, *path, action, "port")
                if isinstance(port, str) and not port.isdigit() and port not in known:
                    reader = f"the {path[-1]} of container {container.name} of {pod}"
                    yield Mention(name=port, reader=reader, where=partial(container.place, *path, action, "port"))


def _targets(scene: Scene, service: Object, selected: list[Pod]) -> Iterator[Mention]:
    """Each target port that is a name which one of the selected pods does not have."""
    for number, port in enumerate(items(dig(service, "spec", "ports"))):
        name = dig(port, "targetPort")
        if isinstance(name, str) and not name.isdigit():
            without = [pod for pod in selected if name not in _names([each.data for each in pod.containers])]
            if without:
                pods_without = ", ".join(str(pod) for pod in without[:3]) + (" and others" if len(without) > 3 else "")
                reader = f"{identify(service)} (in {pods_without})"
                where = partial(scene.trace.field, service, ("spec", "ports", number, "targetPort"))
                yield Mention(name=name, reader=reader, where=where)


def _ports(scene: Scene, found: tuple[Pod, ...], mentions: list[Mention]) -> Iterator[Finding]:
    known = {name for pod in found for name in _names([each.data for each in pod.containers])}
    for name, _, group in grouped(mentions):
        message = f"{name} is the name of no containerPort there; called by {readers(group)}"
        yield scene.finding(MISSING_PORT, first(group), message, near(name, known))


def _undeclared(scene: Scene, service: Object, selected: list[Pod]) -> Iterator[Finding]:
    declared = [
        dig(port, "containerPort") for pod in selected for each in pod.containers for port in _declared(each.data)
    ]
    for number, port in enumerate(items(dig(service, "spec", "ports"))):
        target = dig(port, "targetPort")
        wanted = dig(port, "port") if target is None else target
        if isinstance(wanted, int) and declared and wanted not in declared:
            field = "port" if target is None else "targetPort"
            message = f"{identify(service)} leads to port {wanted}, which no container behind it declares"
            place = scene.trace.field(service, ("spec", "ports", number, field))
            yield scene.finding(UNDECLARED_PORT, place, message, near(str(wanted), (str(each) for each in declared)))


def _declared(container: Any) -> list[Any]:
    return items(mapping(container).get("ports"))


def _names(containers: list[Any]) -> set[str]:
    ports = (dig(port, "name") for container in containers for port in _declared(container))
    return {name for name in ports if isinstance(name, str)}
