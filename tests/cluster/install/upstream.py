"""What upstream ships, applied with what the test cluster asks of it besides."""

import os
import shutil
import tempfile
from pathlib import Path

import yaml

from tests.cluster.kit.kubectl import Kubectl

# Without a request, a pod has next to nothing of two cores on which Airflow starts. So Argo CD's repo-server was killed
# by its own liveness probe, and what it should have compared waited for the next look, two minutes later.
# Not more: two environments, one of them in the middle of a release, leave no room for it.
CPU = "10m"


def apply(kubectl: Kubectl, *sources: Path, cpu: str = "") -> None:
    """Apply files and Kustomize folders as one, in kubectl's namespace; each workload requests `cpu`, where given."""
    resources = {"requests": {"cpu": cpu}}
    request = [{"op": "add", "path": "/spec/template/spec/containers/0/resources", "value": resources}]
    patch = {"target": {"kind": "(Deployment|StatefulSet)"}, "patch": yaml.safe_dump(request)}
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary).resolve()
        kustomization = {
            "namespace": kubectl.namespace,
            "resources": [_within(here, each) for each in sources],
            "patches": [patch] if cpu else [],
        }
        (here / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        # Server-side: one of Argo CD's CRDs is too large for the annotation that a client-side apply writes.
        kubectl.apply_folder(here, server_side=True)


def _within(here: Path, each: Path) -> str:
    """What kustomize calls it: it takes a folder from elsewhere by a relative path only, and a file not at all."""
    if each.is_dir():
        return os.path.relpath(each, here)
    shutil.copy(each, here)
    return each.name
