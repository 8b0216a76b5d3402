"""The servers and tools that are built from source, pinned by the go.mod and go.sum under tools/."""

from dataclasses import dataclass
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent / "tools"
KUBERNETES = "v1.36.3"
KUSTOMIZE = "v5.8.2"
ARGOCD = "v3.2.11"
FLUX = "v1.9.5"
SEALED_SECRETS = "v0.40.0"
GITEA = "v1.26.4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One Go module whose `tool` lines are the programs that it gives."""

    name: str
    # What runs in a pod is built without cgo: static, so any image will do.
    cgo: bool = False
    tags: str = ""
    ldflags: str = ""
    # What `go build` names after a folder -> what we call it.
    renamed: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> Path:
        """Where its go.mod is."""
        return TOOLS / self.name


def _kubernetes_version() -> str:
    # Without these the node and `kubectl version` say v0.0.0-master, and a client refuses the skew.
    package = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    return f"-X {package}.gitVersion={KUBERNETES} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"


PARTS = {
    part.name: part
    for part in (
        Part(name="kubernetes", cgo=True, ldflags=_kubernetes_version()),
        Part(name="etcd", cgo=True, renamed=(("server", "etcd"),)),
        Part(name="coredns"),
        Part(name="local-path-provisioner"),
        Part(name="kustomize", ldflags=f"-X sigs.k8s.io/kustomize/api/provenance.version={KUSTOMIZE}"),
        Part(name="jsonnet"),
        Part(
            name="sealed-secrets",
            ldflags=f"-X main.VERSION={SEALED_SECRETS.removeprefix('v')}",
            renamed=(("controller", "sealed-secrets-controller"),),
        ),
        Part(
            name="argocd",
            ldflags=f"-X github.com/argoproj/argo-cd/v3/common.version={ARGOCD.removeprefix('v')}",
            renamed=(("cmd", "argocd"),),
        ),
        Part(name="flux"),
        # Its own module, so that each controller has the versions that upstream built it with.
        Part(name="flux-source"),
        # sqlite needs C.
        Part(
            name="gitea",
            cgo=True,
            tags="sqlite,sqlite_unlock_notify",
            ldflags=f"-X main.Version={GITEA.removeprefix('v')}",
        ),
    )
}
