"""Sealing a value to a cluster's public key, byte-compatible with the sealed-secrets controller (bitnami, v0.40).

A sealed value is `base64(length ‖ RSA ‖ AES)`: two bytes of length, big-endian; a fresh 32-byte session key under
RSA-OAEP with SHA-256, whose label binds the value to its scope; the value under AES-256-GCM with that key and a nonce
of zeros, which is safe because a session key is never used twice. Source: sealed-secrets, pkg/crypto/crypto.go.
"""

import base64
import binascii
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bootstrap.core.errors import BadCertificate
from bootstrap.core.secret import Secret
from bootstrap.secrets.credentials import holds_private_key

_NONCE = bytes(12)
_SESSION_KEY_BYTES = 32
_KEY_BITS = 4096
_MIN_KEY_BITS = 2048
_VALIDITY = timedelta(days=3650)  # as the controller's own keys
_PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\s*", re.DOTALL)
_FETCH_HINT = "fetch the cluster's with: kubeseal --fetch-cert > sealing-cert.pem"


class Scope(StrEnum):
    """Scope of a sealed value: bound to its name and namespace, to its namespace, or to the cluster alone."""

    STRICT = "strict"
    NAMESPACE_WIDE = "namespace-wide"
    CLUSTER_WIDE = "cluster-wide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A cluster's sealing certificate; `fingerprint` is `sha256:` and the hex digest of its DER form."""

    pem: bytes
    fingerprint: str
    not_before: datetime
    not_after: datetime
    key: rsa.RSAPublicKey


def oaep_label(scope: Scope, namespace: str, name: str) -> bytes:
    """The RSA-OAEP label that binds a value to its scope; empty for the whole cluster."""
    match scope:
        case Scope.STRICT:
            return f"{namespace}/{name}".encode()
        case Scope.NAMESPACE_WIDE:
            return namespace.encode()
        case Scope.CLUSTER_WIDE:
            return b""


def _oaep(label: bytes) -> padding.OAEP:
    return padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=label)


def seal(value: Secret, key: rsa.RSAPublicKey, label: bytes) -> str:
    """Encrypt one value for a public key and a label; to decrypt it takes the private key and the same label."""
    session_key = os.urandom(_SESSION_KEY_BYTES)
    wrapped = key.encrypt(session_key, _oaep(label))
    body = AESGCM(session_key).encrypt(_NONCE, value.reveal(), None)
    return base64.b64encode(len(wrapped).to_bytes(2, "big") + wrapped + body).decode()


def unseal(sealed: str, key: rsa.RSAPrivateKey, label: bytes) -> Secret:
    """Decrypt one value. Raises BadCertificate where text, key and label do not match."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        raise BadCertificate("the sealed value is not base64") from None
    length = int.from_bytes(raw[:2], "big")
    wrapped, body = raw[2 : 2 + length], raw[2 + length :]
    try:
        return Secret(AESGCM(key.decrypt(wrapped, _oaep(label))).decrypt(_NONCE, body, None))
    except (ValueError, InvalidTag):
        raise BadCertificate(
            "the sealed value does not open with this key",
            hint="it was sealed for another certificate, name, namespace or scope, or it was damaged",
        ) from None


def read_certificate(pem: bytes, *, source: str, now: datetime) -> Certificate:
    """The newest valid RSA certificate in a PEM text, which may hold several.

    `source` names the text in errors. Raises BadCertificate where there is none, or the text holds a private key.
    """
    if holds_private_key(pem):
        raise BadCertificate(
            f"{source} holds a private key, which must never come near the repository",
            hint=f"give the public certificate alone; {_FETCH_HINT}",
        )
    texts = dict.fromkeys(match[0] for match in _PEM_BLOCK.finditer(pem) if match[1] == b"CERTIFICATE")
    if not texts:
        raise BadCertificate(f"{source} is not a PEM certificate", hint=_FETCH_HINT)
    usable: list[Certificate] = []
    problems: list[str] = []
    for text in texts:
        certificate = _parse(text, source, now)
        if isinstance(certificate, str):
            problems.append(certificate)
        else:
            usable.append(certificate)
    if not usable:
        raise BadCertificate(problems[0], hint=_FETCH_HINT)
    return max(usable, key=lambda certificate: certificate.not_before)


def _parse(text: bytes, source: str, now: datetime) -> Certificate | str:
    try:
        parsed = x509.load_pem_x509_certificate(text)
        key = parsed.public_key()
    except Exception:  # cryptography raises ValueError, its own UnsupportedAlgorithm, and more
        return f"{source} is not a certificate that can be read"
    if not isinstance(key, rsa.RSAPublicKey):
        return f"{source} is not an RSA certificate, the only kind that the sealed-secrets controller uses"
    if key.key_size < _MIN_KEY_BITS:
        return f"{source} has an RSA key of {key.key_size} bits, too short to protect a secret"
    if parsed.not_valid_after_utc <= now:
        return f"{source} expired on {parsed.not_valid_after_utc:%Y-%m-%d}"
    if parsed.not_valid_before_utc > now:
        return f"{source} is not valid before {parsed.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return Certificate(
        pem=parsed.public_bytes(serialization.Encoding.PEM),
        fingerprint=f"sha256:{parsed.fingerprint(hashes.SHA256()).hex()}",
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        key=key,
    )


def new_key() -> Secret:
    """A new RSA-4096 private key, PKCS #8 in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return Secret(key.private_bytes(encoding, form, serialization.NoEncryption()))


def read_key(pem: Secret, *, source: str) -> rsa.RSAPrivateKey:
    """The RSA private key in a PEM text. Raises BadCertificate for anything else; the error never quotes it."""
    try:
        key = serialization.load_pem_private_key(pem.reveal(), password=None)
    except Exception:
        raise BadCertificate(f"{source} is not an unencrypted private key in PEM form") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadCertificate(f"{source} is not an RSA key, the only kind that the sealed-secrets controller uses")
    return key


def certify(key: rsa.RSAPrivateKey, *, now: datetime) -> bytes:
    """A self-signed certificate for a sealing key, in PEM, valid for ten years like the controller's own."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "taxiway sealing key")])
    start = now.astimezone(UTC) - timedelta(minutes=5)  # the cluster's clock may be behind
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + _VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)
