"""The real controller opens what the real kubeseal seals; our own sealing is held against the same."""

import json
from email.utils import formatdate

import pytest

from tests.cluster.install import sealed_secrets
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.kit.waiting import wait_for
from tests.cluster.process import run

pytestmark = pytest.mark.meanwhile("argocd")

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "fernet", "namespace": "sealed-here"},
    "stringData": {"key": "one"},
}


@pytest.fixture(scope="module")
def sealed(kubectl: Kubectl, certificate: str, tmp_path_factory: pytest.TempPathFactory) -> Json:
    """A SealedSecret of strict scope, and the namespaces that this module uses."""
    for namespace in ("sealed-here", "sealed-there"):
        kubectl.create_namespace(namespace)
    path = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    path.write_text(certificate)
    document: Json = json.loads(run(["kubeseal", "--cert", path], stdin=json.dumps(SECRET)))
    return document


def test_it_opens(kubectl: Kubectl, sealed: Json) -> None:
    kubectl.apply(sealed)
    here = kubectl.within("sealed-here")
    assert wait_for("the Secret", lambda: here.secret("fernet"), seconds=30) == {"key": "one"}


def test_it_does_not_open_elsewhere(kubectl: Kubectl, sealed: Json) -> None:
    moved = json.loads(json.dumps(sealed))
    for part in (moved, moved["spec"]["template"]):
        part["metadata"]["namespace"] = "sealed-there"
    kubectl.apply(moved)
    there = kubectl.within("sealed-there")
    seen = there.wait("a verdict", "sealedsecret", "fernet", lambda s: s.get("status", {}).get("conditions"))
    assert [(c["type"], c["status"]) for c in seen["status"]["conditions"]] == [("Synced", "False")]
    assert there.find("secret", "fernet") is None


def test_after_a_renewal_the_old_opens_and_the_new_seals(kubectl: Kubectl, certificate: str, sealed: Json) -> None:
    here = kubectl.within("sealed-here")
    kubectl.apply(sealed)
    sealed_secrets.renew_key(kubectl, formatdate())
    wait_for("the new certificate", lambda: sealed_secrets.fetch_certificate() != certificate, seconds=60)
    here("delete", "secret", "fernet")
    assert wait_for("the Secret, made again", lambda: here.secret("fernet"), seconds=60) == {"key": "one"}
