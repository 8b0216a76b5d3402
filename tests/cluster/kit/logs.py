"""What the components write: as `kubectl logs` shows it, and as a log collector reads it from the node."""

import json
import os

from tests.cluster.kit.environment import OWN
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.node.layout import Layout


def newest_pod(kubectl: Kubectl, component: str) -> Json:
    """The newest pod of a component."""
    pods = kubectl.items("pods", labels=f"app.kubernetes.io/component={component}")
    return max(pods, key=lambda p: str(p["metadata"]["creationTimestamp"]))


def lines(kubectl: Kubectl, component: str) -> list[str]:
    """What a component's newest pod has written, on standard output and standard error."""
    name = newest_pod(kubectl, component)["metadata"]["name"]
    return kubectl("logs", name, "--container", component).splitlines()


def levels(kubectl: Kubectl, component: str) -> set[str]:
    """The levels of what a component's newest pod has logged as JSON."""
    return {json.loads(line).get("level", "") for line in lines(kubectl, component) if is_event(line)}


def standard_output(pod: Json, container: str) -> list[str]:
    """What a container wrote there, from the file that a log collector reads: `<time> stdout <F or P> <line>`."""
    meta = pod["metadata"]
    folder = Layout(name=os.environ[OWN]).pod_logs / f"{meta['namespace']}_{meta['name']}_{meta['uid']}" / container
    entries = [line.split(" ", 3) for file in sorted(folder.glob("*.log")) for line in file.read_text().splitlines()]
    # P: the line goes on in the next entry (Kubernetes, CRI logging format).
    text = "".join(line if tag == "P" else f"{line}\n" for _, stream, tag, line in entries if stream == "stdout")
    return text.splitlines()


def is_event(line: str) -> bool:
    """Whether a line is a JSON object that tells of an event."""
    try:
        document = json.loads(line)
    except ValueError:
        return False
    return isinstance(document, dict) and "event" in document
