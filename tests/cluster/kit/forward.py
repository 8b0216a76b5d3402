"""A port-forward that outlives the pods behind it, as the address of a Service does."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.cluster.errors import ClusterError

_PAUSE = 0.5  # seconds before the next try, while there is no pod to forward to


class _Forward:
    """`kubectl port-forward`, begun again whenever it ends; `begin` starts it at a local port, at any for ``""``."""

    def __init__(self, begin: Callable[[str], subprocess.Popen[str]]) -> None:
        self._begin = begin
        self._over = threading.Event()
        self._process = begin("")
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if "Forwarding from" not in said:
            self._drain()
            raise ClusterError(f"port-forward: {said.strip()}")
        self.address = said.split("Forwarding from ")[1].split(" ->")[0]
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self._thread.start()

    def _keep(self) -> None:
        self._drain()
        while not self._over.wait(_PAUSE):
            self._process = self._begin(self.address.rpartition(":")[2])
            self._drain()

    def _drain(self) -> None:
        """Read what the process says until it ends."""
        self._process.communicate()

    def end(self) -> None:
        """End it for good."""
        self._over.set()
        while self._thread.is_alive():  # it may be about to begin one more
            self._process.terminate()
            self._thread.join(0.1)


@contextmanager
def forwarded(begin: Callable[[str], subprocess.Popen[str]]) -> Iterator[str]:
    """The address `127.0.0.1:port` of a forward, for as long as the context lasts. Raises ClusterError at the start."""
    forward = _Forward(begin)
    try:
        yield forward.address
    finally:
        forward.end()
