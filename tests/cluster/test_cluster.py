"""The cluster is a cluster: volumes, names, Services, strict TLS, and no way out of our own."""

from pathlib import Path

import pytest

from tests.cluster.kit.environment import own_cluster, reach
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.kit.waiting import wait_for
from tests.cluster.process import run

pytestmark = pytest.mark.skipif(not own_cluster(), reason="CLUSTER=existing: yours needs no test")
MANIFESTS = Path(__file__).parent / "manifests" / "smoke"
STRICT = """
import ssl, urllib.request
trust = ssl.create_default_context(cafile="/var/run/secrets/kubernetes.io/serviceaccount/ca.crt")
trust.verify_flags |= ssl.VERIFY_X509_STRICT
print(urllib.request.urlopen("https://kubernetes.default.svc/readyz", context=trust, timeout=5).read().decode())
"""
OUT = """
import socket
for address in (("198.51.100.1", 80), ("example.com", 80)):
    try:
        socket.create_connection(address, timeout=2)
    except OSError as err:
        print(type(err).__name__)
"""


@pytest.fixture(scope="module")
def smoke(kubectl: Kubectl) -> Kubectl:
    """A StatefulSet `web` with a volume, and its Service."""
    kubectl.apply_folder(MANIFESTS)
    there = kubectl.within("smoke")
    there.wait_ready("statefulset/web", seconds=60)
    return there


def test_a_volume_is_bound_and_keeps_what_is_written(smoke: Kubectl) -> None:
    smoke.exec("web-0", "sh", "-c", "echo kept > /data/file.txt")
    smoke("delete", "pod", "web-0")
    smoke.wait_ready("statefulset/web", seconds=60)
    assert smoke.exec("web-0", "cat", "/data/file.txt") == "kept\n"
    assert smoke.get("pvc", "data-web-0")["status"]["phase"] == "Bound"


def test_names_mean_the_same_here_and_in_pods(smoke: Kubectl) -> None:
    with reach(smoke, "web", 80) as url:
        fetch = f"import urllib.request as r; print(r.urlopen({url!r}, timeout=5).status)"
        # A pod that is ready reaches kube-proxy's rules a moment later.
        assert wait_for("the Service from here", lambda: run(["python3", "-c", fetch])) == "200\n"
        assert smoke.exec("web-0", "python3", "-c", fetch) == "200\n"


def test_a_pod_trusts_the_api_server_strictly(smoke: Kubectl) -> None:
    assert smoke.exec("web-0", "python3", "-c", STRICT) == "ok\n"


def test_nothing_leaves_and_is_told_at_once(smoke: Kubectl) -> None:
    refused = ["ConnectionRefusedError", "gaierror"]
    assert smoke.exec("web-0", "python3", "-c", OUT).split() == refused
    assert run(["python3", "-c", OUT]).split() == refused
