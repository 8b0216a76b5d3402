"""The cluster's own network, and how a process enters it."""

import ctypes
import os
from pathlib import Path

from tests.cluster.node.layout import NODE_ADDRESS, Layout
from tests.cluster.process import run

_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_BIND = 0x1000
_MS_PRIVATE_EVERYWHERE = 0x4000 | 0x40000  # MS_REC | MS_PRIVATE
_libc = ctypes.CDLL(None, use_errno=True)


def make_network(layout: Layout) -> None:
    """Make the network namespace, with the node's address in it and no way out."""
    run(["ip", "netns", "add", layout.name])
    _inside(layout, "ip", "link", "set", "lo", "up")
    for setting in ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0"):
        name, value = setting.split("=")
        _inside(layout, "sh", "-c", f"echo {value} > /proc/sys/{name.replace('.', '/')}")
    # A bridge without ports stands in for a dummy device, which some kernels lack: it holds the node's address, and a
    # default route that leads nowhere, since node processes reach Service addresses only where a route exists.
    _inside(layout, "ip", "link", "add", "node0", "type", "bridge")
    _inside(layout, "ip", "addr", "add", f"{NODE_ADDRESS}/32", "dev", "node0")
    _inside(layout, "ip", "link", "set", "node0", "up")
    _inside(layout, "ip", "route", "add", "default", "dev", "node0", "src", NODE_ADDRESS)
    # What would leave is refused at once. An unreachable route's ICMP is rate-limited, so clients hang there.
    for chain in ("FORWARD", "OUTPUT"):
        leaving = ("iptables", "-A", chain, "-o", "node0", "-m", "conntrack", "!", "--ctstate", "DNAT")
        _inside(layout, *leaving, "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")
        _inside(layout, *leaving, "-j", "REJECT")


def remove_network(layout: Layout) -> None:
    """Remove the network namespace where there is one."""
    if layout.network.exists():
        run(["ip", "netns", "delete", layout.name])


def enter(layout: Layout) -> None:
    """Move this process, and what it starts from now on, into the cluster's network, with the cluster's names.

    `airflow-web.some-namespace` then means here what it means in a pod.
    """
    with layout.network.open() as namespace:
        _call(_libc.setns(namespace.fileno(), _CLONE_NEWNET), "setns")
    _call(_libc.unshare(_CLONE_NEWNS), "unshare")
    _call(_libc.mount(b"none", b"/", None, _MS_PRIVATE_EVERYWHERE, None), "mount /")
    names = str(layout.settings / "resolv.conf").encode()
    _call(_libc.mount(names, b"/etc/resolv.conf", None, _MS_BIND, None), "mount /etc/resolv.conf")


def remove_mounts(under: Path) -> None:
    """Unmount what an earlier cluster left under a folder of this mount namespace."""
    for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
        where = Path(line.split()[4])
        if where.is_relative_to(under):
            run(["umount", "--lazy", where])


def _inside(layout: Layout, *argv: str) -> None:
    # Not `ip netns exec`: it mounts a new /sys, and with it hides the cgroups.
    run(["nsenter", f"--net={layout.network}", "--", *argv])


def _call(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
