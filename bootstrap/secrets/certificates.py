"""The pinned sealing certificate of an environment, read whatever its dates are."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from bootstrap.config.model import Environment
from bootstrap.core.certificates import CERTIFICATE
from bootstrap.core.tree import Tree

_SMALLEST_BYTES = 256
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """A certificate: its fingerprint as records have it, its dates, the bytes of its RSA modulus, its line (from 1)."""

    fingerprint: str
    not_before: datetime
    not_after: datetime
    size: int
    line: int


def path(environment: Environment) -> str:
    """The file of an environment's certificate."""
    return f"{environment.overlay}/secrets/{CERTIFICATE}"


def pinned(environment: Environment, tree: Tree) -> Pinned | None:
    """An environment's certificate; None where it is missing, or none that can be used."""
    found = read(tree.files.get(path(environment), b""))
    return found if isinstance(found, Pinned) else None


@lru_cache(maxsize=256)
def read(pem: bytes) -> Pinned | str:
    """The newest RSA certificate of a PEM text, as it is chosen for sealing; what is wrong, where there is none."""
    found = every(pem)
    if not found:
        return "holds no certificate in PEM form"
    usable = [each for each in found if isinstance(each, Pinned)]
    return max(usable, key=lambda each: each.not_before) if usable else found[0]


def every(pem: bytes) -> list[Pinned | str]:
    """Each certificate of a PEM text, or what is wrong with it."""
    return [_parsed(block[0], 1 + pem.count(b"\n", 0, block.start())) for block in _BLOCK.finditer(pem)]


def _parsed(block: bytes, line: int) -> Pinned | str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa

    try:
        certificate = x509.load_pem_x509_certificate(block)
        key = certificate.public_key()
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except Exception:  # cryptography raises many kinds, also its own UnsupportedAlgorithm
        return "holds a certificate that can't be read"
    if not isinstance(key, rsa.RSAPublicKey):
        return "holds a certificate whose key is not RSA"
    size = (key.key_size + 7) // 8
    if size < _SMALLEST_BYTES:
        return f"holds an RSA key of {key.key_size} bits, too short to protect a secret"
    return Pinned(fingerprint=f"sha256:{fingerprint}", not_before=not_before, not_after=not_after, size=size, line=line)
