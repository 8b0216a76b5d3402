"""Airflow components: the processes of an environment, their containers, and the settings that these read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from bootstrap.airflow import settings
from bootstrap.airflow.settings import OptionName, Settings
from bootstrap.airflow.values import executor_names, expand
from bootstrap.kubernetes.objects import dig, items, mapping
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container, Pod, Setting
from bootstrap.yamltools.positions import Place

EXECUTOR: OptionName = ("core", "executor")
_TRUE = frozenset({"t", "true", "1"})
_COMMAND = re.compile(r"(?:^|[\s;&|(])airflow\s+([a-z][a-z_-]*(?:\s+[a-z][a-z_-]*)?)")


class Process(StrEnum):
    """Process of Airflow, named after its command; a worker's is `celery worker`."""

    SCHEDULER = "scheduler"
    API_SERVER = "api-server"
    DAG_PROCESSOR = "dag-processor"
    TRIGGERER = "triggerer"
    WORKER = "worker"


SERVERS = tuple(process for process in Process if process is not Process.WORKER)


@dataclass(frozen=True, kw_only=True)
class Component:
    """A container that runs a process of Airflow, its `kind`. (No slots: it caches.)"""

    kind: Process
    container: Container

    @property
    def pod(self) -> Pod:
        """Pod of the container."""
        return self.container.pod

    def __str__(self) -> str:
        return f"the {self.kind}" if self.pod.key is None else f"the {self.kind}'s template"

    @property
    def place(self) -> Place:
        """Line of the argument that names the process; else of the container's name."""
        for field in ("args", "command"):
            for number, word in enumerate(items(self.container.data.get(field))):
                if word == self.kind:
                    return self.container.place(field, number)
        return self.container.place("name")

    def setting(self, option: OptionName) -> Setting | None:
        """Variable that sets an option: its own, else that with `_CMD` or `_SECRET`, else that of a deprecated name."""
        section, key = option
        honoured = find_airflow(self.pod.env).settings.honoured
        old = (name for name, new in honoured.items() if new == option)
        names = (option, (section, f"{key}_cmd"), (section, f"{key}_secret"), *old)
        candidates = (self.container.settings.get(settings.variable(name)) for name in names)
        return next((setting for setting in candidates if setting is not None), None)

    def value(self, option: OptionName) -> str | None:
        """Value of an option with references expanded; None if it is unset or its value is not in the repository."""
        setting = self.container.settings.get(settings.variable(option))
        return expand(setting.value, values(self.container)) if setting and setting.value is not None else None

    def is_on(self, option: OptionName) -> bool:
        """Whether a boolean option is set to true."""
        return (self.value(option) or "").partition("#")[0].strip().lower() in _TRUE

    def shows(self, option: OptionName) -> bool:
        """Whether an option is known: its value is in the repository, or no variable sets it."""
        return self.setting(option) is None or self.value(option) is not None

    def option_place(self, option: OptionName) -> Place:
        """Line that sets an option; the component's own if none does."""
        setting = self.setting(option)
        return setting_place(self.container, setting) if setting else self.place

    @cached_property
    def has_foreign_variables(self) -> bool:
        """Whether `envFrom` names an object that is not in the environment, and so may set any option.

        An optional object does not count, as nothing may depend on it.
        """
        for source in items(self.container.data.get("envFrom")):
            for kinds, field in ((("ConfigMap",), "configMapRef"), (("Secret", "SealedSecret"), "secretRef")):
                name = dig(source, field, "name")
                is_needed = isinstance(name, str) and dig(source, field, "optional") is not True
                if is_needed and not any(self.pod.env.find(kind, name) for kind in kinds):
                    return True
        return False


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """Airflow of an environment: its components, all pods, and the settings that its release knows.

    `configured` are the options that an airflow.cfg sets. All fields are empty for a major version without rules.
    """

    settings: Settings
    pods: tuple[Pod, ...] = ()
    components: tuple[Component, ...] = ()
    configured: frozenset[OptionName] = frozenset()

    @property
    def containers(self) -> Iterator[Container]:
        """Containers of all pods, whatever they run."""
        return (container for pod in self.pods for container in pod.containers)

    @property
    def templates(self) -> tuple[Pod, ...]:
        """The pod templates of workers, each an entry of a ConfigMap."""
        return tuple(pod for pod in self.pods if pod.key is not None)

    def of_kind(self, *kinds: Process) -> tuple[Component, ...]:
        """The components of these kinds."""
        return tuple(component for component in self.components if component.kind in kinds)

    def first(self, kind: Process) -> Component | None:
        """The first component of a kind."""
        return next(iter(self.of_kind(kind)), None)

    def hides(self, component: Component, option: OptionName) -> bool:
        """Whether a component may get an option from airflow.cfg, or from an object outside of the environment."""
        return component.has_foreign_variables or option in self.configured

    @property
    def executors(self) -> tuple[str, ...]:
        """Names of the executors; empty if not in the repository. Airflow's default is LocalExecutor."""
        scheduler = self.first(Process.SCHEDULER)
        if scheduler is None or EXECUTOR in self.configured:
            return ()
        if scheduler.setting(EXECUTOR) is None:
            return () if scheduler.has_foreign_variables else ("LocalExecutor",)
        return executor_names(scheduler.value(EXECUTOR) or "")

    @property
    def runs_pods(self) -> bool:
        """Whether the KubernetesExecutor runs tasks, each in its own pod."""
        return "KubernetesExecutor" in self.executors

    def task_runners(self) -> tuple[Component, ...]:
        """Components in which tasks run."""
        schedulers = self.of_kind(Process.SCHEDULER) if "LocalExecutor" in self.executors else ()
        workers = self.of_kind(Process.WORKER)
        templates = [worker for worker in workers if worker.pod.key is not None and self.runs_pods]
        celery = [worker for worker in workers if worker.pod.key is None and "CeleryExecutor" in self.executors]
        return (*schedulers, *templates, *celery)


def find_airflow(env: EnvironmentContext) -> Airflow:
    """Airflow of an environment, memoized."""
    return env.once("airflow", lambda: _find_airflow(env))


def _find_airflow(env: EnvironmentContext) -> Airflow:
    components = tuple(_components(env))
    schedulers = [component for component in components if component.kind == Process.SCHEDULER]
    images = (str(component.container.data.get("image", "")) for component in schedulers or components)
    release_settings = settings.load_settings(next(filter(None, map(settings.parse_release, images)), None))
    if release_settings is None:
        return Airflow(settings=Settings(version="", options={}))
    return Airflow(settings=release_settings, pods=pods.of(env), components=components, configured=_configured(env))


def commands(container: Container) -> tuple[str, ...]:
    """`airflow` commands that a container runs, as their first one or two words."""
    words = [str(word) for field in ("command", "args") for word in items(container.data.get(field))]
    if matches := _COMMAND.findall(" ".join(words)):
        return tuple(" ".join(command.split()) for command in matches)
    if not items(container.data.get("command")) and words and "airflow" in str(container.data.get("image")):
        return (" ".join(words[:2]),)  # the official image's entrypoint puts `airflow` in front
    return ()


def setting_place(container: Container, setting: Setting) -> Place:
    """Line that gives a variable its value; else the container's `env`."""
    return setting.place or container.place("env")


def command_place(container: Container, command: str) -> Place:
    """Line of the argument that holds a command's last word; else of the container's name."""
    word = re.compile(rf"(?<![\w-]){re.escape(command.rpartition(' ')[2])}(?![\w-])")
    for field in ("args", "command"):
        for number, argument in enumerate(items(container.data.get(field))):
            if isinstance(argument, str) and word.search(argument):
                return container.place(field, number)
    return container.place("name")


def values(container: Container) -> Mapping[str, str | None]:
    """Values of a container's variables; None for those that only the cluster knows."""
    return {name: setting.value for name, setting in container.settings.items()}


def _components(env: EnvironmentContext) -> Iterator[Component]:
    for pod in pods.of(env):
        app_containers = [container for container in pod.containers if container.field == "containers"]
        if pod.key is not None:
            if app_containers:
                yield Component(kind=Process.WORKER, container=app_containers[0])
            continue
        if pod.owner["kind"] in ("Job", "CronJob"):
            continue
        running = [(kind, container) for container in app_containers if (kind := _kind(container)) is not None]
        for kind, container in running:
            yield Component(kind=kind, container=container)
        labels = mapping(pod.metadata.get("labels"))
        label = str(labels.get("app.kubernetes.io/component"))
        # By label only if that also names Airflow: other software has schedulers and workers too.
        is_airflow = labels.get("app.kubernetes.io/name") == "airflow"
        if not running and app_containers and is_airflow and label in list(Process):
            named = [container for container in app_containers if container.name == label]
            yield Component(kind=Process(label), container=(named or app_containers)[0])


def _kind(container: Container) -> Process | None:
    for command in commands(container):
        first = command.partition(" ")[0]
        if command == "celery worker" or first in SERVERS:
            return Process.WORKER if first == "celery" else Process(first)
    return None


def _configured(env: EnvironmentContext) -> frozenset[OptionName]:
    """Options that an airflow.cfg in a ConfigMap sets."""
    options: set[OptionName] = set()
    for config in env.of_kind("ConfigMap"):
        text: Any = mapping(config.get("data")).get("airflow.cfg")
        section = ""
        for line in text.splitlines() if isinstance(text, str) else ():
            if match := re.match(r"\s*\[([^\]]+)\]", line):
                section = match[1].strip().lower().replace(".", "_")
            elif match := re.match(r"([A-Za-z]\w*)\s*[=:]", line):
                options.add((section, match[1].lower()))
    return frozenset(options)
