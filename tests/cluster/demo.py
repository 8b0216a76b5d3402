"""An environment repo, bootstrapped and synced by Argo CD on the test cluster, to look at."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.console import Console
from tests.cluster.install import gitea, sealed_secrets
from tests.cluster.kit.controllers import ArgoCD
from tests.cluster.kit.environments import ENVIRONMENTS, bootstrap, node_port
from tests.cluster.kit.kubectl import Kubectl


def prepare(kubectl: Kubectl, folder: Path, console: Console) -> None:
    """Install everything, run `taxiway init` into a new folder, push, and wait until dev and complete are healthy.

    What is there already is left as it is: the second call does nothing.
    """
    if kubectl.find("namespace", f"airflow-{ENVIRONMENTS[-1]}"):
        return
    argocd = ArgoCD()
    console.step("installing sealed-secrets, Gitea and Argo CD")
    sealed_secrets.install(kubectl)
    argocd.install(kubectl)
    with gitea.installed(kubectl) as forge:
        console.step(f"taxiway init {folder}")
        repository = forge.create(f"environments-{secrets.token_hex(3)}")
        certificate = sealed_secrets.fetch_certificate()
        commit = bootstrap(folder, repository, controller=argocd.name, certificate=certificate).push()
    argocd.give_access(kubectl, repository, ENVIRONMENTS)
    kubectl("apply", "--filename", folder / "clusters" / "default")
    for environment in ENVIRONMENTS:
        argocd.wait(kubectl, environment, commit, seconds=420)
        console.step(f"{environment} is synced and healthy")


def address(kubectl: Kubectl) -> tuple[str, int]:
    """Where the UI of dev answers, inside of the cluster's network."""
    url = urlsplit(node_port(kubectl.within("airflow-dev")))
    return str(url.hostname), int(url.port or 80)
