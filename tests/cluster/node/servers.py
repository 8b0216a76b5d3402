"""The command lines of the servers that make a node and its control plane."""

from collections.abc import Mapping
from pathlib import Path

from tests.cluster import cache
from tests.cluster.builds.programs import program
from tests.cluster.node.layout import ETCD, NODE, NODE_ADDRESS, REGISTRY_PORT, SERVICE_RANGE, Layout
from tests.cluster.process import Arg
from tests.cluster.python import module_command

_BURST = ("--kube-api-qps", "200", "--kube-api-burst", "400", "--profiling=false", "--leader-elect=false")
# The parts that these servers and their tools come from.
PARTS = ("kubernetes", "etcd", "coredns", "kustomize", "sealed-secrets", "jsonnet")


def storage(layout: Layout) -> dict[str, list[Arg]]:
    """What has no need of the API server, nor of each other: name -> command line."""
    peers = ETCD.replace("2379", "2380")
    return {
        "etcd": [
            program("etcd"),
            *_options({"--data-dir": layout.state / "etcd", "--log-level": "warn"}),
            *_options({"--listen-client-urls": ETCD, "--advertise-client-urls": ETCD, "--listen-peer-urls": peers}),
            # The data ends with the cluster: nothing is gained by waiting for the disk.
            "--unsafe-no-fsync",
        ],
        "registry": [
            *module_command("tests.cluster.images.registry"),
            cache.folder() / "images",
            NODE_ADDRESS,
            str(REGISTRY_PORT),
        ],
        "containerd": ["containerd", "--config", layout.settings / "containerd.toml"],
    }


def api(layout: Layout) -> list[Arg]:
    """The API server."""
    keys = layout.keys
    options: dict[str, str | Path] = {
        "--etcd-servers": ETCD,
        "--bind-address": "0.0.0.0",
        "--advertise-address": NODE_ADDRESS,
        "--secure-port": "6443",
        "--tls-cert-file": keys / "api.crt",
        "--tls-private-key-file": keys / "api.key",
        "--client-ca-file": keys / "ca.crt",
        "--token-auth-file": keys / "tokens.csv",
        "--authorization-mode": "Node,RBAC",
        "--kubelet-client-certificate": keys / "kubelet-client.crt",
        "--kubelet-client-key": keys / "kubelet-client.key",
        "--kubelet-preferred-address-types": "InternalIP",
        "--service-account-key-file": keys / "service-accounts.key",
        "--service-account-signing-key-file": keys / "service-accounts.key",
        "--service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "--service-cluster-ip-range": SERVICE_RANGE,
    }
    return [program("kube-apiserver"), *_options(options), "--allow-privileged", "--profiling=false"]


def clients(layout: Layout) -> dict[str, list[Arg]]:
    """Everything that works through the API server: name -> command line."""
    keys, settings = layout.keys, layout.settings
    return {
        "controller-manager": [
            program("kube-controller-manager"),
            *_options({"--kubeconfig": settings / "controller-manager.kubeconfig"}),
            *_options({"--service-account-private-key-file": keys / "service-accounts.key"}),
            *_options({"--root-ca-file": keys / "ca.crt", "--cluster-signing-cert-file": keys / "ca.crt"}),
            *_options({"--cluster-signing-key-file": keys / "ca.key"}),
            "--use-service-account-credentials",
            *_BURST,
        ],
        "scheduler": [program("kube-scheduler"), "--kubeconfig", settings / "scheduler.kubeconfig", *_BURST],
        "kubelet": [
            program("kubelet"),
            *_options({"--config": settings / "kubelet.yaml", "--kubeconfig": settings / "node.kubeconfig"}),
            *_options({"--hostname-override": NODE, "--node-ip": NODE_ADDRESS}),
            *_options({"--root-dir": layout.state / "kubelet"}),
        ],
        "kube-proxy": [program("kube-proxy"), "--config", settings / "kube-proxy.yaml", "--hostname-override", NODE],
        "coredns": [program("coredns"), "-conf", settings / "Corefile"],
    }


def _options(options: Mapping[str, str | Path]) -> list[Arg]:
    return [word for option in options.items() for word in option]
