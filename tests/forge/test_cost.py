"""What the code of the forges costs those who don't need it."""

import subprocess
import sys

LIBRARIES = ("httpx", "httpcore", "ssl")


def test_without_a_connection_nothing_of_it_is_loaded() -> None:
    script = "import sys, bootstrap.cli, bootstrap.pullrequests.publish\n"
    script += f"print([name for name in {LIBRARIES!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
