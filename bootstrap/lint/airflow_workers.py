"""Rules about where tasks run: the executor, the pod template, the way from a task to the api-server and to its log."""

import posixpath
from collections.abc import Iterator
from urllib.parse import urlsplit

from bootstrap.airflow import settings
from bootstrap.airflow.settings import Name
from bootstrap.lint import airflow_components as parts
from bootstrap.lint.airflow_components import (
    API_SERVER,
    DAG_PROCESSOR,
    SCHEDULER,
    TRIGGERER,
    WORKER,
    Airflow,
    Component,
)
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext, dig, items, mapping
from bootstrap.validate.pods import Pod
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

NO_COMPONENT = Rule(
    name="airflow/no-component",
    severity=Severity.ERROR,
    title="Each process that Airflow 3 is made of has a workload.",
    why="Without a dag-processor no DAG is ever read (the scheduler does not any more), without an api-server no task "
    "reports back, without a scheduler nothing runs; a Celery executor needs workers.",
    fix="Add a Deployment for it.",
)
NO_TRIGGERER = Rule(
    name="airflow/no-triggerer",
    severity=Severity.WARNING,
    title="A triggerer runs.",
    why="Deferred tasks wait for one for ever; many operators and sensors defer where they are told to.",
    fix="Add a Deployment for it, or switch this rule off where no DAG defers.",
)
NO_TEMPLATE = Rule(
    name="airflow/pod-template",
    severity=Severity.ERROR,
    title="The scheduler has the file of the worker's pod template where its setting says.",
    why="The KubernetesExecutor only warns of a file that it cannot find: the worker's pod then has no image, and the "
    "API server refuses it; every task fails.",
    fix="Mount the template's ConfigMap, and name the file by its path in the container.",
)
NAMESPACE = Rule(
    name="airflow/worker-namespace",
    severity=Severity.ERROR,
    title="The KubernetesExecutor makes workers, and the api-server looks for them, in the environment's namespace.",
    why="The default is the namespace `default`, where neither may do anything (403), and where no Secret is.",
    fix="Set AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE from the field metadata.namespace, for both.",
)
RESTART = Rule(
    name="airflow/template-restarts",
    severity=Severity.ERROR,
    title="The worker's pod template says restartPolicy: Never.",
    why="The executor adds none, and Kubernetes restarts the container by default: a task runs again behind its back.",
    fix="Write restartPolicy: Never.",
)
BASE = Rule(
    name="airflow/template-base",
    severity=Severity.ERROR,
    title="The first container of the worker's pod template is named base, and no other is.",
    why="The executor puts its task into the first one and names that base, whatever it was; with a second base "
    "the API server refuses the pod. The log of a running task is read from the container of that name.",
    fix="Name the first container base, and put sidecars after it.",
)
API_URL = Rule(
    name="airflow/execution-url",
    severity=Severity.ERROR,
    title="Workers know the URL of the execution API: the api-server's Service, and the path /execution/.",
    why="The default is http://localhost:8080/execution/, in the worker's own pod: each task fails before it runs.",
    fix="Set AIRFLOW__CORE__EXECUTION_API_SERVER_URL to http://SERVICE:PORT/execution/.",
)
LOGS = Rule(
    name="airflow/remote-logs",
    severity=Severity.ERROR,
    title="Where remote logging is on, its folder is set.",
    why="A worker's log dies with its pod: without a folder nothing is uploaded, and the UI shows no log.",
    fix="Set AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER, or switch remote logging off.",
)
LOG_CONNECTION = Rule(
    name="airflow/log-connection",
    severity=Severity.WARNING,
    title="Workers, the api-server and the triggerer have the connection of remote logging.",
    why="The first and the last write logs, the api-server reads them; without its credentials each of them fails "
    "quietly. (A connection in the metadata database is not seen from here.)",
    fix="Give all of them the Secret with the connection.",
)
RULES = (NO_COMPONENT, NO_TRIGGERER, NO_TEMPLATE, NAMESPACE, RESTART, BASE, API_URL, LOGS, LOG_CONNECTION)

_TEMPLATE: Name = ("kubernetes_executor", "pod_template_file")
_URL: Name = ("core", "execution_api_server_url")
_ON, _FOLDER, _CONNECTION = (("logging", f"remote_{key}") for key in ("logging", "base_log_folder", "log_conn_id"))
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104  (hosts to warn of)


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that keeps a task from running, or its log from being seen."""
    airflow = parts.of(scene)
    yield from _components(scene, airflow)
    if airflow.runs_pods:
        yield from _template_file(scene, airflow)
        yield from _namespaces(scene, airflow)
    for pod in pods.of(scene):
        if pod.key is not None:
            yield from _template(scene, pod)
    for component in airflow.tasks():
        yield from _url(scene, airflow, component)
    yield from _logs(scene, airflow)


def _components(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    """What is missing, once there is an Airflow at all: an overlay may hold but a part of it."""
    kinds = {each.kind for each in airflow.components if each.pod.key is None}
    if len(kinds) < 2:
        return
    for kind in (API_SERVER, SCHEDULER, DAG_PROCESSOR):
        if kind not in kinds:
            yield scene.finding(NO_COMPONENT, scene.trace.overlay("resources"), f"no workload runs the {kind}")
    if TRIGGERER not in kinds:
        yield scene.finding(NO_TRIGGERER, scene.trace.overlay("resources"), "no workload runs the triggerer")
    if "CeleryExecutor" in airflow.executors and WORKER not in kinds:
        message = "the executor is the CeleryExecutor, and no workload runs its workers"
        yield scene.finding(NO_COMPONENT, scene.trace.overlay("resources"), message)


def _template_file(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    for scheduler in airflow.all(SCHEDULER):
        if scheduler.is_open or _TEMPLATE in airflow.configured:
            continue
        variable, path = settings.variable(_TEMPLATE), scheduler.value(*_TEMPLATE)
        if path:
            if reason := _absent(scene, scheduler, path):
                yield scene.finding(NO_TEMPLATE, _place(scheduler, _TEMPLATE), f"{variable} is {path}, and {reason}")
        elif not scheduler.value("kubernetes_executor", "worker_container_repository"):
            yield scene.finding(
                NO_TEMPLATE, scheduler.home, f"the scheduler has no {variable}, so its workers have no image"
            )


def _absent(scene: EnvironmentContext, scheduler: Component, path: str) -> str:
    """Why a file is not in the scheduler's container; empty where it is, or where only the cluster knows."""
    mounts = [
        each for each in items(scheduler.container.data.get("volumeMounts")) if isinstance(dig(each, "mountPath"), str)
    ]
    over = [each for each in mounts if _is_in(path, str(each["mountPath"]))]
    if not over:
        return "the scheduler mounts nothing there"
    mount = max(over, key=lambda each: len(each["mountPath"]))
    volumes = items(scheduler.pod.spec.get("volumes"))
    volume = next((each for each in volumes if dig(each, "name") == mount.get("name")), None)
    source = mapping(dig(volume, "configMap"))
    name = source.get("name")
    held = scene.find("ConfigMap", name) if isinstance(name, str) else None
    if held is None or mount.get("subPath") or items(source.get("items")):
        return ""
    key = posixpath.relpath(path, str(mount["mountPath"]))
    keys = {*mapping(held.get("data")), *mapping(held.get("binaryData"))}
    return "" if key in keys else f"ConfigMap/{name} has no {key}"


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _namespaces(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    name = ("kubernetes_executor", "namespace")
    variable = settings.variable(name)
    for component in airflow.all(SCHEDULER, API_SERVER):
        if (
            component.is_open
            or name in airflow.configured
            or component.is_on("kubernetes_executor", "multi_namespace_mode")
        ):
            continue
        found, own = component.setting(*name), component.pod.owner["metadata"].get("namespace")
        if found is None:
            message = f"{component} has no {variable}, so it looks into the namespace default"
            yield scene.finding(NAMESPACE, component.home, message)
        elif (value := component.value(*name)) and own and value != own:
            message = f"{variable} is {value} for {component}, and it runs in {own}"
            yield scene.finding(NAMESPACE, _place(component, name), message)


def _template(scene: EnvironmentContext, pod: Pod) -> Iterator[Finding]:
    policy = pod.spec.get("restartPolicy")
    if policy != "Never":
        yield scene.finding(RESTART, pod.place("restartPolicy"), f"restartPolicy is {policy or 'not set'} in {pod}")
    names = [each.name for each in pod.containers if each.field == "containers"]
    if names and names[0] != "base":
        place = pod.place("containers", 0, "name")
        yield scene.finding(BASE, place, f"the first container of {pod} is named {names[0] or 'nothing'}")
    elif names.count("base") > 1:
        place = pod.place("containers", len(names) - 1 - names[::-1].index("base"), "name")
        yield scene.finding(BASE, place, f"{names.count('base')} containers of {pod} are named base")


def _url(scene: EnvironmentContext, airflow: Airflow, component: Component) -> Iterator[Finding]:
    if component.is_open or _URL in airflow.configured:
        return
    variable, found, value = settings.variable(_URL), component.setting(*_URL), component.value(*_URL)
    if found is None:
        # It is then derived from the base URL, which a rule of its own looks at.
        if component.kind == WORKER and component.setting("api", "base_url") is None:
            yield scene.finding(API_URL, component.home, f"{component} has no {variable}")
    elif value is not None and (reason := _bad_url(value, local=component.kind != WORKER)):
        yield scene.finding(API_URL, _place(component, _URL), f"{variable} is {value}: {reason}")


def _bad_url(value: str, *, local: bool) -> str:
    try:
        url = urlsplit(value)
        host = url.hostname
    except ValueError:
        return "this is no URL"
    if url.scheme not in ("http", "https") or not host:
        return "it has no http:// and host"
    if host in _LOCAL and not local:
        return "no api-server is in a worker's pod"
    return "" if url.path.rstrip("/").endswith("/execution") else "the execution API is at /execution/"


def _logs(scene: EnvironmentContext, airflow: Airflow) -> Iterator[Finding]:
    who = [*airflow.tasks(), *airflow.all(API_SERVER, TRIGGERER)]
    who = [each for each in who if each.is_on(*_ON) and not each.is_open]
    for component in who:
        no_folder = component.setting(*_FOLDER) is None and _FOLDER not in airflow.configured
        if no_folder or component.value(*_FOLDER) == "":
            message = f"remote logging is on, and {settings.variable(_FOLDER)} is not set"
            yield scene.finding(LOGS, _place(component, _ON), message)
        elif (
            component.setting("secrets", "backend") is None and component.setting("workers", "secrets_backend") is None
        ):
            yield from _connection(scene, component, who)


def _connection(scene: EnvironmentContext, component: Component, who: list[Component]) -> Iterator[Finding]:
    name = component.value(*_CONNECTION)
    variable = f"AIRFLOW_CONN_{name}".upper()
    if not name or variable in component.container.settings:
        return
    if any(variable in each.container.settings for each in who):
        message = f"{component} has no {variable}, the connection of remote logging"
        yield scene.finding(LOG_CONNECTION, component.home, message)
    else:
        place = _place(component, _CONNECTION)
        yield scene.finding(LOG_CONNECTION, place, f"nothing has {variable}, the connection of remote logging")


def _place(component: Component, name: Name) -> Place:
    found = component.setting(*name)
    return parts.place_of(component.container, found) if found else component.home
