"""Process trees: a process with all that it has started."""

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path


def descendants(roots: Iterable[int]) -> set[int]:
    """These processes with all their descendants; without /proc (not Linux), only these."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = path.read_text(errors="replace")
            # The name, in parentheses, may hold anything; then come the state and the parent (proc_pid_stat(5)).
            parents[int(text.split(" ", 1)[0])] = int(text.rpartition(")")[2].split()[1])
    tree, size = set(roots), -1
    while len(tree) != size:
        size = len(tree)
        tree |= {pid for pid, parent in parents.items() if parent in tree}
    return tree


def terminate(pids: Iterable[int], number: signal.Signals = signal.SIGTERM) -> None:
    """Signal these processes and all their descendants: what a Git hook or a wrapper started outlives its parent."""
    # Parents first: a shell runs its next line when a child of it ends.
    for pid in sorted(descendants(pids)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def is_running(pid: int) -> bool:
    """Whether a process of this id may still be signalled."""
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False
