"""What a running cluster looks like, for a person."""

from tests.cluster.node import cgroups, lifecycle, processes
from tests.cluster.node.layout import Layout

_MIB = 2**20


def describe(layout: Layout) -> str:
    """The servers with their memory, the pods, and the memory of everything together."""
    if not processes.init_process(layout):
        return f"the cluster {layout.name} is not up"
    lines = [
        f"{name:20} {f'{process.pid:>8} {process.memory / _MIB:6.0f} MiB' if process else 'ENDED'}"
        for name, process in processes.servers(layout).items()
    ]
    pods = lifecycle.kubectl(layout)("get", "nodes,pods", "--all-namespaces", "--output=wide")
    memory = cgroups.memory(layout.name) / _MIB
    return "\n".join([*lines, pods, f"anonymous memory of all processes and pods: {memory:.0f} MiB"])
