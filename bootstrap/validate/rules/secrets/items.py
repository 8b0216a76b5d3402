"""SealedSecrets of an environment, with the record of how each item was sealed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.core.certificates import ANNOTATION_PREFIX
from bootstrap.kubernetes.objects import Object, dig, mapping
from bootstrap.validate.context import EnvironmentContext, shared

STRICT, NAMESPACE_WIDE, CLUSTER_WIDE = "strict", "namespace-wide", "cluster-wide"
SCOPES = (STRICT, NAMESPACE_WIDE, CLUSTER_WIDE)
ANNOTATION = "sealedsecrets.bitnami.com/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record of an item: the certificate's fingerprint, namespace, name and scope that it was sealed for."""

    certificate: str
    namespace: str
    name: str
    scope: str

    @classmethod
    def parse(cls, text: Any) -> "Record | None":
        """Parse the text of an annotation; None if it is no record."""
        fields = dict(part.split("=", 1) for part in text.split() if "=" in part) if isinstance(text, str) else {}
        namespace, slash, name = fields.get("for", "").partition("/")
        scope, certificate = fields.get("scope", ""), fields.get("certificate", "")
        if not slash or not name or scope not in SCOPES or not certificate.startswith("sha256:"):
            return None
        return cls(certificate=certificate, namespace=namespace, name=name, scope=scope)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A rendered SealedSecret, its items and records by key. A record that can't be parsed is None."""

    object: Object
    name: str
    namespace: str
    items: Mapping[str, Any]
    template: Mapping[str, Any]
    annotations: Mapping[str, Any]
    records: Mapping[str, Record | None]

    def __str__(self) -> str:
        return f"SealedSecret/{self.name}"

    @property
    def scope(self) -> str:
        """Scope that the controller uses to decrypt it (sealed-secrets, SecretScope): the widest that is "true"."""
        return scope_of(self.annotations)

    @property
    def bound(self) -> dict[str, Record]:
        """Parsed records of existing items, by key."""
        return {key: record for key, record in self.records.items() if record and key in self.items}


def scope_of(annotations: Mapping[str, Any]) -> str:
    """Scope of a SealedSecret by its annotations; only the text "true" counts."""
    wide = (scope for scope in (CLUSTER_WIDE, NAMESPACE_WIDE) if annotations.get(ANNOTATION + scope) == "true")
    return next(wide, STRICT)


@shared
def sealed_secrets(env: EnvironmentContext) -> Iterator[Sealed]:
    """Every SealedSecret of the environment."""
    for obj in env.of_kind("SealedSecret"):
        annotations = mapping(dig(obj, "metadata", "annotations"))
        namespace = dig(obj, "metadata", "namespace")
        yield Sealed(
            object=obj,
            name=obj["metadata"]["name"],
            namespace=namespace if isinstance(namespace, str) else env.environment.namespace,
            items={str(key): value for key, value in mapping(dig(obj, "spec", "encryptedData")).items()},
            template=mapping(dig(obj, "spec", "template")),
            annotations=annotations,
            records={
                key.removeprefix(ANNOTATION_PREFIX): Record.parse(value)
                for key, value in annotations.items()
                if isinstance(key, str) and key.startswith(ANNOTATION_PREFIX)
            },
        )
