"""sealed-secrets: the controller from upstream's own jsonnet, which is what upstream's release publishes as YAML."""

import json
from pathlib import Path

from tests.cluster.builds.modules import source
from tests.cluster.builds.parts import SEALED_SECRETS
from tests.cluster.install import upstream
from tests.cluster.kit.kubectl import Kubectl
from tests.cluster.process import run

SHIM = Path(__file__).resolve().parent.parent / "manifests" / "jsonnet"
IMAGE = f"bitnami/sealed-secrets-controller:{SEALED_SECRETS.removeprefix('v')}"
CONTROLLER = "deployment/sealed-secrets-controller"
_LIST = """
local objects = import 'controller.jsonnet';
{ apiVersion: 'v1', kind: 'List', items: [objects[key] for key in std.objectFields(objects)] }
"""


def install(kubectl: Kubectl) -> None:
    """Install the controller into kube-system and wait until it serves its certificate."""
    given = ["-V", f"CONTROLLER_IMAGE={IMAGE}", "-V", "IMAGE_PULL_POLICY="]
    listed = json.loads(run(["jsonnet", "-J", SHIM, "-J", source("sealed-secrets"), *given, "-e", _LIST]))
    for each in listed["items"]:
        if each["kind"] == "Deployment":
            each["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": upstream.CPU}}
    kubectl.apply(listed)
    # Not `rollout status`: upstream's minReadySeconds makes that half a minute, and the Service works before.
    kind, name = CONTROLLER.split("/")
    ready = kubectl.within("kube-system")
    ready.wait("the sealed-secrets controller", kind, name, lambda d: d.get("status", {}).get("readyReplicas") == 1)


def fetch_certificate() -> str:
    """The certificate (PEM) that the controller seals with now, through the API server, by the real kubeseal."""
    return run(["kubeseal", "--fetch-cert"])


def renew_key(kubectl: Kubectl, before: str) -> None:
    """Make the controller generate a new sealing key: keys from before the date `before` (RFC 1123) are old."""
    there = kubectl.within("kube-system")
    # Upstream's minReadySeconds would keep the old pod in the Service for half a minute more.
    there("patch", CONTROLLER, "--patch", json.dumps({"spec": {"minReadySeconds": 0}}))
    there("set", "env", CONTROLLER, f"SEALED_SECRETS_KEY_CUTOFF_TIME={before}")
    there("rollout", "status", CONTROLLER, "--timeout=90s")
