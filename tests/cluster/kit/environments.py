"""Airflow environments on the test cluster: written by the real `taxiway init`, and looked at as an operator would."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.images.catalogue import AIRFLOW
from tests.cluster.kit.airflow import Airflow, Run
from tests.cluster.kit.environment import own_cluster, reach
from tests.cluster.kit.forge import Repository
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.kit.waiting import wait_for
from tests.cluster.process import Arg, run
from tests.cluster.python import module_command, module_environment

ENVIRONMENTS = ("dev", "complete")
# What Airflow itself is made of.
COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
WORKLOADS = (
    "statefulset/airflow-pg",
    "deployment/airflow-s3",
    *(f"deployment/airflow-{part}" for part in COMPONENTS),
)
_AUTHOR = {
    f"GIT_{role}_{field}": value
    for role in ("AUTHOR", "COMMITTER")
    for field, value in (("NAME", "taxiway tests"), ("EMAIL", "tests@example.test"))
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRepo:
    """A Git work tree that `taxiway init` wrote, and the private repository that it is pushed to."""

    tree: Path
    repository: Repository

    def push(self) -> str:
        """Push what is committed; return the commit."""
        return self.repository.push(self.tree)

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace text that stands once in a file."""
        file = self.tree / path
        text = file.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new))

    def publish(self, message: str) -> str:
        """Commit and push every change; return the commit."""
        return self.repository.commit(self.tree, message)

    def change_release(self, environment: str, tag: str) -> None:
        """What the runbook says about new images: the tag, and with it the release's id."""
        release = f"overlays/{environment}/release"
        self.edit(f"{release}/kustomization.yaml", f'newTag: "{AIRFLOW}"', f'newTag: "{tag}"')
        self.edit(f"{release}/release.env", f"RELEASE={release_of(AIRFLOW)}", f"RELEASE={release_of(tag)}")

    def revert(self, subject: str) -> str:
        """Take the commit of this subject back with `git revert`, and push; return the commit that does."""
        run(["git", "revert", "--no-edit", f":/{subject}"], cwd=self.tree, env=_AUTHOR)
        return self.push()


def release_of(tag: str) -> str:
    """The id of a release, by the tag of its image."""
    return tag.replace(".", "-")


def bootstrap(
    tree: Path,
    repository: Repository,
    *,
    controller: str,
    certificate: str,
    environments: Sequence[str] = ENVIRONMENTS,
    secrets: Mapping[str, Mapping[str, str]] | None = None,
) -> EnvironmentRepo:
    """Run `taxiway init` in an empty folder, with the certificate (PEM) of the cluster's own controller.

    `secrets` are those that are given to it, environment -> key -> value.
    """
    pem = tree.with_suffix(".pem")
    pem.write_text(certificate)
    options: list[Arg] = ["--repo", repository.url, "--forge", "gitea", "--controller", controller]
    options += [word for name in environments for word in ("--environment", name)]
    command = [*module_command("bootstrap"), "init", tree, "--yes", *options, "--sealing-cert", pem]
    given = ["--secrets-from", "-"] if secrets else []
    run([*command, *given], env={**module_environment(), **_AUTHOR}, stdin=json.dumps(secrets) if secrets else None)
    return EnvironmentRepo(tree=tree, repository=repository)


def log_in(kubectl: Kubectl, url: str) -> Airflow:
    """The administrator of the environment in kubectl's namespace, at the UI's address, once the Job has made them."""
    secret = kubectl.secret("airflow-admin")
    user, password = secret["ADMIN_USERNAME"], secret["ADMIN_PASSWORD"]
    return wait_for("the administrator", lambda: Airflow(url, user=user, password=password), seconds=120, every=1)


def add_dag_files(tree: Path, *files: Path) -> None:
    """Put DAG files beside the tutorial's in a tree's live base, which its first environment follows."""
    component = tree / "base/components/tutorial-dags"
    for file in files:
        shutil.copy(file, component / "dags")
    listed = component / "kustomization.yaml"
    known = "      - dags/hello_world.py\n"
    more = "".join(f"      - dags/{file.name}\n" for file in files)
    assert known in listed.read_text()
    listed.write_text(listed.read_text().replace(known, known + more))


@contextmanager
def administrator(kubectl: Kubectl) -> Iterator[Airflow]:
    """The administrator of the environment in kubectl's namespace, for as long as the context lasts."""
    if own_cluster():
        yield log_in(kubectl, node_port(kubectl))
    else:
        with reach(kubectl, "airflow-web", 8080) as url:
            yield log_in(kubectl, url)


def run_hello(kubectl: Kubectl, airflow: Airflow) -> tuple[Run, set[str]]:
    """A run of hello_world that came to its end, and the images of the worker pods that were seen meanwhile."""
    airflow.wait_for_dags("hello_world")
    begun = airflow.trigger("hello_world")
    images: set[str] = set()

    def over() -> bool:
        pods = kubectl.items("pods", labels="dag_id=hello_world")
        images.update(str(pod["spec"]["containers"][0]["image"]) for pod in pods)
        return airflow.look("hello_world", begun).ended

    wait_for("the end of the run", over, seconds=300, every=0.5, state=kubectl.overview)
    return airflow.look("hello_world", begun), images


def node_port(kubectl: Kubectl) -> str:
    """The UI's address on the first node, over the NodePort."""
    port = kubectl.get("service", "airflow-web")["spec"]["ports"][0]["nodePort"]
    addresses = kubectl.items("nodes")[0]["status"]["addresses"]
    return f"http://{next(a['address'] for a in addresses if a['type'] == 'InternalIP')}:{port}"


def generations(kubectl: Kubectl) -> dict[str, tuple[int, str]]:
    """Every object of the environment -> (generation, uid): equal twice when nothing was changed in between."""
    kinds = "deployments,statefulsets,jobs,services,configmaps,secrets,serviceaccounts,roles,rolebindings,pdb"
    return {
        f"{item['kind']}/{item['metadata']['name']}": (item["metadata"].get("generation", 0), item["metadata"]["uid"])
        for item in kubectl.items(kinds)
    }


def objects(kubectl: Kubectl) -> dict[str, tuple[int, str]]:
    """The same of every kind that the cluster knows, but for what changes by itself."""
    kinds = kubectl("api-resources", "--namespaced", "--verbs=list", "--output=name").split()
    lasting = ",".join(k for k in kinds if k.partition(".")[0] not in ("events", "leases", "pods", "endpointslices"))
    return {
        f"{item['kind']}/{item['metadata']['name']}": (item["metadata"].get("generation", 0), item["metadata"]["uid"])
        for item in kubectl.items(lasting)
    }


def restarts(kubectl: Kubectl) -> dict[str, int]:
    """Pod -> how often its containers were restarted, for those that were."""
    found: dict[str, int] = {}
    for pod in kubectl.items("pods"):
        count = sum(s["restartCount"] for s in pod["status"].get("containerStatuses", []))
        if count:
            found[pod["metadata"]["name"]] = count
    return found


def pods_of(kubectl: Kubectl) -> dict[str, str]:
    """Component -> uid of its one pod that is not ending, of what runs for good."""
    found: dict[str, str] = {}
    for pod in kubectl.items("pods"):
        owners: list[Json] = pod["metadata"].get("ownerReferences", [])
        if owners and owners[0]["kind"] != "Job" and "deletionTimestamp" not in pod["metadata"]:
            found[pod["metadata"]["labels"]["app.kubernetes.io/component"]] = pod["metadata"]["uid"]
    return found


def remove(kubectl: Kubectl, *namespaces: str, wait: bool = True) -> None:
    """Remove namespaces with all that is in them, and wait for the end where something is made in them anew."""
    kubectl("delete", "namespace", *namespaces, "--ignore-not-found", "--wait=false")
    for namespace in namespaces:
        # A scheduler takes its time to say goodbye. Nothing can be made anew in a namespace that is going.
        kubectl.within(namespace)("delete", "pods", "--all", "--grace-period=0", "--force")
    if wait:
        kubectl("delete", "namespace", *namespaces, "--ignore-not-found", timeout=180)
