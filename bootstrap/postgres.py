"""PostgreSQL's major version: a server of one major version does not start on the data files of another.

Source: https://www.postgresql.org/docs/current/upgrading.html: "data must be dumped and restored, or pg_upgrade run".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.objects import POD_SPECS, Identity, Object, identify

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
    repository, _, tag = image.partition("@")[0].rpartition(":")
    if repository.rpartition("/")[2] not in _NAMES:
        return None
    match = re.match(r"v?(\d{1,3})(?=$|[.\-_+a-z])", tag)
    return int(match[1]) if match else None


def upgrades(before: Iterable[Object], after: Iterable[Object]) -> tuple[Upgrade, ...]:
    """The servers that keep their volume claim, and change their major version, by subject."""
    old, new = _servers(before), _servers(after)
    return tuple(
        Upgrade(subject=str(identity), before=old[identity], after=new[identity])
        for identity in sorted(old.keys() & new.keys())
        if old[identity] != new[identity]
    )


def _servers(objects: Iterable[Object]) -> dict[Identity, int]:
    """The major version of each PostgreSQL server that keeps its data on a volume claim."""
    found: dict[Identity, int] = {}
    for each in objects:
        if each["kind"] not in _KINDS:
            continue
        spec = _at(each, *POD_SPECS[each["kind"]])
        claims = any(isinstance(one, dict) and "persistentVolumeClaim" in one for one in _list(spec, "volumes"))
        if not (claims or _list(_at(each, "spec"), "volumeClaimTemplates")):
            continue
        versions = [version for image in _images(spec) if (version := major(image)) is not None]
        if versions:
            found[identify(each)] = versions[0]
    return found


def _images(spec: Any) -> Iterator[str]:
    for container in _list(spec, "containers"):
        if isinstance(container, dict) and isinstance(container.get("image"), str):
            yield container["image"]


def _list(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, list) else []


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
