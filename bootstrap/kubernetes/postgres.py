"""PostgreSQL's major version: a server of one major version does not start on the data files of another.

Source: https://www.postgresql.org/docs/current/upgrading.html: "data must be dumped and restored, or pg_upgrade run".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bootstrap.core.image import Image
from bootstrap.kubernetes.objects import POD_SPECS, Identity, Object, dig, identify, items, mappings

_NAMES = frozenset({"postgres", "postgresql"})  # last segment of the image names whose tags are PostgreSQL versions
_KINDS = ("StatefulSet", "Deployment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """Change of a server's major version on an existing volume; `subject` is `Kind/name`."""

    subject: str
    before: int
    after: int

    def __str__(self) -> str:
        return f"PostgreSQL {self.after} will not start on the data of PostgreSQL {self.before}"


def major(image: str) -> int | None:
    """Major version in the tag of a PostgreSQL image; None for other images and other tags."""
    match = re.match(r"v?(\d{1,3})(?=$|[.\-_+a-z])", Image.split(image).tag or "")
    return int(match[1]) if match and is_named(image) else None


def upgrades(before: Iterable[Object], after: Iterable[Object]) -> tuple[Upgrade, ...]:
    """Servers on a volume claim whose major version changes, sorted by subject."""
    old, new = _servers(before), _servers(after)
    return tuple(
        Upgrade(subject=str(identity), before=old[identity], after=new[identity])
        for identity in sorted(old.keys() & new.keys())
        if old[identity] != new[identity]
    )


def is_named(image: str) -> bool:
    """Whether an image has the name of a PostgreSQL image, whatever its tag."""
    return Image.split(image).repository.rpartition("/")[2] in _NAMES


def unread(before: Iterable[Object], after: Iterable[Object]) -> Iterator[tuple[str, str, str]]:
    """Servers on a volume claim whose image changes, where a major version is unknown: subject, old and new image."""
    old, new = _claiming(before), _claiming(after)
    for identity in sorted(old.keys() & new.keys()):
        one, other = _server(old[identity]), _server(new[identity])
        if (is_named(one) or is_named(other)) and one != other and None in (major(one), major(other)):
            yield str(identity), one, other


def _servers(objects: Iterable[Object]) -> dict[Identity, int]:
    """Major version by server, of PostgreSQL servers on a volume claim."""
    servers = {identity: major(_server(images)) for identity, images in _claiming(objects).items()}
    return {identity: version for identity, version in servers.items() if version is not None}


def _server(images: list[str]) -> str:
    """The PostgreSQL image of a pod; its first image where there is none."""
    return next((image for image in images if is_named(image)), images[0])


def _claiming(objects: Iterable[Object]) -> dict[Identity, list[str]]:
    """Images by workload, of workloads on a volume claim."""
    claiming: dict[Identity, list[str]] = {}
    for obj in objects:
        if obj["kind"] not in _KINDS:
            continue
        spec = dig(obj, *POD_SPECS[obj["kind"]])
        claims = any("persistentVolumeClaim" in volume for volume in mappings(spec, "volumes"))
        if (claims or items(obj, "spec", "volumeClaimTemplates")) and (images := [*_images(spec)]):
            claiming[identify(obj)] = images
    return claiming


def _images(spec: Any) -> Iterator[str]:
    for container in mappings(spec, "containers"):
        if isinstance(container.get("image"), str):
            yield container["image"]
