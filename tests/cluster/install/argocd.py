"""Argo CD core: upstream's core-install.yaml, with a request of CPU."""

import json

from tests.cluster.builds.modules import source
from tests.cluster.install import upstream
from tests.cluster.kit.forge import Repository
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.kit.waiting import wait_for

NAMESPACE = "argocd"
WORKLOADS = (
    "deployment/argocd-applicationset-controller",
    "deployment/argocd-redis",
    "deployment/argocd-repo-server",
    "statefulset/argocd-application-controller",
)


def install(kubectl: Kubectl) -> None:
    """Install the controllers and wait until they are ready."""
    there = kubectl.within(NAMESPACE)
    kubectl.create_namespace(NAMESPACE)
    manifest = source("argocd") / "manifests" / "core-install.yaml"
    upstream.apply(there, manifest, cpu=upstream.CPU)
    # Argo CD's API server makes this project, and core has none.
    project: Json = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AppProject",
        "metadata": {"name": "default"},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"namespace": "*", "server": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    }
    # A new kind is served a moment after it is there; until then, `kubectl wait` for it fails as well.
    wait_for("the default project", lambda: there.apply(project), seconds=60, every=1)
    there.wait_ready(*WORKLOADS, seconds=240)


def give_access(kubectl: Kubectl, repository: Repository, name: str = "environment-repo") -> None:
    """Give Argo CD the credentials of a private repository."""
    forge = repository.forge
    login = {"type": "git", "url": repository.url, "username": forge.user, "password": forge.token}
    kubectl.within(NAMESPACE).apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "labels": {"argocd.argoproj.io/secret-type": "repository"}},
            "stringData": login,
        }
    )


def refresh(kubectl: Kubectl, application: str) -> None:
    """Have Argo CD look at the repository now, in place of within two minutes."""
    there = kubectl.within(NAMESPACE)
    there("annotate", "application", application, "argocd.argoproj.io/refresh=normal", "--overwrite")


def sync_again(kubectl: Kubectl, application: str, *, seconds: float = 120) -> None:
    """Sync an Application to the commit that it is at, as `argocd app sync` does, and wait for the end of that."""
    there = kubectl.within(NAMESPACE)
    seen = there.get("application", application)
    sync = {
        "revision": seen["status"]["sync"]["revision"],
        "syncOptions": seen["spec"]["syncPolicy"]["syncOptions"],
        "prune": True,
    }
    operation = json.dumps({"operation": {"initiatedBy": {"username": "tests"}, "sync": sync}})
    there("patch", "application", application, "--type=merge", "--patch", operation)

    def done(app: Json) -> bool:
        state = app["status"]["operationState"]
        started = state["operation"].get("initiatedBy", {}).get("username") == "tests"
        later = state["startedAt"] > seen["status"]["operationState"]["startedAt"]
        return bool(started and later and state["phase"] == "Succeeded")

    there.wait(f"a second sync of {application}", "application", application, done, seconds=seconds)


def wait_synced(kubectl: Kubectl, application: str, commit: str, *, seconds: float = 240) -> Json:
    """Wait until an Application is Synced and Healthy at a commit, its last sync through; return it."""

    def done(app: Json) -> bool:
        status = app.get("status", {})
        seen = [status.get(k, {}).get("status") for k in ("sync", "health")]
        phase = status.get("operationState", {}).get("phase")
        return [*seen, phase, status["sync"].get("revision")] == ["Synced", "Healthy", "Succeeded", commit]

    what = f"the Application {application} at {commit[:8]}"
    return kubectl.within(NAMESPACE).wait(what, "application", application, done, seconds=seconds)
