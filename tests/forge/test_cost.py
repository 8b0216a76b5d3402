"""Imports: a command without a connection to a forge does not load the HTTP client."""

import subprocess
import sys

LIBRARIES = ("httpx", "httpcore", "ssl")


def test_the_http_client_is_imported_on_connection_only() -> None:
    script = "import sys, bootstrap.cli, bootstrap.pullrequests.publish\n"
    script += f"print([name for name in {LIBRARIES!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
