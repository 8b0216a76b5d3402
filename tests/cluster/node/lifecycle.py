"""Starts the cluster from nothing, and ends it so that nothing is left."""

import fcntl
import json
import shutil
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.builds.programs import program
from tests.cluster.console import Console
from tests.cluster.errors import CommandFailed
from tests.cluster.images import catalogue
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.waiting import wait_for
from tests.cluster.node import certificates, cgroups, namespaces, processes, servers, settings, unpacked
from tests.cluster.node.layout import API, DNS_READY, NODE, Layout
from tests.cluster.process import run
from tests.cluster.python import module_environment

MANIFESTS = Path(__file__).resolve().parent.parent / "manifests"


def is_up(layout: Layout) -> bool:
    """Whether a cluster of this name runs and has come up to its end."""
    return bool(processes.init_process(layout)) and (layout.state / "up").exists()


def up(layout: Layout, console: Console) -> None:
    """Start the cluster unless it is up; this process then is inside of its network."""
    with _alone(layout):
        if is_up(layout):
            namespaces.enter(layout)
            console.step("the cluster is up already")
            return
        _clean(layout)
        shutil.rmtree(layout.logs, ignore_errors=True)
        for folder in (layout.running, layout.volumes):
            folder.mkdir(parents=True)
        settings.write(layout, certificates.make(layout.keys))
        cgroups.make(layout.name)
        namespaces.make_network(layout)
        namespaces.enter(layout)
        processes.start_init(layout)
        console.step("own namespaces, cgroups and keys")
        _start_servers(layout, console)
        (layout.state / "up").touch()


def down(layout: Layout) -> None:
    """End the cluster and remove all that it made outside of the cache: processes, mounts, network, cgroups, state."""
    with _alone(layout):
        _clean(layout)


def kubectl(layout: Layout) -> Kubectl:
    """The built kubectl as the cluster's admin; it works from inside the cluster's network only."""
    return Kubectl(program=program("kubectl"), kubeconfig=layout.kubeconfig)


def _start_servers(layout: Layout, console: Console) -> None:
    storage = servers.storage(layout)
    known = unpacked.restore(layout)
    for name, argv in storage.items():
        processes.start_server(layout, name, argv, module_environment())
    if not known:
        console.step("unpacking the images, once for all starts")
        wait_for("containerd", layout.containerd.exists, seconds=30)
        unpacked.pull(layout, [image.name for image in catalogue.everything()])
        processes.end_server(layout, "containerd")
        unpacked.keep(layout)
        processes.start_server(layout, "containerd", storage["containerd"], module_environment())
    processes.start_server(layout, "apiserver", servers.api(layout))
    wait_for("the API server", lambda: _get(layout, "/readyz") == b"ok")
    console.step("API server ready")
    for name, argv in servers.clients(layout).items():
        processes.start_server(layout, name, argv)
    kubectl(layout).apply_folder(MANIFESTS / "cluster")
    wait_for("the node", lambda: _node_ready(layout))
    console.step("node Ready")
    wait_for("DNS", lambda: urllib.request.urlopen(f"http://{DNS_READY}/ready", timeout=1).status == 200)
    wait_for("the default service account", lambda: _get(layout, "/api/v1/namespaces/default/serviceaccounts/default"))
    console.step("DNS ready")


def _get(layout: Layout, path: str) -> bytes:
    kubeconfig = json.loads(layout.kubeconfig.read_text())
    token = kubeconfig["users"][0]["user"]["token"]
    strict = ssl.create_default_context(cafile=str(layout.keys / "ca.crt"))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # as the Python in Airflow's image checks
    request = urllib.request.Request(API + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=2, context=strict) as answer:
        return bytes(answer.read())


def _node_ready(layout: Layout) -> bool:
    conditions = json.loads(_get(layout, f"/api/v1/nodes/{NODE}"))["status"]["conditions"]
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _clean(layout: Layout) -> None:
    processes.end_everything(layout)
    namespaces.remove_mounts(layout.state)
    namespaces.remove_network(layout)
    # `rm` takes some seconds for the unpacked images; it is still several times faster than shutil.rmtree.
    if layout.state.exists():
        wait_for("the removal of the state", lambda: _removed(layout.state), seconds=60)


def _removed(folder: Path) -> bool:
    try:
        run(["rm", "-rf", "--one-file-system", folder])
    except CommandFailed:
        return False
    return True


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One command at a time works on a cluster of this name."""
    layout.state.parent.mkdir(parents=True, exist_ok=True)
    with (layout.state.parent / f".{layout.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
