"""Argo CD and Flux, as the tests see them: what the runbook has a person do, and what it has them wait for."""

from collections.abc import Sequence
from typing import Protocol

from tests.cluster.install import argocd, flux
from tests.cluster.kit.forge import Repository
from tests.cluster.kit.kubectl import Json, Kubectl


class Controller(Protocol):
    """What syncs an environment repo to the cluster."""

    name: str

    def install(self, kubectl: Kubectl) -> None:
        """Install it, and wait until it is ready."""

    def give_access(self, kubectl: Kubectl, repository: Repository, environments: Sequence[str]) -> None:
        """Let it read a private repository, as the runbook says."""

    def refresh(self, kubectl: Kubectl, environments: Sequence[str]) -> None:
        """Have it look at the repository now."""

    def wait(self, kubectl: Kubectl, environment: str, commit: str, seconds: float) -> Json:
        """Wait until an environment is synced and healthy at a commit."""

    def sync_again(self, kubectl: Kubectl, environment: str) -> None:
        """Have it apply the commit that it has applied already, and wait until it has."""

    def is_syncing(self, kubectl: Kubectl, environment: str, commit: str) -> bool:
        """Whether it is in the middle of applying a commit."""

    def kill(self, kubectl: Kubectl) -> None:
        """Kill what syncs, without a grace period, and wait until its successors are ready."""

    def remove(self, kubectl: Kubectl, environments: Sequence[str]) -> None:
        """Have it forget the environments."""


class ArgoCD:
    """Argo CD core."""

    name = "argocd"

    def install(self, kubectl: Kubectl) -> None:
        argocd.install(kubectl)

    def give_access(self, kubectl: Kubectl, repository: Repository, environments: Sequence[str]) -> None:
        argocd.give_access(kubectl, repository, f"repo-{repository.name}")

    def refresh(self, kubectl: Kubectl, environments: Sequence[str]) -> None:
        for environment in environments:
            argocd.refresh(kubectl, f"airflow-{environment}")

    def wait(self, kubectl: Kubectl, environment: str, commit: str, seconds: float) -> Json:
        return argocd.wait_synced(kubectl, f"airflow-{environment}", commit, seconds=seconds)

    def sync_again(self, kubectl: Kubectl, environment: str) -> None:
        argocd.sync_again(kubectl, f"airflow-{environment}")

    def is_syncing(self, kubectl: Kubectl, environment: str, commit: str) -> bool:
        application = kubectl.within(argocd.NAMESPACE).get("application", f"airflow-{environment}")
        state = application.get("status", {}).get("operationState")
        return bool(state and [state["phase"], state["operation"]["sync"]["revision"]] == ["Running", commit])

    def kill(self, kubectl: Kubectl) -> None:
        names = "argocd-application-controller,argocd-repo-server"
        argocd_pods = kubectl.within(argocd.NAMESPACE)
        argocd_pods.replace_pods(f"app.kubernetes.io/name in ({names})", "--grace-period=0", "--force")

    def remove(self, kubectl: Kubectl, environments: Sequence[str]) -> None:
        there = kubectl.within(argocd.NAMESPACE)
        for environment in environments:
            there("delete", "application,appproject", f"airflow-{environment}", "--ignore-not-found")


class Flux:
    """Flux: what fetches, and what applies."""

    name = "flux"

    def install(self, kubectl: Kubectl) -> None:
        flux.install(kubectl)

    def give_access(self, kubectl: Kubectl, repository: Repository, environments: Sequence[str]) -> None:
        for environment in environments:
            flux.give_access(kubectl, repository, f"airflow-{environment}-git")

    def refresh(self, kubectl: Kubectl, environments: Sequence[str]) -> None:
        for source in kubectl.within(flux.NAMESPACE).items("gitrepositories"):
            flux.refresh(kubectl, "gitrepository", source["metadata"]["name"])
        for environment in environments:
            flux.refresh(kubectl, "kustomization", f"airflow-{environment}")

    def wait(self, kubectl: Kubectl, environment: str, commit: str, seconds: float) -> Json:
        return flux.wait_ready(kubectl, f"airflow-{environment}", commit, seconds=seconds)

    def sync_again(self, kubectl: Kubectl, environment: str) -> None:
        flux.sync_again(kubectl, f"airflow-{environment}")

    def is_syncing(self, kubectl: Kubectl, environment: str, commit: str) -> bool:
        kustomization = kubectl.within(flux.NAMESPACE).get("kustomization", f"airflow-{environment}")
        conditions = kustomization.get("status", {}).get("conditions", [])
        return any(c["type"] == "Reconciling" and c["status"] == "True" and commit in c["message"] for c in conditions)

    def kill(self, kubectl: Kubectl) -> None:
        there = kubectl.within(flux.NAMESPACE)
        there.replace_pods("app in (kustomize-controller,source-controller)", "--grace-period=0", "--force")

    def remove(self, kubectl: Kubectl, environments: Sequence[str]) -> None:
        there = kubectl.within(flux.NAMESPACE)
        for environment in environments:
            # Without pruning: the namespace goes with all that is in it.
            patch = '{"metadata": {"finalizers": null}}'
            if there.find("kustomization", f"airflow-{environment}"):
                there("patch", "kustomization", f"airflow-{environment}", "--type=merge", "--patch", patch)
                there("delete", "kustomization", f"airflow-{environment}", "--ignore-not-found")
        there("delete", "gitrepositories", "--all")
