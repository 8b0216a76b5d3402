"""Ends the cluster when the command that started it ends, however that one ends: normally, by Ctrl-C, or by kill -9.

A process of its own holds the reading end of a pipe, and wakes when the kernel closes the writing end:

    python -m tests.cluster.node.guardian NAME PIPE
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.cluster import cache
from tests.cluster.node import lifecycle
from tests.cluster.node.layout import Layout
from tests.cluster.process import start
from tests.cluster.python import module_command, module_environment

_KEEP = b"keep"


@contextmanager
def guarded(layout: Layout) -> Iterator[Callable[[], None]]:
    """End the cluster when this block or this process ends, unless the function that it gives has been called.

    A cluster that was up before is someone else's, and stays. To be entered before the cluster's namespaces are: the
    guardian works from outside of them.
    """
    if lifecycle.is_up(layout):
        yield lambda: None
        return
    read, write = os.pipe()
    log = cache.folder() / "logs" / f"{layout.name}-guardian.log"
    argv = [*module_command("tests.cluster.node.guardian"), layout.name, str(read)]
    guardian = start(argv, log=log, env=module_environment(), pass_fds=[read])
    os.close(read)
    try:
        yield lambda: _write(write)
    finally:
        os.close(write)
        guardian.wait()


def _write(pipe: int) -> None:
    os.write(pipe, _KEEP)


def main(layout: Layout, pipe: int) -> None:
    """Wait for the pipe's end, then end the cluster, unless told to keep it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with os.fdopen(pipe, "rb") as reader:
        if reader.read() != _KEEP:
            lifecycle.down(layout)


if __name__ == "__main__":
    main(Layout(name=sys.argv[1]), int(sys.argv[2]))
