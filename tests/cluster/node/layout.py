"""The fixed addresses of the cluster, and where its files are."""

from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cache

NODE = "node1"
NODE_ADDRESS = "10.250.0.1"
POD_RANGE = "10.244.0.0/24"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE = "10.96.0.1"
DNS_SERVICE = "10.96.0.10"
API = f"https://{NODE_ADDRESS}:6443"
REGISTRY_PORT = 5000
ETCD = "http://127.0.0.1:2379"
DNS_READY = f"{NODE_ADDRESS}:8181"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The files of the cluster called `name`, which is also the name of its network namespace and of its cgroup.

    Clusters of different names run side by side with the same addresses.
    """

    name: str = "taxiway"

    @property
    def state(self) -> Path:
        """Everything that ends with the cluster."""
        return cache.folder() / "clusters" / self.name

    @property
    def keys(self) -> Path:
        """Certificates and their private keys."""
        return self.state / "keys"

    @property
    def settings(self) -> Path:
        """The servers' configuration files."""
        return self.state / "settings"

    @property
    def running(self) -> Path:
        """One record for each started process."""
        return self.state / "running"

    @property
    def logs(self) -> Path:
        """One log for each server. They outlive the cluster until the next one starts."""
        return cache.folder() / "logs" / self.name

    @property
    def pod_logs(self) -> Path:
        """What containers wrote, in the kubelet's folders `<namespace>_<pod>_<uid>/<container>`."""
        return self.state / "podlogs"

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig."""
        return self.state / "kubeconfig"

    @property
    def containerd(self) -> Path:
        """containerd's socket."""
        return self.running / "containerd.sock"

    @property
    def unpacked(self) -> Path:
        """containerd's own folder: images, and what containers write."""
        return self.state / "containerd"

    @property
    def volumes(self) -> Path:
        """The folders of persistent volumes."""
        return self.state / "volumes"

    @property
    def network(self) -> Path:
        """The network namespace, as `ip netns` names it."""
        return Path("/run/netns") / self.name
