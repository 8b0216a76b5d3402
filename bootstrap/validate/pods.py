"""Pods of an environment, from workloads and from the worker's pod template, and the variables of their containers."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import Object, dig, identify, items, mapping
from bootstrap.kubernetes.pods import templates
from bootstrap.secrets.catalog import CATALOG
from bootstrap.validate.context import EnvironmentContext
from bootstrap.yamltools.positions import FieldPath, Place

# The Job of the component generated-secrets.
GENERATOR = "airflow-generate-secrets"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pod:
    """A pod spec at `path` of the object `owner`, or of the text in the ConfigMap `owner`'s entry `key`."""

    env: EnvironmentContext
    owner: Object
    path: FieldPath
    spec: Mapping[str, Any]
    metadata: Mapping[str, Any]
    key: str | None = None

    def __str__(self) -> str:
        return f"{identify(self.owner)}" + (f" ({self.key})" if self.key else "")

    def place(self, *path: str | int) -> Place:
        """File and line that give a field of the spec its value."""
        if self.key is not None:
            return self.env.trace.data(self.owner, self.key, (*self.path, *path))
        return self.env.trace.field(self.owner, (*self.path, *path))

    @property
    def containers(self) -> tuple["Container", ...]:
        """Init containers, then containers."""
        return self.env.once(self, lambda: tuple(self._containers()))

    def _containers(self) -> Iterator["Container"]:
        for name in ("initContainers", "containers"):
            for number, container in enumerate(items(self.spec.get(name))):
                if isinstance(container, dict):
                    yield Container(pod=self, field=name, number=number, data=container)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Environment variable of a container. `value` is None if only the cluster knows it.

    `kind`, `name` and `key` are those of the ConfigMap or Secret that it comes from; None for a literal.
    """

    value: str | None
    kind: str | None = None
    name: str | None = None
    key: str | None = None
    where: Callable[[], Place | None] = field(repr=False, compare=False)

    @property
    def place(self) -> Place | None:
        """File and line that give it its value; computed on demand, as most variables are never reported."""
        return self.where()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Container:
    """A container, at `field`[`number`] of its pod spec."""

    pod: Pod
    field: str
    number: int
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name; empty where it has none."""
        return str(self.data.get("name", ""))

    def place(self, *path: str | int) -> Place:
        """File and line that give a field of the container its value."""
        return self.pod.place(self.field, self.number, *path)

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Environment variables by name as the process gets them: later sources win, `env` wins over `envFrom`."""
        return self.pod.env.once(self, self._settings)

    def _settings(self) -> Mapping[str, Setting]:
        env, variables = self.pod.env, {}
        for source in items(self.data.get("envFrom")):
            prefix = str(dig(source, "prefix") or "")
            for kind, form in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                name = dig(source, form, "name")
                if not isinstance(name, str):
                    continue
                for key, value in (data_of(env, kind, name) or {}).items():
                    where = partial(_place, env, kind, name, key)
                    variables[prefix + key] = Setting(value=value, kind=kind, name=name, key=key, where=where)
        for number, entry in enumerate(items(self.data.get("env"))):
            variable = dig(entry, "name")
            if isinstance(variable, str):
                variables[variable] = self._literal(number, mapping(entry))
        return variables

    def _literal(self, number: int, entry: Mapping[str, Any]) -> Setting:
        where = partial(self.place, "env", number, "value" if "value" in entry else "name")
        for kind, form in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            reference = mapping(entry, "valueFrom", form)
            name, key = reference.get("name"), reference.get("key")
            if isinstance(name, str) and isinstance(key, str):
                value = (data_of(self.pod.env, kind, name) or {}).get(key)
                return Setting(value=value, kind=kind, name=name, key=key, where=where)
        value = entry.get("value")
        return Setting(value=None if value is None else str(value), where=where)


def of(env: EnvironmentContext) -> tuple[Pod, ...]:
    """Every pod of the environment's workloads, and every pod template inside of a ConfigMap."""
    return env.once("pods", lambda: tuple(_pods(env)))


def _pods(env: EnvironmentContext) -> Iterator[Pod]:
    for obj in env.objects:
        for pod in templates(obj):
            # Of texts, what Airflow reads as a worker's template: the first document, where it is a Pod.
            if pod.spec and (pod.key is None or (pod.is_pod and pod.path == ("spec",) and not pod.document)):
                yield Pod(env=env, owner=obj, path=pod.path, spec=pod.spec, metadata=pod.metadata, key=pod.key)


def data_of(env: EnvironmentContext, kind: str, name: str) -> Mapping[str, str | None] | None:
    """Entries of a ConfigMap or Secret by key; None if the environment has neither it nor what creates it.

    The values of a Secret are None: they are sealed, or generated in the cluster.
    """
    read = _configmap_data if kind == "ConfigMap" else _secret_data
    return env.once(("data", kind, name), lambda: read(env, name))


def _configmap_data(env: EnvironmentContext, name: str) -> Mapping[str, str | None] | None:
    config = env.find("ConfigMap", name)
    if config is None:
        return None
    text = {str(key): value if isinstance(value, str) else str(value) for key, value in mapping(config, "data").items()}
    return {**{str(key): None for key in mapping(config, "binaryData")}, **text}


def _secret_data(env: EnvironmentContext, name: str) -> Mapping[str, str | None] | None:
    sealed, plain = env.find("SealedSecret", name), env.find("Secret", name)
    if sealed is None and plain is None:
        if env.find_original("Job", GENERATOR) is None:
            return None
        # The Job generates the keys of the catalog that have a generator; a test compares its script with them.
        return {key.name: None for key in CATALOG if key.secret == name and key.generator is not None} or None
    sources = [dig(sealed, "spec", "encryptedData"), dig(sealed, "spec", "template", "data")]
    sources += [dig(plain, "data"), dig(plain, "stringData")]
    return {str(key): None for source in sources for key in mapping(source)}


def _place(env: EnvironmentContext, kind: str, name: str, key: str) -> Place | None:
    owner = env.find(kind, name)
    if owner is not None:
        return env.trace.data(owner, key)
    sealed = env.find("SealedSecret", name)
    return env.trace.field(sealed, ("spec", "encryptedData", key)) if sealed is not None else None
