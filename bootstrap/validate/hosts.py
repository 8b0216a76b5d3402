"""Host names in settings: which Service each resolves to from a pod's namespace."""

import re
from collections.abc import Container as Contains
from dataclasses import dataclass
from functools import lru_cache

# Schemes whose host is a host, and the port that each stands for; s3:// and its like name a bucket there.
_PORTS = {
    "amqp": 5672,
    "grpc": None,
    "http": 80,
    "https": 443,
    "mongodb": 27017,
    "mysql": 3306,
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "tcp": None,
    "udp": None,
    "ws": 80,
    "wss": 443,
}
_URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[a-z][a-z0-9]*)(?:\+[a-z0-9_]+)?://(?:[^\s/@\"'?#]*@)?"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::(?P<port>[0-9]{1,5}))?(?=[\s/?#\"',;)\]}]|$)"
)
_HOST = re.compile(r"(?P<host>[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?")
# Variables whose whole value is a host, with or without a port.
_HOST_NAMES = ("_HOST", "_ENDPOINT", "_ADDR", "_ADDRESS", "_SERVER")
_LOCAL = "localhost"


@dataclass(frozen=True, slots=True)
class Call:
    """Host and port that a setting refers to; the port is None if the text has none."""

    host: str
    port: int | None


@dataclass(frozen=True, slots=True)
class Target:
    """A Service by its name and namespace."""

    service: str
    namespace: str


@lru_cache(maxsize=4096)
def calls(variable: str, value: str) -> tuple[Call, ...]:
    """Every host in a value: in a URL, or all of it where the variable's name says so. An empty name is none."""
    hosts = [
        Call(match["host"].lower(), int(match["port"]) if match["port"] else _PORTS[match["scheme"]])
        for match in _URL.finditer(value)
        if match["scheme"] in _PORTS
    ]
    whole = _HOST.fullmatch(value) if variable.endswith(_HOST_NAMES) else None
    if whole and not value.isdigit():
        hosts.append(Call(whole["host"], int(whole["port"]) if whole["port"] else None))
    return tuple(dict.fromkeys(hosts))


def target(host: str, namespace: str, services: Contains[str]) -> Target | None:
    """The Service that a host name means to a pod of this namespace; None where that is no Service of the cluster.

    A pod looks up short names in its own namespace, then in `svc.cluster.local` and `cluster.local`
    (kubernetes.io, DNS for Services and Pods). Two labels may also be a host of the Internet, so they count only
    where the second one is the pod's namespace.
    """
    labels = host.rstrip(".").split(".")
    if len(labels) == 1:
        return None if host == _LOCAL or host.isdigit() else Target(host, namespace)
    if len(labels) == 2:
        # <pod>.<headless service> is the other short form.
        return Target(labels[0], namespace) if labels[1] == namespace and labels[1] not in services else None
    if labels[2] == "svc":
        return Target(labels[0], labels[1])
    if len(labels) > 3 and labels[3] == "svc":
        return Target(labels[1], labels[2])
    return None
