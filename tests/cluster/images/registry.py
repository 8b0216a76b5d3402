"""A STAND-IN image registry: a read-only server over the store, in the distribution protocol.

containerd is told that this server mirrors every registry host. So a pod names any image that it likes, with any
imagePullPolicy, the pull itself is containerd's own, and nothing is fetched from outside. A name that is not in the
store fails as ErrImagePull, as a wrong name does anywhere.
"""

import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.images.store import MANIFEST, Store

_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.rstrip("/") == "/v2":
            self._say(HTTPStatus.OK, b"{}")
            return
        match = _PATH.fullmatch(path)
        if not match:
            self._say(HTTPStatus.NOT_FOUND, b"{}")
            return
        name, kind, reference = match.group("name", "kind", "reference")
        if kind == "manifests" and not _DIGEST.fullmatch(reference):
            reference = self.store.names().get(f"{name}:{reference}", "")
        blob = self.store.blob(reference)
        if not _DIGEST.fullmatch(reference) or not blob.exists():
            self._say(HTTPStatus.NOT_FOUND, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", MANIFEST if kind == "manifests" else "application/octet-stream")
        self.send_header("Content-Length", str(blob.stat().st_size))
        self.send_header("Docker-Content-Digest", reference)
        self.end_headers()
        if self.command == "GET":
            with blob.open("rb") as file:
                while chunk := file.read(1 << 20):
                    self.wfile.write(chunk)

    def _say(self, code: HTTPStatus, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def server(store: Store, address: str, port: int) -> ThreadingHTTPServer:
    """A server over `store`; port 0 takes any free one."""
    handler = type("Handler", (_Handler,), {"store": store})
    return ThreadingHTTPServer((address, port), handler)


if __name__ == "__main__":
    folder, host, number = sys.argv[1:]
    server(Store(Path(folder)), host, int(number)).serve_forever()
