"""Mistakes in what the controller syncs by, and in the order of what it brings up."""

from bootstrap.config.model import Model
from bootstrap.scaffold import controllers
from tests.validate.cases import Broken, Edit, append, replace, write

DEV = "clusters/default/dev.yaml"
OVERLAY = "overlays/dev/kustomization.yaml"
MIGRATE = "base/airflow/job.migrate.yaml"
POSTGRES = "base/postgres/statefulset.yaml"


def flux(files: dict[str, bytes]) -> None:
    """The same repo, synced by Flux."""
    text = files["taxiway.yaml"]
    assert text.count(b"controller: argocd") == 1
    files["taxiway.yaml"] = text.replace(b"controller: argocd", b"controller: flux")
    files.update(controllers.plan(Model.parse(files["taxiway.yaml"])))


def _annotated(path: str, annotation: str) -> Edit:
    """Give an object of the base an annotation, before its labels."""
    return replace(
        path,
        "  labels:\n    app.kubernetes.io/name",
        f"  annotations:\n    {annotation}\n  labels:\n    app.kubernetes.io/name",
    )


_CLUSTER_ROLE = """apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: airflow-dev-nodes
rules:
  - apiGroups:
      - ""
    resources:
      - nodes
    verbs:
      - list
"""

CASES: tuple[Broken, ...] = (
    Broken(
        name="an environment without an overlay",
        rule="sync/missing-overlay",
        at=("taxiway.yaml", "name: staging"),
        edits=(append("taxiway.yaml", "- name: staging\n  namespace: airflow-staging\n  cluster: default\n"),),
        environment="staging",
    ),
    Broken(
        name="an environment that nothing syncs",
        rule="sync/missing-file",
        at=("taxiway.yaml", "  cluster: production"),
        edits=(
            replace(
                "taxiway.yaml",
                "  namespace: airflow-dev\n  cluster: default\n",
                "  namespace: airflow-dev\n  cluster: production\n",
            ),
        ),
    ),
    Broken(
        name="a sync file without an Application",
        rule="sync/missing-file",
        at=(DEV, ""),
        edits=(replace(DEV, "kind: Application\n", "kind: ApplicationSet\n"),),
    ),
    Broken(
        name="the Application builds another environment",
        rule="sync/wrong-path",
        at=(DEV, "path: overlays/complete"),
        edits=(replace(DEV, "    path: overlays/dev\n", "    path: overlays/complete\n"),),
    ),
    Broken(
        name="the Kustomization builds what is not there",
        rule="sync/wrong-path",
        at=(DEV, "path: ./overlay/dev"),
        edits=(flux, replace(DEV, "path: ./overlays/dev", "path: ./overlay/dev")),
    ),
    Broken(
        name="the Application reads another repository",
        rule="sync/wrong-repository",
        at=(DEV, "repoURL: https://git.example.com/acme/airflow.git"),
        edits=(
            replace(
                DEV,
                "repoURL: https://git.example.com/acme/airflow-environments.git",
                "repoURL: https://git.example.com/acme/airflow.git",
            ),
        ),
    ),
    Broken(
        name="the GitRepository reads a fork",
        rule="sync/wrong-repository",
        at=(DEV, "url: "),
        edits=(flux, replace(DEV, "git.example.com/acme/", "git.example.com/me/")),
    ),
    Broken(
        name="the Application follows another branch",
        rule="sync/wrong-branch",
        at=(DEV, "targetRevision: master"),
        edits=(replace(DEV, "targetRevision: main", "targetRevision: master"),),
    ),
    Broken(
        name="the GitRepository is pinned to a tag",
        rule="sync/wrong-branch",
        at=(DEV, "tag: v1"),
        edits=(flux, replace(DEV, "    branch: main\n", "    branch: main\n    tag: v1\n")),
    ),
    Broken(
        name="the Application goes to another namespace",
        rule="sync/wrong-namespace",
        at=(DEV, "namespace: airflow-old"),
        edits=(
            replace(
                DEV,
                "    namespace: airflow-dev\n  syncPolicy",
                "    namespace: airflow-old\n  syncPolicy",
            ),
        ),
    ),
    Broken(
        name="taxiway.yaml names another namespace",
        rule="sync/wrong-namespace",
        at=("taxiway.yaml", "namespace: airflow-development"),
        edits=(replace("taxiway.yaml", "namespace: airflow-dev\n", "namespace: airflow-development\n"),),
    ),
    Broken(
        name="the Namespace object has another name",
        rule="sync/wrong-namespace",
        at=("overlays/dev/namespace.yaml", "name: airflow"),
        edits=(replace("overlays/dev/namespace.yaml", "name: airflow-dev", "name: airflow"),),
    ),
    Broken(
        name="the Kustomization has a target namespace of its own",
        rule="sync/wrong-namespace",
        at=(DEV, "targetNamespace: airflow"),
        edits=(flux, append(DEV, "  targetNamespace: airflow\n")),
    ),
    Broken(
        name="the Kustomization's source has another name",
        rule="sync/missing-source",
        at=(DEV, "    name: airflow-environments"),
        edits=(
            flux,
            replace(
                DEV,
                "    kind: GitRepository\n    name: airflow-dev\n",
                "    kind: GitRepository\n    name: airflow-environments\n",
            ),
        ),
    ),
    Broken(
        name="an Application that does not sync by itself",
        rule="sync/switched-off",
        at=(DEV, "  syncPolicy:"),
        edits=(replace(DEV, "    automated:\n      prune: true\n      selfHeal: true\n", ""),),
    ),
    Broken(
        name="an Application that prunes nothing",
        rule="sync/switched-off",
        at=(DEV, "prune: false"),
        edits=(replace(DEV, "prune: true", "prune: false"),),
    ),
    Broken(
        name="a Kustomization that waits for nothing",
        rule="sync/switched-off",
        at=(DEV, "wait: false"),
        edits=(flux, replace(DEV, "wait: true", "wait: false")),
    ),
    Broken(
        name="a Kustomization that is suspended",
        rule="sync/switched-off",
        at=(DEV, "suspend: true"),
        edits=(flux, append(DEV, "  suspend: true\n")),
    ),
    Broken(
        name="the Application's project has another name",
        rule="sync/missing-project",
        at=(DEV, "project: airflow"),
        edits=(replace(DEV, "project: airflow-dev", "project: airflow"),),
    ),
    Broken(
        name="the project forbids the namespace",
        rule="sync/project-forbids",
        at=(DEV, "destinations:"),
        edits=(
            replace(
                DEV,
                "    namespace: airflow-dev\n  clusterResourceWhitelist",
                "    namespace: airflow\n  clusterResourceWhitelist",
            ),
        ),
    ),
    Broken(
        name="the project forbids the repository",
        rule="sync/project-forbids",
        at=(DEV, "sourceRepos:"),
        edits=(replace(DEV, "  - https://git.example.com/acme/", "  - https://git.example.org/acme/"),),
    ),
    Broken(
        name="the project forbids an object outside of the namespace",
        rule="sync/project-forbids",
        at=(DEV, "clusterResourceWhitelist:"),
        edits=(
            write("overlays/dev/clusterrole.yaml", _CLUSTER_ROLE),
            replace(OVERLAY, "  - namespace.yaml\n", "  - namespace.yaml\n  - clusterrole.yaml\n"),
        ),
    ),
    Broken(
        name="the migration as a hook after the sync",
        rule="sync/hook",
        at=(MIGRATE, "argocd.argoproj.io/hook: PostSync"),
        edits=(_annotated(MIGRATE, "argocd.argoproj.io/hook: PostSync"),),
    ),
    Broken(
        name="the migration as a Helm hook before the sync",
        rule="sync/hook",
        at=(MIGRATE, "helm.sh/hook: pre-upgrade"),
        edits=(_annotated(MIGRATE, "helm.sh/hook: pre-upgrade"),),
    ),
    Broken(
        name="the migration in a later wave than what waits for it",
        rule="sync/waits-for-later",
        at=(MIGRATE, "argocd.argoproj.io/sync-wave"),
        edits=(_annotated(MIGRATE, 'argocd.argoproj.io/sync-wave: "1"'),),
    ),
    Broken(
        name="the migration in an earlier wave than its database",
        rule="sync/waits-for-later",
        at=(MIGRATE, "argocd.argoproj.io/sync-wave"),
        edits=(_annotated(MIGRATE, 'argocd.argoproj.io/sync-wave: "-1"'),),
    ),
    Broken(
        name="a secret in a later wave than its readers",
        rule="sync/waits-for-later",
        at=("overlays/dev/secrets/sealedsecret.airflow-jwt.yaml", "argocd.argoproj.io/sync-wave"),
        edits=(
            replace(
                "overlays/dev/secrets/sealedsecret.airflow-jwt.yaml",
                "  annotations:\n",
                '  annotations:\n    argocd.argoproj.io/sync-wave: "5"\n',
            ),
        ),
    ),
    Broken(
        name="a Job that is deleted when it has finished",
        rule="sync/job-ttl",
        at=(MIGRATE, "ttlSecondsAfterFinished: 600"),
        edits=(replace(MIGRATE, "  backoffLimit: 6\n", "  backoffLimit: 6\n  ttlSecondsAfterFinished: 600\n"),),
    ),
    Broken(
        name="a Kustomization that waits for one that is not there",
        rule="sync/unknown-dependency",
        at=(DEV, "name: sealed-secrets"),
        edits=(flux, append(DEV, "  dependsOn:\n  - name: sealed-secrets\n")),
    ),
)
