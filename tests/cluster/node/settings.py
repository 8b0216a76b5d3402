"""The servers' configuration files."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cluster.node.layout import (
    API,
    DNS_READY,
    DNS_SERVICE,
    NODE_ADDRESS,
    POD_RANGE,
    REGISTRY_PORT,
    Layout,
)
from tests.cluster.requirements import CNI

CONTAINERD = """\
version = 2
root = "{unpacked}"
state = "{running}/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  # Lowering a score needs CAP_SYS_RESOURCE, which root in a container or a small VM may lack.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  sandbox_image = "taxiway.test/pause:1"
  max_concurrent_downloads = 4
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{settings}/registries"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{settings}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""

# Two server blocks: in one, `template` would answer before `kubernetes`.
COREFILE = """\
cluster.local:53 in-addr.arpa:53 {{
    bind {node}
    errors
    ready {ready}
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {settings}/coredns.kubeconfig
        pods insecure
        ttl 5
    }}
}}
.:53 {{
    bind {node}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def write(layout: Layout, tokens: Mapping[str, str]) -> None:
    """Write every configuration file, and one kubeconfig for each user."""
    folder = layout.settings
    for path in (folder / "cni", folder / "registries" / "_default"):
        path.mkdir(parents=True)
    for who, token in tokens.items():
        path = layout.kubeconfig if who == "admin" else folder / f"{who}.kubeconfig"
        path.touch(0o600)
        _json(path, _kubeconfig(layout, who, token))
    (folder / "containerd.toml").write_text(
        CONTAINERD.format(
            unpacked=layout.unpacked, running=layout.running, socket=layout.containerd, settings=folder, cni=CNI
        )
    )
    (folder / "registries" / "_default" / "hosts.toml").write_text(
        f'[host."http://{NODE_ADDRESS}:{REGISTRY_PORT}"]\n  capabilities = ["pull", "resolve"]\n'
    )
    _json(folder / "cni" / "10-taxiway.conflist", _pod_network(layout))
    _json(folder / "kubelet.yaml", _kubelet(layout))
    _json(folder / "kube-proxy.yaml", _kube_proxy(layout))
    (folder / "Corefile").write_text(COREFILE.format(node=NODE_ADDRESS, ready=DNS_READY, settings=folder))
    (folder / "resolv.conf").write_text(
        f"nameserver {NODE_ADDRESS}\nsearch svc.cluster.local cluster.local\noptions ndots:5\n"
    )


def _json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1))


def _kubeconfig(layout: Layout, who: str, token: str) -> dict[str, Any]:
    authority = base64.b64encode((layout.keys / "ca.crt").read_bytes()).decode()
    cluster = {"server": API, "certificate-authority-data": authority}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": layout.name,
        "clusters": [{"name": layout.name, "cluster": cluster}],
        "users": [{"name": who, "user": {"token": token}}],
        "contexts": [{"name": layout.name, "context": {"cluster": layout.name, "user": who}}],
    }


def _pod_network(layout: Layout) -> dict[str, Any]:
    # ptp routes everything; a bridge would need br_netfilter for pod -> Service -> pod on one node.
    addresses = {
        "type": "host-local",
        "dataDir": str(layout.state / "cni"),
        "ranges": [[{"subnet": POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [
        {"type": "ptp", "ipMasq": True, "ipam": addresses},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    return {"cniVersion": "1.0.0", "name": layout.name, "plugins": plugins}


def _kubelet(layout: Layout) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.keys / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{layout.containerd}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{layout.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "oomScoreAdj": 0,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": "/dev/null",
        # The disk is the user's: its fill level is no reason to evict pods or to remove images.
        "evictionHard": {
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.inodesFree": "1%",
            "memory.available": "100Mi",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "serializeImagePulls": False,
        "syncFrequency": "5s",
        "nodeStatusUpdateFrequency": "5s",
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "volumePluginDir": str(layout.state / "kubelet" / "volumeplugins"),
        "podLogsDir": str(layout.pod_logs),
    }


def _kube_proxy(layout: Layout) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(layout.settings / "proxy.kubeconfig")},
        "clusterCIDR": POD_RANGE,
        "oomScoreAdj": 0,
        "conntrack": {"maxPerCore": 0, "min": 0},
        "iptables": {"minSyncPeriod": "0s", "localhostNodePorts": True},
    }
