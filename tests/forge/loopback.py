"""A server on the loopback that answers as it is told and keeps what it was asked: the edge of a network."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; a body that is not text is sent as JSON. `delay` seconds pass before it."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request that came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class Server(ThreadingHTTPServer):
    """Answers each `METHOD /path` from its own list of replies, the last of them for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, list[Reply]] = {}
        self.received: list[ReceivedRequest] = []
        self.default_reply = Reply(status=404, body={"message": "nothing here"})
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def on(self, request: str, *replies: Reply) -> None:
        """Say how a request is answered, its path without a query: the first time, the second time, and so on."""
        self.replies[request] = list(replies)

    def count(self, request: str) -> int:
        """How often it was asked so."""
        return sum(f"{each.method} {each.path.partition('?')[0]}" == request for each in self.received)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Answer any method."""
        given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(given) if given else None
        self.server.received.append(
            ReceivedRequest(method=self.command, path=self.path, headers=dict(self.headers.items()), body=body)
        )
        left = self.server.replies.get(f"{self.command} {self.path.partition('?')[0]}", [self.server.default_reply])
        reply = left.pop(0) if len(left) > 1 else left[0]
        self.server.stopped.wait(reply.delay)
        text = reply.body.encode() if isinstance(reply.body, str) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(text)), **reply.headers}
        self.send_response(reply.status)
        for name, value in headers.items():
            self.send_header(name, value)
        with suppress(BrokenPipeError):  # who waited too long for the answer has gone
            self.end_headers()
            self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server, for as long as the context lasts."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopped.set()
            server.shutdown()
            thread.join()
