"""PID 1 of the cluster: makes its mounts private, says that it is ready, then reaps for ever.

python -m tests.cluster.node.init READY-FILE VOLUMES-FOLDER
"""

import os
import signal
import sys
import time
from pathlib import Path

from tests.cluster.node.layout import NODE
from tests.cluster.process import run


def main(ready: Path, volumes: Path) -> None:
    """Never returns."""
    # The kubelet hands mounts on to containers.
    run(["mount", "--make-rshared", "/"])
    # Paths that containerd, the kubelet and the network plugins have built in.
    for folder in ("/run", "/var/log", "/var/lib/cni"):
        if Path(folder).is_dir():
            run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder])
    # One path for the manifests, wherever the user's cache is.
    Path("/run/volumes").mkdir()
    run(["mount", "--bind", volumes, "/run/volumes"])
    run(["hostname", NODE])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    ready.touch()
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(0.2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
