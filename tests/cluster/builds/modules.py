"""Source files of pinned Go modules: the manifests, and the web files, that upstream ships beside its code."""

import json
from functools import cache as once
from pathlib import Path

from tests.cluster.builds.parts import ARGOCD, FLUX, GITEA, SEALED_SECRETS
from tests.cluster.process import run

SOURCES = {
    "argocd": f"github.com/argoproj/argo-cd/v3@{ARGOCD}",
    "flux": f"github.com/fluxcd/kustomize-controller@{FLUX}",
    "flux-source": f"github.com/fluxcd/source-controller@{FLUX}",
    "gitea": f"code.gitea.io/gitea@{GITEA}",
    # Under this path, as its go.mod would need a replacement under the other one.
    "sealed-secrets": f"github.com/bitnami-labs/sealed-secrets@{SEALED_SECRETS}",
}


def source(name: str) -> Path:
    """The read-only folder of one of SOURCES."""
    return download(SOURCES[name])


@once
def download(module: str) -> Path:
    """The read-only folder of `path@version`, fetched on first use; Go's checksum database vouches for its bytes."""
    answer = run(["go", "mod", "download", "-json", module], env={"GOFLAGS": "-mod=mod"}, cwd=Path("/"))
    return Path(json.loads(answer)["Dir"])


def fetch() -> None:
    """Download what is not there yet: inside of the cluster's network there is no way to it."""
    for name in SOURCES:
        source(name)
