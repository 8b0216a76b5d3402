"""What this machine must have before anything starts."""

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

from tests.cluster.errors import CommandFailed, NotOnThisMachine
from tests.cluster.process import run

# Program -> the Debian package that brings it.
PROGRAMS = {
    "chromium": "chromium",
    "containerd": "containerd",
    "debootstrap": "debootstrap",
    "gcc": "gcc",
    "git": "git",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "runc": "runc",
}
CNI = "/usr/lib/cni"
CNI_PACKAGE = "containernetworking-plugins"
# What the tests import besides what `make test` has; pinned in the file.
MODULES = ("playwright",)
LOCKED = Path(__file__).resolve().parent / "requirements.txt"
GO = (1, 26, 8)  # the newest `go` line of tools/*/go.mod and of what they build


def check() -> None:
    """Raise NotOnThisMachine, in one line with everything that is missing, unless a cluster can run here."""
    if sys.platform != "linux":
        raise NotOnThisMachine(f"needs Linux, this is {sys.platform}; CLUSTER=existing uses your own cluster")
    missing = [*(["root"] if os.geteuid() else []), *_go()]
    packages = sorted({package for name, package in PROGRAMS.items() if not shutil.which(name)} | _cni())
    if packages:
        missing.append(f"Debian packages (apt-get install {' '.join(packages)})")
    if not all(importlib.util.find_spec(name) for name in MODULES):
        missing.append(f"Python packages ({sys.executable} -m pip install --require-hashes -r {LOCKED})")
    if missing:
        raise NotOnThisMachine(f"missing: {', '.join(missing)}")


def _go() -> list[str]:
    wanted = ".".join(map(str, GO))
    if not shutil.which("go"):
        return [f"Go {wanted} or newer"]
    try:
        version, toolchain = run(["go", "env", "GOVERSION", "GOTOOLCHAIN"]).split()
    except (CommandFailed, ValueError):
        return [f"a working Go {wanted} or newer"]
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:3])
    # Go before 1.21 has no GOTOOLCHAIN; from there on, any value but `local` fetches what go.mod asks for.
    return [f"Go {wanted} or newer (here: {version})"] if numbers < GO and toolchain == "local" else []


def _cni() -> set[str]:
    return set() if Path(CNI, "ptp").is_file() else {CNI_PACKAGE}
