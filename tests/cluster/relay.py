"""Lets a browser of this machine see one address of the cluster: all that ever listens, and only where asked for."""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager


@contextmanager
def relay(port: int, enter: Callable[[], None], target: Callable[[], tuple[str, int]]) -> Iterator[str]:
    """Listen on 127.0.0.1 of the network that this process is in now, and connect from the one that `enter` leads to.

    A socket stays in the network in which it was made: so the listening one is made first. Gives the URL to open.
    """
    with socketserver.ThreadingTCPServer(("127.0.0.1", port), _Handler) as server:
        server.daemon_threads = True
        enter()
        _Handler.target = target()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class _Handler(socketserver.BaseRequestHandler):
    target: tuple[str, int]

    def handle(self) -> None:
        browser: socket.socket = self.request
        with closing(socket.create_connection(self.target)) as service:
            back = threading.Thread(target=_pump, args=(service, browser), daemon=True)
            back.start()
            _pump(browser, service)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two hung up
