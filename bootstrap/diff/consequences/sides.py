"""All objects of an environment before and after a change, with the pods that they make."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bootstrap.kubernetes.objects import (
    Identity,
    Object,
    generated_names,
    identify,
    mappings,
    unhashed,
)
from bootstrap.kubernetes.pods import templates

PARTS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod's spec and metadata. `key` is the ConfigMap key of a pod template in a text, else empty."""

    owner: Identity
    spec: Mapping[str, Any]
    metadata: Mapping[str, Any]
    key: str = ""

    def containers(self) -> Iterator[tuple[str, dict[Any, Any]]]:
        """Pairs of field and container, for init, regular and ephemeral containers."""
        for part in PARTS:
            yield from ((part, container) for container in mappings(self.spec, part))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """An environment before and after a change. `home` is its namespace; `names` maps hashed names to plain ones."""

    before: Sequence[Object]
    after: Sequence[Object]
    home: str
    names: tuple[Mapping[str, str], Mapping[str, str]]
    pods: tuple[tuple[Pod, ...], tuple[Pod, ...]]

    @classmethod
    def of(cls, before: Sequence[Object], after: Sequence[Object]) -> "Sides":
        """Both sides, as they are rendered."""
        names = (generated_names(before), generated_names(after))
        pods = tuple(
            tuple(pod for obj in side for pod in pods_of(obj, names[number]))
            for number, side in enumerate((before, after))
        )
        return cls(before=before, after=after, home=home(before) or home(after), names=names, pods=(pods[0], pods[1]))

    @property
    def first(self) -> bool:
        """Whether the environment is built for the first time."""
        return not self.before


def home(objects: Sequence[Object]) -> str:
    """The namespace of most of the objects; empty where none has one."""
    counts = Counter(identify(obj).namespace for obj in objects)
    counts.pop("", None)
    return min(counts, key=lambda name: (-counts[name], name), default="")


def pods_of(obj: Object | None, names: Mapping[str, str]) -> Iterator[Pod]:
    """The pods that an object makes; generated names in their specs are without hashes, so that sides compare."""
    for pod in templates(obj) if obj is not None else ():
        spec = unhashed(pod.spec, names) if pod.key is None else pod.spec
        yield Pod(owner=identify(obj or {}), spec=spec, metadata=pod.metadata, key=pod.key or "")
