"""Mistakes that kustomize refuses, or passes over in silence."""

from tests.lint.cases import Broken, replace

CASES = (
    Broken(
        name="a resource that is not there",
        rule="kustomize/build",
        at=("overlays/dev/kustomization.yaml", "  - namespace.yaml"),
        edits=(replace("overlays/dev/kustomization.yaml", "  - namespace.yaml", "  - namespaces.yaml"),),
    ),
    Broken(
        name="a key twice",
        rule="kustomize/duplicate-key",
        at=("base/airflow/service.yaml", "  type: ClusterIP"),
        edits=(replace("base/airflow/service.yaml", "  type: NodePort\n", "  type: NodePort\n  type: ClusterIP\n"),),
    ),
)
