"""The processes of Airflow in an environment: which container runs which, and with which settings."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bootstrap.airflow import settings as airflow_settings
from bootstrap.airflow.settings import Name, Settings
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext, dig, items, mapping
from bootstrap.validate.pods import Container, Pod, Setting
from bootstrap.yamltools.positions import Place

API_SERVER, SCHEDULER, DAG_PROCESSOR = "api-server", "scheduler", "dag-processor"
TRIGGERER, WORKER = "triggerer", "worker"
_COMPONENTS = frozenset({API_SERVER, SCHEDULER, DAG_PROCESSOR, TRIGGERER, WORKER})
_TRUE = frozenset({"t", "true", "1"})
_COMMAND = re.compile(r"(?:^|[\s;&|(])airflow\s+([a-z][a-z_-]*(?:\s+[a-z][a-z_-]*)?)")
_REFERENCE = re.compile(r"\$\((\w+)\)|\$\{(\w+)\}|\$(\w+)")
_DEPTH = 3  # a reference may lead to another one, and a bad one to itself


@dataclass(frozen=True, kw_only=True)
class Component:
    """One process of Airflow: what it is, and the container that runs it. (No slots: it caches.)"""

    kind: str
    container: Container

    @property
    def pod(self) -> Pod:
        """Its pod."""
        return self.container.pod

    def __str__(self) -> str:
        return f"the {self.kind}" if self.pod.key is None else f"the {self.kind}'s template"

    @property
    def home(self) -> Place:
        """Where it is told what it runs; its name, where that is not told by an argument."""
        for field in ("args", "command"):
            for number, word in enumerate(items(self.container.data.get(field))):
                if word == self.kind:
                    return self.container.place(field, number)
        return self.container.place("name")

    def setting(self, section: str, key: str) -> Setting | None:
        """What it reads for an option, through an old name or a command of the option's where there is one."""
        name = (section, key)
        known = of(self.pod.scene).settings
        olds = [old for old, new in known.honoured.items() if new == name] if known else []
        for each in (name, (section, f"{key}_cmd"), (section, f"{key}_secret"), *olds):
            if (found := self.container.settings.get(airflow_settings.variable(each))) is not None:
                return found
        return None

    def value(self, section: str, key: str) -> str | None:
        """The value of an option where the repository says it, with what it refers to filled in."""
        found = self.container.settings.get(airflow_settings.variable((section, key)))
        return expanded(found.value, values(self.container)) if found and found.value is not None else None

    def is_on(self, section: str, key: str) -> bool:
        """Whether a boolean option is set, and to true."""
        return (self.value(section, key) or "").partition("#")[0].strip().lower() in _TRUE

    @cached_property
    def is_open(self) -> bool:
        """Whether it reads variables from objects that others bring: it may then have any setting.

        An optional one does not count, because nothing may depend on it.
        """
        for source in items(self.container.data.get("envFrom")):
            for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                name = dig(source, field, "name")
                if isinstance(name, str) and dig(source, field, "optional") is not True:
                    kinds = (kind,) if kind == "ConfigMap" else ("Secret", "SealedSecret")
                    if not any(self.pod.scene.find(each, name) for each in kinds):
                        return True
        return False


@dataclass(frozen=True, kw_only=True)
class Airflow:
    """The Airflow of an environment. `settings` is what its release knows; None for a release of another age."""

    components: tuple[Component, ...]
    settings: Settings | None
    configured: frozenset[Name]

    def all(self, *kinds: str) -> tuple[Component, ...]:
        """Its components of these kinds."""
        return tuple(each for each in self.components if each.kind in kinds)

    def first(self, kind: str) -> Component | None:
        """Its first component of a kind."""
        return next(iter(self.all(kind)), None)

    @property
    def executors(self) -> tuple[str, ...]:
        """The names of its executors; none where the repository does not say. Airflow's default is LocalExecutor."""
        scheduler = self.first(SCHEDULER)
        if scheduler is None or ("core", "executor") in self.configured:
            return ()
        if scheduler.setting("core", "executor") is None:
            return () if scheduler.is_open else ("LocalExecutor",)
        return executor_names(scheduler.value("core", "executor") or "")

    @property
    def runs_pods(self) -> bool:
        """Whether tasks run in pods of their own."""
        return "KubernetesExecutor" in self.executors

    def tasks(self) -> tuple[Component, ...]:
        """The components in which tasks run."""
        found = [*self.all(SCHEDULER)] if "LocalExecutor" in self.executors else []
        templates = [each for each in self.all(WORKER) if each.pod.key is not None] if self.runs_pods else []
        celery = [each for each in self.all(WORKER) if each.pod.key is None]
        return (*found, *templates, *(celery if "CeleryExecutor" in self.executors else ()))


def of(scene: EnvironmentContext) -> Airflow:
    """The Airflow of an environment, found once."""
    return scene.once("airflow", lambda: _find(scene))


def _find(scene: EnvironmentContext) -> Airflow:
    components = tuple(_components(scene))
    images = [_image(each) for each in components if each.kind == SCHEDULER] or [_image(e) for e in components]
    release = next(filter(None, map(airflow_settings.release, images)), None)
    settings = airflow_settings.settings(release)
    return Airflow(components=components, settings=settings, configured=_configured(scene))


def commands(container: Container) -> tuple[str, ...]:
    """The `airflow` commands that a container runs, each as its first one or two words."""
    words = [str(each) for field in ("command", "args") for each in items(container.data.get(field))]
    text = " ".join(words)
    if found := _COMMAND.findall(text):
        return tuple(" ".join(each.split()) for each in found)
    if not items(container.data.get("command")) and words and "airflow" in str(container.data.get("image")):
        return (" ".join(words[:2]),)  # the official image's entrypoint puts `airflow` in front
    return ()


def variables(scene: EnvironmentContext) -> Iterator[tuple[Container, str, Setting]]:
    """Every variable of every container; one that many read from the same object, once."""
    seen: set[tuple[str, Setting]] = set()
    for pod in pods.of(scene):
        for container in pod.containers:
            for variable, setting in container.settings.items():
                if setting.kind is None or (variable, setting) not in seen:
                    seen.add((variable, setting))
                    yield container, variable, setting


def place_of(container: Container, setting: Setting) -> Place:
    """Where a setting of a container gets its value."""
    return setting.place or container.place("env")


def place_of_word(container: Container, command: str) -> Place:
    """Where a container is told to run a command: the item of its arguments that ends, or holds, its last word."""
    word = command.rpartition(" ")[2]
    for field in ("args", "command"):
        for number, each in enumerate(items(container.data.get(field))):
            if isinstance(each, str) and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", each):
                return container.place(field, number)
    return container.place("name")


def values(container: Container) -> Mapping[str, str | None]:
    """The values of a container's variables, None for those that only the cluster knows."""
    return {name: setting.value for name, setting in container.settings.items()}


def expanded(value: str, known: Mapping[str, str | None], depth: int = _DEPTH) -> str | None:
    """A value as Airflow reads it, with `$NAME` replaced; None where it refers to what only the cluster knows."""
    hidden = False

    def replace(match: re.Match[str]) -> str:
        nonlocal hidden
        name = match[1] or match[2] or match[3]
        if name not in known:
            return match[0]
        inner = known[name]
        text = expanded(inner, known, depth - 1) if inner is not None and depth else None
        hidden = hidden or text is None
        return text or ""

    text = _REFERENCE.sub(replace, value) if "$" in value else value
    return None if hidden else text


def references(value: str) -> list[str]:
    """The names that a value refers to, each once."""
    return list(dict.fromkeys(match[1] or match[2] or match[3] for match in _REFERENCE.finditer(value)))


def executor_names(value: str) -> tuple[str, ...]:
    """The executors of a value: names, `alias:module.Class`, or a team's, `team=Name;Name`."""
    names = [each.strip() for each in re.split(r"[,;]", value)]
    return tuple(
        each.rpartition("=")[2].rpartition(":")[2] if "." in each else each.rpartition("=")[2] for each in names
    )


def replicas(component: Component) -> int:
    """How many of it there are; one where the object does not say."""
    number = dig(component.pod.owner, "spec", "replicas")
    return number if isinstance(number, int) else 1


def _components(scene: EnvironmentContext) -> Iterator[Component]:
    for pod in pods.of(scene):
        main = [each for each in pod.containers if each.field == "containers"]
        if pod.key is not None:
            if main:
                yield Component(kind=WORKER, container=main[0])
            continue
        if pod.owner["kind"] in ("Job", "CronJob"):
            continue
        running = [(kind, each) for each in main if (kind := _kind(each)) is not None]
        for kind, container in running:
            yield Component(kind=kind, container=container)
        labels = mapping(pod.metadata.get("labels"))
        label = str(labels.get("app.kubernetes.io/component"))
        # By label only where that says Airflow too: other software has schedulers and workers.
        if not running and main and labels.get("app.kubernetes.io/name") == "airflow" and label in _COMPONENTS:
            yield Component(kind=label, container=next((e for e in main if e.name == label), main[0]))


def _kind(container: Container) -> str | None:
    for command in commands(container):
        first, _, second = command.partition(" ")
        if first == "celery" and second == "worker":
            return WORKER
        if first in _COMPONENTS - {WORKER}:
            return first
    return None


def _image(component: Component) -> str:
    return str(component.container.data.get("image", ""))


def _configured(scene: EnvironmentContext) -> frozenset[Name]:
    """The options that a configuration file among the ConfigMaps sets."""
    found: set[Name] = set()
    for each in scene.of_kind("ConfigMap"):
        text: Any = mapping(each.get("data")).get("airflow.cfg")
        section = ""
        for line in text.splitlines() if isinstance(text, str) else ():
            if match := re.match(r"\s*\[([^\]]+)\]", line):
                section = match[1].strip().lower().replace(".", "_")
            elif match := re.match(r"([A-Za-z]\w*)\s*[=:]", line):
                found.add((section, match[1].lower()))
    return frozenset(found)
