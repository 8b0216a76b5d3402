"""Mistakes of environments together."""

from tests.validate.cases import Broken, Edit, append, replace, write
from tests.validate.cases.secrets import OTHER, change
from tests.validate.cases.sync import flux

_PRIORITY = """apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata:
  name: airflow
value: 1000
"""
_NODE_PORT = """apiVersion: v1
kind: Service
metadata:
  name: airflow-web
spec:
  ports:
    - port: 8080
      nodePort: 30080
"""
_HOST = """- op: add
  path: /spec/rules/0/host
  value: airflow.example.com
"""
_OFF = """validate:
  off:
  - rule: kustomize/remote
    reason: our own bases, on our own host
"""
_STAGING = """apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: airflow-staging
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://git.example.com/acme/airflow-environments.git
    targetRevision: main
    path: overlays/staging
  destination:
    server: https://kubernetes.default.svc
    namespace: airflow-staging
"""


def _in_both(name: str, text: str, field: str, entry: str) -> tuple[Edit, ...]:
    """The edits that add a file to both overlays, and an entry for it to their kustomizations."""
    before = {"resources": "  - namespace.yaml\n", "patches": "replacements:\n"}[field]
    entry = f"{before}{entry}" if field == "resources" else f"patches:\n{entry}{before}"
    return tuple(
        edit
        for overlay in ("overlays/dev", "overlays/complete")
        for edit in (
            write(f"{overlay}/{name}", text),
            replace(f"{overlay}/kustomization.yaml", before, entry),
        )
    )


def _copied(files: dict[str, bytes]) -> None:
    """The overlay complete once more, under another name."""
    for path, data in list(files.items()):
        if path.startswith("overlays/complete/"):
            files[path.replace("/complete/", "/copy/", 1)] = data


def _copied_sync(files: dict[str, bytes]) -> None:
    """The sync file of complete once more, for that copy."""
    text = files["clusters/default/complete.yaml"].replace(b"name: airflow-complete", b"name: airflow-copy")
    text = text.replace(b"project: airflow-complete", b"project: airflow-copy")
    files["clusters/default/copy.yaml"] = text.replace(b"overlays/complete", b"overlays/copy")


_INGRESSES = (
    replace(
        "overlays/dev/kustomization.yaml",
        "  - ../../base/components/tutorial-dags\n",
        "  - ../../base/components/tutorial-dags\n  - ../../base/components/ingress\n",
    ),
    replace(
        "overlays/complete/kustomization.yaml",
        "  - base/components/tutorial-dags\n",
        "  - base/components/tutorial-dags\n  - base/components/ingress\n",
    ),
)

CASES: tuple[Broken, ...] = (
    Broken(
        name="two environments with one node port",
        rule="fleet/shared-node-port",
        at=("overlays/complete/patches/service.web.yaml", "nodePort: 30080"),
        edits=_in_both("patches/service.web.yaml", _NODE_PORT, "patches", "  - path: patches/service.web.yaml\n"),
        environment="",
    ),
    Broken(
        name="two environments with one priority class",
        rule="fleet/shared-cluster-object",
        at=("overlays/complete/priorityclass.yaml", "name: airflow"),
        edits=(
            *_in_both("priorityclass.yaml", _PRIORITY, "resources", "  - priorityclass.yaml\n"),
            *(
                replace(
                    f"clusters/default/{name}.yaml",
                    "    kind: Namespace\n",
                    "    kind: Namespace\n  - group: scheduling.k8s.io\n    kind: PriorityClass\n",
                )
                for name in ("dev", "complete")
            ),
        ),
        environment="",
    ),
    Broken(
        name="two environments in one namespace",
        rule="fleet/shared-namespace",
        at=("overlays/copy/kustomization.yaml", "namespace: airflow-complete"),
        edits=(
            _copied,
            _copied_sync,
            change("taxiway.yaml", r"^- name: complete\n(  .*\n)+", r"\g<0>- name: copy\n\g<0>"),
            change("taxiway.yaml", r"^- name: copy\n- name: complete$", "- name: copy"),
        ),
        environment="",
    ),
    Broken(
        name="two environments with one Application",
        rule="fleet/shared-sync-object",
        at=("clusters/default/complete.yaml", "  name: airflow-dev"),
        edits=(
            replace(
                "clusters/default/complete.yaml",
                "kind: Application\nmetadata:\n  name: airflow-complete\n",
                "kind: Application\nmetadata:\n  name: airflow-dev\n",
            ),
        ),
        environment="",
    ),
    Broken(
        name="two environments with one host",
        rule="fleet/shared-host",
        at=("overlays/complete/patches/host.yaml", "value: airflow.example.com"),
        edits=(
            *_INGRESSES,
            *_in_both(
                "patches/host.yaml",
                _HOST,
                "patches",
                "  - path: patches/host.yaml\n    target:\n      kind: Ingress\n      name: airflow-web\n",
            ),
        ),
        environment="",
    ),
    Broken(
        name="two environments that wait for each other",
        rule="fleet/dependency-cycle",
        at=("clusters/default/complete.yaml", "  - name: airflow-dev"),
        edits=(
            flux,
            append("clusters/default/dev.yaml", "  dependsOn:\n  - name: airflow-complete\n"),
            append("clusters/default/complete.yaml", "  dependsOn:\n  - name: airflow-dev\n"),
        ),
        environment="",
    ),
    Broken(
        name="a Kustomization that waits for itself",
        rule="fleet/dependency-cycle",
        at=("clusters/default/dev.yaml", "  - name: airflow-dev"),
        edits=(flux, append("clusters/default/dev.yaml", "  dependsOn:\n  - name: airflow-dev\n")),
        environment="",
    ),
    Broken(
        name="an overlay of no environment",
        rule="fleet/unknown-overlay",
        at=("overlays/copy/kustomization.yaml", ""),
        edits=(_copied,),
        environment="",
    ),
    Broken(
        name="environments of a cluster that trust different certificates",
        rule="fleet/several-certificates",
        at=("taxiway.yaml", f"certificate: {OTHER}"),
        edits=(change("taxiway.yaml", r"(name: complete\n.*\n.*\n  certificate: ).*$", rf"\1{OTHER}"),),
    ),
    Broken(
        name="a rule that the change switches off",
        rule="fleet/rule-switched-off",
        at=("taxiway.yaml", "rule: kustomize/remote"),
        edits=(append("taxiway.yaml", _OFF),),
        environment="",
    ),
    Broken(
        name="an entry that switches off no rule",
        rule="fleet/unknown-rule",
        at=("taxiway.yaml", "rule: kustomize/remot"),
        edits=(append("taxiway.yaml", _OFF.replace("kustomize/remote", "kustomize/remot")),),
        environment="",
    ),
    Broken(
        name="an Application of no environment",
        rule="fleet/unknown-sync-file",
        at=("clusters/default/staging.yaml", "path: overlays/staging"),
        edits=(write("clusters/default/staging.yaml", _STAGING),),
        environment="",
    ),
)
