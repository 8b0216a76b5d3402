"""PostgreSQL's major version: a server of one major version does not start on the data files of another.

Source: https://www.postgresql.org/docs/current/upgrading.html: "data must be dumped and restored, or pg_upgrade run".
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bootstrap.core.image import Image
from bootstrap.kubernetes.objects import POD_SPECS, Identity, Object, dig, identify, items, mappings

_NAMES = frozenset({"postgres", "postgresql"})  # the last segment of the images whose tags are PostgreSQL's versions
_KINDS = ("StatefulSet", "Deployment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """A server whose major version changes, while the volume with its data stays; `subject` is `Kind/name`."""

    subject: str
    before: int
    after: int

    def __str__(self) -> str:
        return f"PostgreSQL {self.after} will not start on the data of PostgreSQL {self.before}"


def major(image: str) -> int | None:
    """The major version that an image's tag begins with; None where it is no PostgreSQL or the tag does not say."""
    match = re.match(r"v?(\d{1,3})(?=$|[.\-_+a-z])", Image.split(image).tag or "")
    return int(match[1]) if match and is_named(image) else None


def upgrades(before: Iterable[Object], after: Iterable[Object]) -> tuple[Upgrade, ...]:
    """The servers that keep their volume claim, and change their major version, by subject."""
    old, new = _servers(before), _servers(after)
    return tuple(
        Upgrade(subject=str(identity), before=old[identity], after=new[identity])
        for identity in sorted(old.keys() & new.keys())
        if old[identity] != new[identity]
    )


def is_named(image: str) -> bool:
    """Whether an image is called as PostgreSQL's are, whatever its tag says."""
    return Image.split(image).repository.rpartition("/")[2] in _NAMES


def unread(before: Iterable[Object], after: Iterable[Object]) -> Iterator[tuple[str, str, str]]:
    """The servers that keep their volume claim and get an image of which, or of the old one, no major version is known.

    Each with its subject and both images.
    """
    old, new = _claiming(before), _claiming(after)
    for identity in sorted(old.keys() & new.keys()):
        one, other = _server(old[identity]), _server(new[identity])
        if (is_named(one) or is_named(other)) and one != other and None in (major(one), major(other)):
            yield str(identity), one, other


def _servers(objects: Iterable[Object]) -> dict[Identity, int]:
    """The major version of each PostgreSQL server that keeps its data on a volume claim."""
    servers = {identity: major(_server(images)) for identity, images in _claiming(objects).items()}
    return {identity: version for identity, version in servers.items() if version is not None}


def _server(images: list[str]) -> str:
    """The image of PostgreSQL among those of a pod, or else the first one."""
    return next((image for image in images if is_named(image)), images[0])


def _claiming(objects: Iterable[Object]) -> dict[Identity, list[str]]:
    """The images of each workload that keeps its data on a volume claim."""
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
