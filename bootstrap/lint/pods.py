"""The pods of an environment, those of workloads and the worker's template, with the settings of each container."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bootstrap.finding import Place
from bootstrap.lint.located import documents
from bootstrap.lint.scene import Scene, dig, items, mapping
from bootstrap.objects import Object, identify

_SPECS = {
    "Pod": ("spec",),
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod's spec, and where it stands: in an object, or in the text of a ConfigMap's entry `key`."""

    scene: Scene
    owner: Object
    path: tuple[str | int, ...]
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

    @cached_property
    def containers(self) -> tuple["Container", ...]:
        """All containers, those for the start included."""
        return tuple(
            Container(pod=self, field=field, number=number, data=each)
            for field in ("initContainers", "containers")
            for number, each in enumerate(items(self.spec.get(field)))
            if isinstance(each, dict)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One environment variable of a container. `value` is None where only the cluster knows it.

    `kind`, `name` and `key` tell the ConfigMap or Secret that it comes from; they are None for a literal.
    """

    value: str | None
    place: Place | None
    kind: str | None = None
    name: str | None = None
    key: str | None = None


@dataclass(frozen=True, kw_only=True)
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

    @cached_property
    def settings(self) -> Mapping[str, Setting]:
        """Its environment variables as it will see them: later sources win, `env` wins over `envFrom`."""
        scene, found = self.pod.scene, {}
        for source in items(self.data.get("envFrom")):
            prefix = str(dig(source, "prefix") or "")
            for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                name = dig(source, field, "name")
                if not isinstance(name, str):
                    continue
                for key, value in _entries(scene, kind, name).items():
                    place = _place(scene, kind, name, key)
                    found[prefix + key] = Setting(value=value, place=place, kind=kind, name=name, key=key)
        for number, each in enumerate(items(self.data.get("env"))):
            variable = dig(each, "name")
            if isinstance(variable, str):
                found[variable] = self._literal(number, mapping(each))
        return found

    def _literal(self, number: int, each: Mapping[str, Any]) -> Setting:
        place = self.place("env", number, "value" if "value" in each else "name")
        for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            reference = mapping(dig(each, "valueFrom", field))
            name, key = reference.get("name"), reference.get("key")
            if isinstance(name, str) and isinstance(key, str):
                value = _entries(self.pod.scene, kind, name).get(key)
                return Setting(value=value, place=place, kind=kind, name=name, key=key)
        value = each.get("value")
        return Setting(value=None if value is None else str(value), place=place)


def of(scene: Scene) -> tuple[Pod, ...]:
    """Every pod that the environment's objects make, and every pod template inside of a ConfigMap."""
    if "pods" not in scene.facts:
        scene.facts["pods"] = tuple(_pods(scene))
    found: tuple[Pod, ...] = scene.facts["pods"]
    return found


def _pods(scene: Scene) -> Iterator[Pod]:
    for each in scene.objects:
        if path := _SPECS.get(each["kind"]):
            spec = dig(each, *path)
            metadata = mapping(dig(each, *path[:-1], "metadata"))
            if isinstance(spec, dict):
                yield Pod(scene=scene, owner=each, path=path, spec=spec, metadata=metadata)
        elif each["kind"] == "ConfigMap":
            for key, text in mapping(each.get("data")).items():
                if isinstance(text, str) and "kind:" in text and "Pod" in text:
                    yield from _template(scene, each, str(key), text)


def _template(scene: Scene, owner: Object, key: str, text: str) -> Iterator[Pod]:
    for document in documents(text.encode(errors="replace"))[:1]:
        value = mapping(document.value)
        if value.get("kind") == "Pod" and isinstance(value.get("spec"), dict):
            metadata = mapping(value.get("metadata"))
            yield Pod(scene=scene, owner=owner, path=("spec",), spec=value["spec"], metadata=metadata, key=key)


def _entries(scene: Scene, kind: str, name: str) -> dict[str, str | None]:
    """The entries of a ConfigMap, or the keys of a Secret, sealed or made by another object of this environment."""
    if kind == "ConfigMap":
        data = mapping(dig(scene.find("ConfigMap", name), "data"))
        return {str(key): value if isinstance(value, str) else str(value) for key, value in data.items()}
    sealed = scene.find("SealedSecret", name)
    plain = scene.find("Secret", name)
    keys = {**mapping(dig(sealed, "spec", "encryptedData")), **mapping(dig(plain, "data"))}
    return {str(key): None for key in (*keys, *mapping(dig(plain, "stringData")))}


def _place(scene: Scene, kind: str, name: str, key: str) -> Place | None:
    owner = scene.find(kind, name)
    if owner is not None:
        return scene.trace.data(owner, key)
    sealed = scene.find("SealedSecret", name)
    return scene.trace.field(sealed, ("spec", "encryptedData", key)) if sealed is not None else None
