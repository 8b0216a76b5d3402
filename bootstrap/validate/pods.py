"""The pods of an environment, those of workloads and the worker's template, with the settings of each container."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bootstrap.kubernetes.objects import POD_SPECS, Object, dig, identify, items, mapping
from bootstrap.secrets.catalog import CATALOG
from bootstrap.validate.context import EnvironmentContext
from bootstrap.yamltools.positions import FieldPath, Place, documents

# The Job of the component generated-secrets.
GENERATOR = "airflow-generate-secrets"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pod:
    """A pod's spec, and where it stands: in an object, or in the text of a ConfigMap's entry `key`."""

    scene: EnvironmentContext
    owner: Object
    path: FieldPath
    spec: Mapping[str, Any]
    metadata: Mapping[str, Any]
    key: str | None = None

    def __str__(self) -> str:
        return f"{identify(self.owner)}" + (f" ({self.key})" if self.key else "")

    def place(self, *path: str | int) -> Place:
        """Where a field of the spec gets its value."""
        if self.key is not None:
            return self.scene.trace.data(self.owner, self.key, (*self.path, *path))
        return self.scene.trace.field(self.owner, (*self.path, *path))

    @property
    def containers(self) -> tuple["Container", ...]:
        """All containers, those for the start included."""
        return self.scene.once(self, lambda: tuple(self._containers()))

    def _containers(self) -> Iterator["Container"]:
        for name in ("initContainers", "containers"):
            for number, each in enumerate(items(self.spec.get(name))):
                if isinstance(each, dict):
                    yield Container(pod=self, field=name, number=number, data=each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One environment variable of a container. `value` is None where only the cluster knows it.

    `kind`, `name` and `key` tell the ConfigMap or Secret that it comes from; they are None for a literal.
    """

    value: str | None
    kind: str | None = None
    name: str | None = None
    key: str | None = None
    where: Callable[[], Place | None] = field(repr=False, compare=False)

    @property
    def place(self) -> Place | None:
        """Where it gets its value; looked for only when asked, as most are never told of."""
        return self.where()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Container:
    """A container, and where it stands in its pod."""

    pod: Pod
    field: str
    number: int
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.data.get("name", ""))

    def place(self, *path: str | int) -> Place:
        """Where a field of it gets its value."""
        return self.pod.place(self.field, self.number, *path)

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Its environment variables as it will see them: later sources win, `env` wins over `envFrom`."""
        return self.pod.scene.once(self, self._settings)

    def _settings(self) -> Mapping[str, Setting]:
        scene, found = self.pod.scene, {}
        for source in items(self.data.get("envFrom")):
            prefix = str(dig(source, "prefix") or "")
            for kind, said in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                name = dig(source, said, "name")
                if not isinstance(name, str):
                    continue
                for key, value in (held(scene, kind, name) or {}).items():
                    where = partial(_place, scene, kind, name, key)
                    found[prefix + key] = Setting(value=value, kind=kind, name=name, key=key, where=where)
        for number, each in enumerate(items(self.data.get("env"))):
            variable = dig(each, "name")
            if isinstance(variable, str):
                found[variable] = self._literal(number, mapping(each))
        return found

    def _literal(self, number: int, each: Mapping[str, Any]) -> Setting:
        where = partial(self.place, "env", number, "value" if "value" in each else "name")
        for kind, said in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            reference = mapping(each, "valueFrom", said)
            name, key = reference.get("name"), reference.get("key")
            if isinstance(name, str) and isinstance(key, str):
                value = (held(self.pod.scene, kind, name) or {}).get(key)
                return Setting(value=value, kind=kind, name=name, key=key, where=where)
        value = each.get("value")
        return Setting(value=None if value is None else str(value), where=where)


def of(scene: EnvironmentContext) -> tuple[Pod, ...]:
    """Every pod that the environment's objects make, and every pod template inside of a ConfigMap."""
    return scene.once("pods", lambda: tuple(_pods(scene)))


def _pods(scene: EnvironmentContext) -> Iterator[Pod]:
    for each in scene.objects:
        if path := POD_SPECS.get(each["kind"]):
            spec = dig(each, *path)
            metadata = mapping(each, *path[:-1], "metadata")
            if isinstance(spec, dict):
                yield Pod(scene=scene, owner=each, path=path, spec=spec, metadata=metadata)
        elif each["kind"] == "ConfigMap":
            for key, text in mapping(each.get("data")).items():
                if isinstance(text, str) and "kind:" in text and "Pod" in text:
                    yield from _template(scene, each, str(key), text)


def _template(scene: EnvironmentContext, owner: Object, key: str, text: str) -> Iterator[Pod]:
    for document in documents(text.encode(errors="replace"))[:1]:
        value = mapping(document.value)
        if value.get("kind") == "Pod" and isinstance(value.get("spec"), dict):
            metadata = mapping(value.get("metadata"))
            yield Pod(scene=scene, owner=owner, path=("spec",), spec=value["spec"], metadata=metadata, key=key)


def held(scene: EnvironmentContext, kind: str, name: str) -> Mapping[str, str | None] | None:
    """The entries of a ConfigMap or Secret of this environment by their key; None where nothing makes it.

    A Secret's values are None: they are sealed, or made in the cluster.
    """
    make = _configured if kind == "ConfigMap" else _secret
    return scene.once(("held", kind, name), lambda: make(scene, name))


def _configured(scene: EnvironmentContext, name: str) -> Mapping[str, str | None] | None:
    config = scene.find("ConfigMap", name)
    if config is None:
        return None
    text = {str(key): value if isinstance(value, str) else str(value) for key, value in mapping(config, "data").items()}
    return {**{str(key): None for key in mapping(config, "binaryData")}, **text}


def _secret(scene: EnvironmentContext, name: str) -> Mapping[str, str | None] | None:
    sealed, plain = scene.find("SealedSecret", name), scene.find("Secret", name)
    if sealed is None and plain is None:
        if scene.called("Job", GENERATOR) is None:
            return None
        # The Job makes what the catalog makes: a test holds its script to that.
        return {key.name: None for key in CATALOG if key.secret == name and key.generator is not None} or None
    sources = [dig(sealed, "spec", "encryptedData"), dig(sealed, "spec", "template", "data")]
    sources += [dig(plain, "data"), dig(plain, "stringData")]
    return {str(key): None for source in sources for key in mapping(source)}


def _place(scene: EnvironmentContext, kind: str, name: str, key: str) -> Place | None:
    owner = scene.find(kind, name)
    if owner is not None:
        return scene.trace.data(owner, key)
    sealed = scene.find("SealedSecret", name)
    return scene.trace.field(sealed, ("spec", "encryptedData", key)) if sealed is not None else None
