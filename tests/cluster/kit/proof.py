"""docs/proof.md, written from the figures of a run."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.cluster.builds import parts
from tests.cluster.images.catalogue import AIRFLOW
from tests.cluster.kit.environment import own_cluster
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.kubectl import Kubectl

CONTROLLERS = {"argocd": "Argo CD", "flux": "Flux"}
STAND_INS = (
    "Every image is a stand-in, rebuilt under the official name from Debian and Python packages."
    " `tests/cluster/README.md` says what is real."
)
_HEAD = """# Proof

What `base/`, `overlays/` and `taxiway init` did on a real cluster. A run of the cluster tests writes this file when all
of its tests have passed:

```
TAXIWAY_PROOF=docs/proof.md python -m tests.cluster test
```

"""
_PODS = """## Memory and start of each pod

MiB. At rest: what its processes hold after a DAG run. Peak: the most that the kernel ever charged to the container,
files in its cache included. Start: seconds from the container's start to the pod's readiness.

"""
# Name of a figure of a pod -> its column.
_COLUMNS = {"at rest": "at rest", "request": "request", "peak": "peak", "limit": "limit", "start": "start, s"}

Table = dict[str, dict[str, str]]


def write(path: Path, figures: Figures, kubectl: Kubectl, passed: int) -> None:
    """Write the figures of a run in which `passed` tests were run, and all of them passed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(figures, circumstances(kubectl, passed)))


def circumstances(kubectl: Kubectl, passed: int) -> dict[str, str]:
    """When, where and with what the figures were taken."""
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    load = ", ".join(f"{minutes:.0f}" for minutes in os.getloadavg())
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "tests passed": str(passed),
        "Kubernetes": kubectl.json("version")["serverVersion"]["gitVersion"].removeprefix("v"),
        "Airflow": AIRFLOW,
        "Argo CD": parts.ARGOCD.removeprefix("v"),
        "Flux source-controller and kustomize-controller": parts.FLUX.removeprefix("v"),
        "sealed-secrets": parts.SEALED_SECRETS.removeprefix("v"),
        "machine": f"{os.cpu_count()} cores, {gib:.0f} GiB, load at the end {load} (1, 5, 15 minutes)",
    }


def render(figures: Figures, said: Mapping[str, str]) -> str:
    """The whole file. A figure's name says its table: `argocd: …` and `flux: …`, `pod <component>: …`, or the last."""
    times: Table = {}
    pods: Table = {}
    others: Table = {}
    for name, (value, unit) in figures.taken.items():
        owner, _, what = name.partition(": ")
        if owner in CONTROLLERS:
            times.setdefault(what, {})[CONTROLLERS[owner]] = f"{value:g}"
        elif owner.startswith("pod "):
            pods.setdefault(owner.removeprefix("pod "), {})[_COLUMNS[what]] = f"{value:.0f}"
        else:
            others[name] = {"value": f"{value:g}", "unit": unit}
    text = _HEAD + _table("", {key: {"": value} for key, value in said.items()})
    if own_cluster():
        text += f"\n{STAND_INS}\n"
    if times:
        text += "\n## Time under each controller\n\nSeconds.\n\n" + _table("", times)
    if pods:
        text += "\n" + _PODS + _table("pod", pods)
    if others:
        text += "\n## More figures\n\n" + _table("", others)
    return text


def _table(corner: str, rows: Table) -> str:
    """A Markdown table of rows by name, each of cells by column; what was not measured stays empty."""
    columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
    lines = [[corner, *columns], ["---"] * (1 + len(columns))]
    lines += [[name, *(cells.get(column, "") for column in columns)] for name, cells in rows.items()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
