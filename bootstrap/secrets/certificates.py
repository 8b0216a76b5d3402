"""Pinned sealing certificates, as committed in `secrets/` of an overlay; expired ones are read too."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from bootstrap.config.model import Environment
from bootstrap.core.certificates import CERTIFICATE
from bootstrap.core.tree import Tree

_MIN_RSA_BYTES = 256
_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedCertificate:
    """One certificate of a PEM file.

    `fingerprint` is `sha256:` and the hex digest of its DER form, `size` the bytes of its RSA modulus, `line` (from 1)
    where its PEM block begins.
    """

    fingerprint: str
    not_before: datetime
    not_after: datetime
    size: int
    line: int


def path(environment: Environment) -> str:
    """The path of an environment's certificate file."""
    return f"{environment.overlay}/secrets/{CERTIFICATE}"


def pinned(environment: Environment, tree: Tree) -> PinnedCertificate | None:
    """An environment's certificate; None where its file is missing or holds no usable one."""
    certificate = newest(tree.files.get(path(environment), b""))
    return certificate if isinstance(certificate, PinnedCertificate) else None


@lru_cache(maxsize=256)
def newest(pem: bytes) -> PinnedCertificate | str:
    """The newest RSA certificate of a PEM text, the one that values are sealed for; else the first problem."""
    results = parse_all(pem)
    if not results:
        return "holds no certificate in PEM form"
    usable = [result for result in results if isinstance(result, PinnedCertificate)]
    return max(usable, key=lambda certificate: certificate.not_before) if usable else results[0]


def parse_all(pem: bytes) -> list[PinnedCertificate | str]:
    """Each certificate of a PEM text, or the problem with it, in order."""
    return [_parse(block[0], 1 + pem.count(b"\n", 0, block.start())) for block in _PEM_CERTIFICATE.finditer(pem)]


def _parse(block: bytes, line: int) -> PinnedCertificate | str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        certificate = x509.load_pem_x509_certificate(block)
        key = certificate.public_key()
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except Exception:  # cryptography raises ValueError, its own UnsupportedAlgorithm, and more
        return "holds a certificate that can't be read"
    if not isinstance(key, rsa.RSAPublicKey):
        return "holds a certificate whose key is not RSA"
    size = (key.key_size + 7) // 8
    if size < _MIN_RSA_BYTES:
        return f"holds an RSA key of {key.key_size} bits, too short to protect a secret"
    return PinnedCertificate(
        fingerprint=f"sha256:{fingerprint}", not_before=not_before, not_after=not_after, size=size, line=line
    )
