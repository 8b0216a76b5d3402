"""Rules about task execution: the executor, the worker's pod template, the URL of the execution API."""

import posixpath
from collections.abc import Iterator
from urllib.parse import urlsplit

from bootstrap.airflow import settings
from bootstrap.airflow.settings import OptionName
from bootstrap.kubernetes.objects import dig, items, mapping
from bootstrap.validate.airflow_components import Component, Process, find_airflow
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.airflow.values import LOCAL_HOSTS
from bootstrap.validate.violation import Violation

_TEMPLATE: OptionName = ("kubernetes_executor", "pod_template_file")
_IMAGE: OptionName = ("kubernetes_executor", "worker_container_repository")
_NAMESPACE: OptionName = ("kubernetes_executor", "namespace")
_NAMESPACES: OptionName = ("kubernetes_executor", "multi_namespace_mode")
_URL: OptionName = ("core", "execution_api_server_url")


@rule(
    "airflow/pod-template", ERROR, fix="Mount the template's ConfigMap, and name the file by its path in the container."
)
def pod_template(env: EnvironmentContext) -> Iterator[Violation]:
    """The scheduler has the file of the worker's pod template where its setting says.

    The KubernetesExecutor only warns of a file that it cannot find: the worker's pod then has no image, and the API
    server refuses it; every task fails.
    """
    airflow, variable = find_airflow(env), settings.variable(_TEMPLATE)
    for scheduler in airflow.of_kind(Process.SCHEDULER) if airflow.runs_pods else ():
        if airflow.hides(scheduler, _TEMPLATE):
            continue
        if path := scheduler.value(_TEMPLATE):
            if reason := _absent(env, scheduler, path):
                yield Violation(scheduler.option_place(_TEMPLATE), f"{variable} is {path}, and {reason}")
        elif not scheduler.value(_IMAGE):
            yield Violation(scheduler.place, f"the scheduler has no {variable}, so its workers have no image")


@rule(
    "airflow/worker-namespace",
    ERROR,
    fix="Set AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE from the field metadata.namespace, for both.",
)
def worker_namespace(env: EnvironmentContext) -> Iterator[Violation]:
    """The KubernetesExecutor makes workers, and the api-server looks for them, in the environment's namespace.

    The default is the namespace `default`, where neither may do anything (403), and where no Secret is.
    """
    airflow, variable = find_airflow(env), settings.variable(_NAMESPACE)
    for component in airflow.of_kind(Process.SCHEDULER, Process.API_SERVER) if airflow.runs_pods else ():
        if airflow.hides(component, _NAMESPACE) or component.is_on(_NAMESPACES):
            continue
        value, own = component.value(_NAMESPACE), component.pod.owner["metadata"].get("namespace")
        if component.setting(_NAMESPACE) is None:
            message = f"{component} has no {variable}, so it looks into the namespace default"
            yield Violation(component.place, message)
        elif value and own and value != own:
            message = f"{variable} is {value} for {component}, and it runs in {own}"
            yield Violation(component.option_place(_NAMESPACE), message)


@rule("airflow/template-restarts", ERROR, fix="Write restartPolicy: Never.")
def template_restarts(env: EnvironmentContext) -> Iterator[Violation]:
    """The worker's pod template says restartPolicy: Never.

    The executor adds none, and Kubernetes restarts the container by default: a task runs again behind its back.
    """
    for pod in find_airflow(env).templates:
        policy = pod.spec.get("restartPolicy")
        if policy != "Never":
            yield Violation(pod.place("restartPolicy"), f"restartPolicy is {policy or 'not set'} in {pod}")


@rule("airflow/template-base", ERROR, fix="Name the first container base, and put sidecars after it.")
def template_base(env: EnvironmentContext) -> Iterator[Violation]:
    """The first container of the worker's pod template is named base, and no other is.

    The executor puts its task into the first one and names that base, whatever it was; with a second base the API
    server refuses the pod. The log of a running task is read from the container of that name.
    """
    for pod in find_airflow(env).templates:
        containers = [container for container in pod.containers if container.field == "containers"]
        bases = [container for container in containers if container.name == "base"]
        if containers and containers[0].name != "base":
            message = f"the first container of {pod} is named {containers[0].name or 'nothing'}"
            yield Violation(pod.place("containers", 0, "name"), message)
        elif len(bases) > 1:
            yield Violation(bases[-1].place("name"), f"{len(bases)} containers of {pod} are named base")


@rule(
    "airflow/execution-url", ERROR, fix="Set AIRFLOW__CORE__EXECUTION_API_SERVER_URL to http://SERVICE:PORT/execution/."
)
def execution_url(env: EnvironmentContext) -> Iterator[Violation]:
    """Workers know the URL of the execution API: the api-server's Service, and the path /execution/.

    The default is http://localhost:8080/execution/, in the worker's own pod: each task fails before it runs.
    """
    airflow, variable = find_airflow(env), settings.variable(_URL)
    for runner in airflow.task_runners():
        if airflow.hides(runner, _URL):
            continue
        value, is_worker = runner.value(_URL), runner.kind == Process.WORKER
        if runner.setting(_URL) is None:
            # Airflow then derives it from the base URL, which has its own rule.
            if is_worker and runner.setting(("api", "base_url")) is None:
                yield Violation(runner.place, f"{runner} has no {variable}")
        elif value is not None and (reason := _bad_url(value, is_worker=is_worker)):
            yield Violation(runner.option_place(_URL), f"{variable} is {value}: {reason}")


def _absent(env: EnvironmentContext, scheduler: Component, path: str) -> str:
    """Reason why a file is not in the scheduler's container; empty if it is, or only the cluster knows."""
    mounts = [mapping(mount) for mount in items(scheduler.container.data.get("volumeMounts"))]
    over = [mount for mount in mounts if _is_in(path, mount.get("mountPath"))]
    if not over:
        return "the scheduler mounts nothing there"
    mount = max(over, key=lambda mount: len(mount["mountPath"]))
    volumes = items(scheduler.pod.spec.get("volumes"))
    volume = next((volume for volume in volumes if dig(volume, "name") == mount.get("name")), None)
    source = mapping(volume, "configMap")
    name = source.get("name")
    config = env.find("ConfigMap", name) if isinstance(name, str) else None
    if config is None or mount.get("subPath") or items(source.get("items")):
        return ""
    key = posixpath.relpath(path, mount["mountPath"])
    keys = {*mapping(config.get("data")), *mapping(config.get("binaryData"))}
    return "" if key in keys else f"ConfigMap/{name} has no {key}"


def _is_in(path: str, folder: object) -> bool:
    return isinstance(folder, str) and (path == folder or path.startswith(folder.rstrip("/") + "/"))


def _bad_url(value: str, *, is_worker: bool) -> str:
    """Reason why a component can't reach the execution API at a URL; empty if it can."""
    try:
        url = urlsplit(value)
        host = url.hostname
    except ValueError:
        return "this is no URL"
    if url.scheme not in ("http", "https") or not host:
        return "it has no http:// and host"
    if host in LOCAL_HOSTS and is_worker:
        return "no api-server is in a worker's pod"
    return "" if url.path.rstrip("/").endswith("/execution") else "the execution API is at /execution/"
