"""SealedSecret documents (bitnami.com/v1alpha1): the committed form of an environment's secrets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from bootstrap.core.certificates import ANNOTATION_PREFIX, CERTIFICATE
from bootstrap.core.secret import Secret
from bootstrap.core.tree import Tree
from bootstrap.secrets.sealing import Certificate, Scope, oaep_label, seal

_HEAD = "# Sealed: only the cluster's sealed-secrets controller can read it, and only under this name and namespace.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Writer of SealedSecrets for one certificate and namespace."""

    certificate: Certificate
    namespace: str
    now: datetime
    scope: Scope = Scope.STRICT

    def document(self, name: str, values: Mapping[str, Secret]) -> bytes:
        """One SealedSecret; an annotation for each key records what its value was sealed for, and when."""
        label = oaep_label(self.scope, self.namespace, name)
        record = " ".join(
            (
                f"at={self.now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                f"certificate={self.certificate.fingerprint}",
                f"for={self.namespace}/{name}",
                f"scope={self.scope.value}",
            )
        )
        annotations: dict[str, str] = {}
        if self.scope is not Scope.STRICT:
            annotations[f"sealedsecrets.bitnami.com/{self.scope.value}"] = "true"  # the controller reads the scope here
        template: dict[str, Any] = {"metadata": {"name": name, "namespace": self.namespace}, "type": "Opaque"}
        if annotations:
            template["metadata"]["annotations"] = dict(annotations)
        annotations |= {ANNOTATION_PREFIX + key: record for key in values}
        data = {
            "apiVersion": "bitnami.com/v1alpha1",
            "kind": "SealedSecret",
            "metadata": {"name": name, "namespace": self.namespace, "annotations": annotations},
            "spec": {
                "encryptedData": {key: seal(value, self.certificate.key, label) for key, value in values.items()},
                "template": template,
            },
        }
        text = yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, width=1_000_000)
        return (_HEAD + text).encode()

    def folder(self, secrets: Mapping[str, Mapping[str, Secret]]) -> Tree:
        """The `secrets/` folder of an environment: a SealedSecret a file, a kustomization, the certificate."""
        files = {f"sealedsecret.{name}.yaml": self.document(name, values) for name, values in sorted(secrets.items())}
        kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n" + "".join(
            f"  - {path}\n" for path in files
        )
        files["kustomization.yaml"] = kustomization.encode()
        files[CERTIFICATE] = self.certificate.pem
        return Tree(files)
