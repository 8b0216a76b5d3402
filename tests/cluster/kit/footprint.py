"""What a pod's container uses and what it may use, as the kernel and the API server tell."""

from dataclasses import dataclass
from datetime import datetime

from tests.cluster.kit.kubectl import Json, Kubectl

_MIB = 2**20
_UNITS = {"Mi": 1, "Gi": 1024}
# Inside of the container: its own cgroup, of either version.
_READ = """
cd /sys/fs/cgroup
if [ -d memory ]; then cd memory; cat memory.stat memory.max_usage_in_bytes; else cat memory.stat memory.peak; fi
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """In MiB: what processes hold now, and the most that was ever charged, the cache of files included."""

    held: float
    peak: float


def memory(kubectl: Kubectl, pod: str) -> Memory:
    """The memory of a pod's first container."""
    words = [line.split() for line in kubectl.exec(pod, "sh", "-c", _READ).splitlines()]
    stat = {line[0]: int(line[1]) for line in words if len(line) == 2}
    # cgroup v1 has `total_rss`, v2 `anon`.
    held = stat["total_rss"] if "total_rss" in stat else stat["anon"]
    return Memory(held=held / _MIB, peak=int(words[-1][0]) / _MIB)


def granted(pod: Json, kind: str) -> float:
    """The memory (MiB) of a pod's first container, under `requests` or `limits`."""
    text: str = pod["spec"]["containers"][0]["resources"][kind]["memory"]
    return float(text[:-2]) * _UNITS[text[-2:]]


def start_time(pod: Json) -> float:
    """Whole seconds from the start of a pod's first container to the pod's readiness."""
    began = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    ready = next(c["lastTransitionTime"] for c in pod["status"]["conditions"] if c["type"] == "Ready")
    return (datetime.fromisoformat(ready) - datetime.fromisoformat(began)).total_seconds()
