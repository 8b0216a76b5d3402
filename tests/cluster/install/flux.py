"""Flux: its kustomize-controller and its source-controller."""

import time

from tests.cluster.builds.modules import source
from tests.cluster.install import upstream
from tests.cluster.kit.forge import Repository
from tests.cluster.kit.kubectl import Json, Kubectl

NAMESPACE = "flux-system"


def install(kubectl: Kubectl) -> None:
    """Install CRDs, RBAC and controllers, and wait until they are ready."""
    kubectl.create_namespace(NAMESPACE)
    there = kubectl.within(NAMESPACE)
    config = [source(name) / "config" for name in ("flux-source", "flux")]
    upstream.apply(there, *(folder / part for folder in config for part in ("crd", "rbac", "manager")))
    there.wait_ready("deployment/source-controller", "deployment/kustomize-controller", seconds=120)


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
