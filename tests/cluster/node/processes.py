"""The cluster's processes: started into its namespaces, recorded, found again, ended."""

import contextlib
import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.kit.waiting import wait_for
from tests.cluster.node import cgroups
from tests.cluster.node.layout import Layout
from tests.cluster.process import Arg, start
from tests.cluster.python import module_command, module_environment

INIT = "init"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process id and the kernel's start time of it: together they name one process for ever."""

    pid: int
    began: str

    @classmethod
    def of(cls, pid: int) -> "Process":
        """The process that has this id now."""
        return cls(pid=pid, began=_stat(pid)[1])

    @property
    def alive(self) -> bool:
        """Whether this process runs: not ended, not a zombie, not another one under the same id."""
        state, began = _stat(self.pid)
        return bool(began) and began == self.began and state != "Z"

    @property
    def children(self) -> list["Process"]:
        """The processes that it started itself."""
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            return [Process.of(int(p)) for p in text.split()]
        return []

    @property
    def memory(self) -> int:
        """Resident bytes."""
        with contextlib.suppress(OSError, IndexError):
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
        return 0

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, unless the process has ended."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start_init(layout: Layout) -> None:
    """Start PID 1 of the cluster: when it ends, the kernel ends every server, container and mount."""
    ready = layout.running / "init.ready"
    network = ("nsenter", f"--net={layout.network}", "--")
    unshare = ("unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc")
    program: list[Arg] = [*module_command("tests.cluster.node.init"), ready, layout.volumes]
    argv = [*network, *unshare, "--propagation", "private", *program]
    _start(layout, INIT, argv, module_environment())
    wait_for("PID 1 of the cluster", lambda: ready.exists(), seconds=30)


def start_server(layout: Layout, name: str, argv: Sequence[Arg], env: Mapping[str, str] | None = None) -> None:
    """Start a server in the cluster's namespaces; its output goes to a log of its name."""
    init = init_process(layout)
    assert init is not None, "servers start after PID 1"
    into = ["nsenter", "--target", str(init.pid), "--mount", "--pid", "--ipc", "--uts", f"--net={layout.network}", "--"]
    _start(layout, name, [*into, *argv], env)


def end_server(layout: Layout, name: str) -> None:
    """Let a server end by itself."""
    outer = recorded(layout, name)
    if outer:
        for process in outer.children:
            process.kill(signal.SIGTERM)
        wait_for(f"the end of {name}", lambda: not outer.alive, seconds=30)


def init_process(layout: Layout) -> Process | None:
    """PID 1 of the cluster, as this machine sees it."""
    outer = recorded(layout, INIT)
    return next(iter(outer.children), None) if outer else None


def recorded(layout: Layout, name: str) -> Process | None:
    """A started process, None once it has ended."""
    with contextlib.suppress(OSError, ValueError):
        process = Process(**json.loads((layout.running / f"{name}.json").read_text()))
        return process if process.alive else None
    return None


def servers(layout: Layout) -> dict[str, Process | None]:
    """Each started server, in the order of their starts, and its process inside the namespaces (None: it ended)."""
    records = sorted(layout.running.glob("*.json"), key=lambda p: p.stat().st_mtime)
    outer = {p.stem: recorded(layout, p.stem) for p in records if p.stem != INIT}
    return {name: next(iter(process.children), None) if process else None for name, process in outer.items()}


def end_everything(layout: Layout) -> None:
    """End all that an earlier cluster of this name still runs, however that one came to its end."""
    outer = recorded(layout, INIT)
    if outer:
        for init in outer.children or [outer]:
            init.kill()
        wait_for("the end of the cluster's processes", lambda: not outer.alive, seconds=30)
    cgroups.kill(layout.name)
    wait_for("the removal of the cgroups", lambda: cgroups.remove(layout.name), seconds=20)


def _start(layout: Layout, name: str, argv: Sequence[Arg], env: Mapping[str, str] | None) -> None:
    process = start(argv, log=layout.logs / f"{name}.log", env=env, cgroups=cgroups.entrances(layout.name))
    layout.running.mkdir(parents=True, exist_ok=True)
    record = Process.of(process.pid)
    (layout.running / f"{name}.json").write_text(json.dumps({"pid": record.pid, "began": record.began}))


def _stat(pid: int) -> tuple[str, str]:
    """(state, start time), both empty when there is no such process."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0], fields[19]
    return "", ""
