"""Airflow as the rules see it: its processes, the containers that run them, and the settings that these read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from bootstrap.airflow import settings
from bootstrap.airflow.settings import Name, Settings
from bootstrap.airflow.values import executor_names, expand
from bootstrap.kubernetes.objects import dig, items, mapping
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container, Pod, Setting
from bootstrap.yamltools.positions import Place

EXECUTOR: Name = ("core", "executor")
_TRUE = frozenset({"t", "true", "1"})
_COMMAND = re.compile(r"(?:^|[\s;&|(])airflow\s+([a-z][a-z_-]*(?:\s+[a-z][a-z_-]*)?)")


class Process(StrEnum):
    """The processes that Airflow is made of, by the names of its commands; `celery worker` for a worker."""

    SCHEDULER = "scheduler"
    API_SERVER = "api-server"
    DAG_PROCESSOR = "dag-processor"
    TRIGGERER = "triggerer"
    WORKER = "worker"


SERVERS = tuple(process for process in Process if process is not Process.WORKER)


@dataclass(frozen=True, kw_only=True)
class Component:
    """A container that runs a process of Airflow; `kind` is the process. (No slots: it caches.)"""

    kind: Process
    container: Container

    @property
    def pod(self) -> Pod:
        """Its pod."""
        return self.container.pod

    def __str__(self) -> str:
        return f"the {self.kind}" if self.pod.key is None else f"the {self.kind}'s template"

    @property
    def place(self) -> Place:
        """Where its arguments name the process; else its name."""
        for field in ("args", "command"):
            for number, word in enumerate(items(self.container.data.get(field))):
                if word == self.kind:
                    return self.container.place(field, number)
        return self.container.place("name")

    def setting(self, option: Name) -> Setting | None:
        """The variable that sets an option: its own, else that of `_CMD` or `_SECRET`, else one of an old name."""
        section, key = option
        honoured = find_airflow(self.pod.scene).settings.honoured
        old = (name for name, new in honoured.items() if new == option)
        names = (option, (section, f"{key}_cmd"), (section, f"{key}_secret"), *old)
        held = (self.container.settings.get(settings.variable(name)) for name in names)
        return next((setting for setting in held if setting is not None), None)

    def value(self, option: Name) -> str | None:
        """The value of an option, references replaced; None where it is not set or the repository does not show it."""
        found = self.container.settings.get(settings.variable(option))
        return expand(found.value, values(self.container)) if found and found.value is not None else None

    def is_on(self, option: Name) -> bool:
        """Whether a boolean option is set to true."""
        return (self.value(option) or "").partition("#")[0].strip().lower() in _TRUE

    def shows(self, option: Name) -> bool:
        """Whether the repository shows an option's value, or that no variable sets it."""
        return self.setting(option) is None or self.value(option) is not None

    def option_place(self, option: Name) -> Place:
        """Where an option is set; the component's place where it is not."""
        found = self.setting(option)
        return setting_place(self.container, found) if found else self.place

    @cached_property
    def has_foreign_variables(self) -> bool:
        """Whether `envFrom` names an object that is not in the environment: it may set any option.

        An optional object does not count, because nothing may depend on it.
        """
        for source in items(self.container.data.get("envFrom")):
            for kinds, field in ((("ConfigMap",), "configMapRef"), (("Secret", "SealedSecret"), "secretRef")):
                name = dig(source, field, "name")
                is_needed = isinstance(name, str) and dig(source, field, "optional") is not True
                if is_needed and not any(self.pod.scene.find(kind, name) for kind in kinds):
                    return True
        return False


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """The Airflow of an environment: its components, the pods beside them, and what its release has for settings.

    `configured` are the options that an airflow.cfg sets. All is empty for another major than the rules are about.
    """

    settings: Settings
    pods: tuple[Pod, ...] = ()
    components: tuple[Component, ...] = ()
    configured: frozenset[Name] = frozenset()

    @property
    def containers(self) -> Iterator[Container]:
        """The containers of all pods, whatever they run."""
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

    def hides(self, component: Component, option: Name) -> bool:
        """Whether a component may get an option from airflow.cfg, or from an object that is not in the environment."""
        return component.has_foreign_variables or option in self.configured

    @property
    def executors(self) -> tuple[str, ...]:
        """The names of its executors; none where the repository does not say. Airflow's default is LocalExecutor."""
        scheduler = self.first(Process.SCHEDULER)
        if scheduler is None or EXECUTOR in self.configured:
            return ()
        if scheduler.setting(EXECUTOR) is None:
            return () if scheduler.has_foreign_variables else ("LocalExecutor",)
        return executor_names(scheduler.value(EXECUTOR) or "")

    @property
    def runs_pods(self) -> bool:
        """Whether tasks run in pods of their own."""
        return "KubernetesExecutor" in self.executors

    def task_runners(self) -> tuple[Component, ...]:
        """The components in which tasks run."""
        schedulers = self.of_kind(Process.SCHEDULER) if "LocalExecutor" in self.executors else ()
        workers = self.of_kind(Process.WORKER)
        templates = [worker for worker in workers if worker.pod.key is not None and self.runs_pods]
        celery = [worker for worker in workers if worker.pod.key is None and "CeleryExecutor" in self.executors]
        return (*schedulers, *templates, *celery)


def find_airflow(env: EnvironmentContext) -> Airflow:
    """The Airflow of an environment, found once."""
    return env.once("airflow", lambda: _find_airflow(env))


def _find_airflow(env: EnvironmentContext) -> Airflow:
    components = tuple(_components(env))
    schedulers = [component for component in components if component.kind == Process.SCHEDULER]
    images = (str(component.container.data.get("image", "")) for component in schedulers or components)
    known = settings.settings(next(filter(None, map(settings.release, images)), None))
    if known is None:
        return Airflow(settings=Settings(version="", options={}))
    return Airflow(settings=known, pods=pods.of(env), components=components, configured=_configured(env))


def commands(container: Container) -> tuple[str, ...]:
    """The `airflow` commands that a container runs, each as its first one or two words."""
    words = [str(word) for field in ("command", "args") for word in items(container.data.get(field))]
    if found := _COMMAND.findall(" ".join(words)):
        return tuple(" ".join(command.split()) for command in found)
    if not items(container.data.get("command")) and words and "airflow" in str(container.data.get("image")):
        return (" ".join(words[:2]),)  # the official image's entrypoint puts `airflow` in front
    return ()


def setting_place(container: Container, setting: Setting) -> Place:
    """Where a variable of a container gets its value."""
    return setting.place or container.place("env")


def command_place(container: Container, command: str) -> Place:
    """Where a container is told to run a command: the argument that holds its last word; else the container's name."""
    word = re.compile(rf"(?<![\w-]){re.escape(command.rpartition(' ')[2])}(?![\w-])")
    for field in ("args", "command"):
        for number, argument in enumerate(items(container.data.get(field))):
            if isinstance(argument, str) and word.search(argument):
                return container.place(field, number)
    return container.place("name")


def values(container: Container) -> Mapping[str, str | None]:
    """The values of a container's variables, None for those that only the cluster knows."""
    return {name: setting.value for name, setting in container.settings.items()}


def _components(env: EnvironmentContext) -> Iterator[Component]:
    for pod in pods.of(env):
        main = [container for container in pod.containers if container.field == "containers"]
        if pod.key is not None:
            if main:
                yield Component(kind=Process.WORKER, container=main[0])
            continue
        if pod.owner["kind"] in ("Job", "CronJob"):
            continue
        running = [(kind, container) for container in main if (kind := _kind(container)) is not None]
        for kind, container in running:
            yield Component(kind=kind, container=container)
        labels = mapping(pod.metadata.get("labels"))
        label = str(labels.get("app.kubernetes.io/component"))
        # By label only where that says Airflow too: other software has schedulers and workers.
        if not running and main and labels.get("app.kubernetes.io/name") == "airflow" and label in list(Process):
            yield Component(kind=Process(label), container=next((each for each in main if each.name == label), main[0]))


def _kind(container: Container) -> Process | None:
    for command in commands(container):
        first = command.partition(" ")[0]
        if command == "celery worker" or first in SERVERS:
            return Process.WORKER if first == "celery" else Process(first)
    return None


def _configured(env: EnvironmentContext) -> frozenset[Name]:
    """The options that an airflow.cfg among the ConfigMaps sets."""
    found: set[Name] = set()
    for config in env.of_kind("ConfigMap"):
        text: Any = mapping(config.get("data")).get("airflow.cfg")
        section = ""
        for line in text.splitlines() if isinstance(text, str) else ():
            if match := re.match(r"\s*\[([^\]]+)\]", line):
                section = match[1].strip().lower().replace(".", "_")
            elif match := re.match(r"([A-Za-z]\w*)\s*[=:]", line):
                found.add((section, match[1].lower()))
    return frozenset(found)
