"""Flux: the real kustomize-controller, and for GitRepositories a stand-in, or on a cluster of yours the real one."""

import os
import tempfile
import time
from pathlib import Path

from tests.cluster.builds.modules import source
from tests.cluster.kit.environment import own_cluster
from tests.cluster.kit.forge import Repository
from tests.cluster.kit.kubectl import Json, Kubectl

NAMESPACE = "flux-system"
STAND_IN = Path(__file__).resolve().parent.parent / "manifests" / "flux-source"


def install(kubectl: Kubectl) -> None:
    """Install CRDs, RBAC and controllers, and wait until they are ready."""
    kubectl.create_namespace(NAMESPACE)
    there = kubectl.within(NAMESPACE)
    syncs, sources = source("flux") / "config", source("flux-source") / "config"
    folders = [sources / "crd", syncs / "crd", syncs / "rbac", syncs / "manager"]
    if not own_cluster():
        folders += [sources / "rbac", sources / "manager"]
    _apply(there, folders)
    if own_cluster():
        there.apply_folder(STAND_IN)
    fetches = "source-controller-stand-in" if own_cluster() else "source-controller"
    there.wait_ready("deployment/kustomize-controller", f"deployment/{fetches}", seconds=120)


def give_access(kubectl: Kubectl, repository: Repository, name: str) -> None:
    """Give Flux the credentials of a private repository, in the Secret that a GitRepository's secretRef names."""
    forge = repository.forge
    kubectl.within(NAMESPACE).apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "stringData": {"username": forge.user, "password": forge.token},
        }
    )


def refresh(kubectl: Kubectl, kind: str, name: str) -> None:
    """Have Flux look at an object now, in place of within its interval."""
    there = kubectl.within(NAMESPACE)
    there("annotate", kind, name, f"reconcile.fluxcd.io/requestedAt={time.time_ns()}", "--overwrite")


def sync_again(kubectl: Kubectl, kustomization: str, *, seconds: float = 120) -> None:
    """Apply the commit that a Kustomization is at once more, and wait for the end of that."""
    there = kubectl.within(NAMESPACE)
    refresh(kubectl, "kustomization", kustomization)
    asked = there.get("kustomization", kustomization)["metadata"]["annotations"]["reconcile.fluxcd.io/requestedAt"]

    def done(seen: Json) -> bool:
        ready = [c["status"] for c in seen["status"]["conditions"] if c["type"] == "Ready"]
        return ready == ["True"] and seen["status"].get("lastHandledReconcileAt") == asked

    there.wait(f"a second sync of {kustomization}", "kustomization", kustomization, done, seconds=seconds)


def wait_ready(kubectl: Kubectl, kustomization: str, commit: str, *, seconds: float = 240) -> Json:
    """Wait until a Kustomization is Ready at a commit; return it."""

    def done(seen: Json) -> bool:
        status = seen.get("status", {})
        ready = [c["status"] for c in status.get("conditions", []) if c["type"] == "Ready"]
        return ready == ["True"] and status.get("lastAppliedRevision", "").endswith(f"sha1:{commit}")

    what = f"the Kustomization {kustomization} at {commit[:8]}"
    return kubectl.within(NAMESPACE).wait(what, "kustomization", kustomization, done, seconds=seconds)


def _apply(kubectl: Kubectl, folders: list[Path]) -> None:
    """Apply several Kustomize folders as one. kustomize takes folders from elsewhere by relative paths only."""
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary).resolve()
        lines = [f"- {os.path.relpath(folder, here)}\n" for folder in folders]
        text = f"namespace: {NAMESPACE}\nresources:\n{''.join(lines)}"
        (here / "kustomization.yaml").write_text(text)
        kubectl.apply_folder(here, server_side=True)
