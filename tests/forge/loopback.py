"""HTTP server on the loopback interface with prepared replies, which records the requests."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply, sent after `delay` seconds. A body that is not text is sent as JSON."""

    status: int = 200
    body: Any = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request that the server has received."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class Server(ThreadingHTTPServer):
    """Answers each `METHOD /path` with its own list of replies in order, and repeats the last one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, list[Reply]] = {}
        self.received: list[ReceivedRequest] = []
        self.default_reply = Reply(status=404, body={"message": "nothing here"})
        self.stopped = threading.Event()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def on(self, request: str, *replies: Reply) -> None:
        """Set the replies to `METHOD /path`, without a query."""
        self.replies[request] = list(replies)

    def count(self, request: str) -> int:
        """How many requests of `METHOD /path` were received."""
        return sum(f"{sent.method} {sent.path.partition('?')[0]}" == request for sent in self.received)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Answer any method."""
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(content) if content else None
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
        with suppress(BrokenPipeError):  # the client has timed out
            self.end_headers()
            self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs until the `with` ends."""
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopped.set()
            server.shutdown()
            thread.join()
