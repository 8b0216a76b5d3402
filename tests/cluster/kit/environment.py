"""Which cluster the tests run against, and how they reach what runs in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.kit.kubectl import Kubectl

# Set inside of a cluster of the harness's own, to its name.
OWN = "TAXIWAY_TEST_CLUSTER"


def own_cluster() -> bool:
    """Whether this process is inside of a cluster of the harness's own."""
    return OWN in os.environ


@contextmanager
def reach(kubectl: Kubectl, service: str, port: int) -> Iterator[str]:
    """A URL at which this process reaches a Service, for as long as the context lasts.

    Inside of our own cluster it is the Service's own name, as pods use it; elsewhere a port-forward.
    """
    if own_cluster():
        yield f"http://{service}.{kubectl.namespace}.svc.cluster.local:{port}"
    else:
        with kubectl.forward(f"service/{service}", port) as address:
            yield f"http://{address}"
