"""One cgroup of ours in each hierarchy: what the cluster uses is one file to read, what it leaves one tree to end."""

import contextlib
import os
import signal
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def groups(name: str) -> list[Path]:
    """The existing cgroups called `name`."""
    return [h / name for h in _hierarchies() if (h / name).is_dir()]


def make(name: str) -> None:
    """Make the cluster's cgroups, and one in each for the servers of the node."""
    for hierarchy in _hierarchies():
        for folder in (hierarchy / name, hierarchy / name / "host"):
            folder.mkdir(exist_ok=True)
            # In cgroup v1 a new cpuset is empty, and nothing can join it.
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (folder / setting).exists() and (folder.parent / setting).exists():
                    (folder / setting).write_text((folder.parent / setting).read_text())


def entrances(name: str) -> list[Path]:
    """The files that a process writes "0" to so as to join."""
    return [group / "host" / "cgroup.procs" for group in groups(name)]


def kill(name: str) -> None:
    """End every process that is left in the cgroups, this one excepted."""
    for group in groups(name):
        for procs in (group / "cgroup.procs", *group.rglob("cgroup.procs")):
            with contextlib.suppress(OSError):
                for pid in map(int, procs.read_text().split()):
                    if pid != os.getpid():
                        os.kill(pid, signal.SIGKILL)


def remove(name: str) -> bool:
    """Remove the cgroups, deepest first; True once none is left. A cgroup can't go before its last process has."""
    for group in groups(name):
        inner = [p for p in group.rglob("*") if p.is_dir()]
        for folder in sorted([group, *inner], key=lambda p: len(p.parts), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
    return not groups(name)


def memory(name: str) -> int:
    """Bytes of anonymous memory that everything in the cluster holds."""
    for group in groups(name):
        with contextlib.suppress(FileNotFoundError):
            stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
            return int(stat.get("total_rss") or stat.get("anon") or 0)
    return 0


def _hierarchies() -> list[Path]:
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return [Path(m[1]) for m in mounts if m[2] in ("cgroup", "cgroup2") and Path(m[1]).is_relative_to(_ROOT)]
