"""Pod templates of an object: a Pod, a workload, or the pod templates in the texts of a ConfigMap."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.kubernetes.objects import POD_SPECS, Object, mapping
from bootstrap.yamltools.positions import FieldPath, documents

# Paths of a pod in a document of a text: a pod template or a workload, at the root or under `template`.
_TEMPLATES: tuple[FieldPath, ...] = tuple(
    (*outer, *inner)
    for outer in ((), ("template",))
    for inner in ((), ("spec", "template"), ("spec", "jobTemplate", "spec", "template"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodTemplate:
    """A pod's metadata and spec. `path` is that of the spec: in the object, or in a document of the entry `key`.

    `is_pod` if a document in a text has the kind Pod.
    """

    path: FieldPath
    spec: Mapping[str, Any]
    metadata: Mapping[str, Any]
    key: str | None = None
    document: int = 0
    is_pod: bool = False


def templates(obj: Object) -> Iterator[PodTemplate]:
    """The pod templates of an object of any kind. In a text, a mapping of kind Pod or with containers counts as one."""
    kind = str(obj["kind"])
    if path := POD_SPECS.get(kind):
        yield PodTemplate(path=path, spec=mapping(obj, *path), metadata=mapping(obj, *path[:-1], "metadata"))
    elif kind == "ConfigMap":
        for key, text in mapping(obj, "data").items():
            if isinstance(text, str) and "spec" in text:
                yield from _inside(str(key), text)


def _inside(key: str, text: str) -> Iterator[PodTemplate]:
    for number, document in enumerate(documents(text.encode(errors="replace"))):
        for path in _TEMPLATES:
            pod = mapping(document.value, *path)
            is_pod, spec = pod.get("kind") == "Pod", pod.get("spec")
            if isinstance(spec, dict) and (is_pod or isinstance(spec.get("containers"), list)):
                yield PodTemplate(
                    path=(*path, "spec"),
                    spec=spec,
                    metadata=mapping(pod, "metadata"),
                    key=key,
                    document=number,
                    is_pod=is_pod,
                )
