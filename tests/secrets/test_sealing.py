"""Sealing: upstream's own values open, ours open by upstream's rules, bad certificates are named as what they are."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.core.errors import BadCertificate
from bootstrap.core.secret import Secret
from bootstrap.secrets import sealing
from bootstrap.secrets.sealing import Scope

VECTORS = Path(__file__).parents[1] / "vectors"
KEY = sealing.read_key(Secret((VECTORS / "sealing-key.pem").read_bytes()), source="vectors")
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "vector", json.loads((VECTORS / "kubeseal.json").read_text())["vectors"], ids=lambda v: v["scope"] + "-" + v["name"]
)
def test_values_of_upstream_kubeseal_open(vector: dict[str, str]) -> None:
    label = sealing.oaep_label(Scope(vector["scope"]), vector["namespace"], vector["name"])
    assert sealing.unseal(vector["ciphertext"], KEY, label).reveal() == base64.b64decode(vector["plaintext_base64"])


@given(value=st.binary(max_size=5000), scope=st.sampled_from(Scope))
def test_what_is_sealed_opens(value: bytes, scope: Scope) -> None:
    label = sealing.oaep_label(scope, "airflow-dev", "airflow-fernet")
    sealed = sealing.seal(Secret(value), KEY.public_key(), label)
    assert sealing.unseal(sealed, KEY, label).reveal() == value


def test_the_wire_format_is_upstreams() -> None:
    raw = base64.b64decode(sealing.seal(Secret(b"0" * 32), KEY.public_key(), b"a/b"), validate=True)
    assert int.from_bytes(raw[:2], "big") == KEY.key_size // 8
    assert len(raw) == 2 + KEY.key_size // 8 + 32 + 16


@pytest.mark.parametrize(
    ("sealed_for", "opened_as"),
    [
        (("strict", "dev", "a"), ("strict", "dev", "b")),
        (("strict", "dev", "a"), ("strict", "complete", "a")),
        (("strict", "dev", "a"), ("namespace-wide", "dev", "a")),
        (("namespace-wide", "dev", "a"), ("namespace-wide", "complete", "a")),
        (("namespace-wide", "dev", "a"), ("cluster-wide", "dev", "a")),
    ],
)
def test_another_scope_does_not_open(sealed_for: tuple[str, str, str], opened_as: tuple[str, str, str]) -> None:
    def label(scope: str, namespace: str, name: str) -> bytes:
        return sealing.oaep_label(Scope(scope), namespace, name)

    sealed = sealing.seal(Secret(b"value"), KEY.public_key(), label(*sealed_for))
    with pytest.raises(BadCertificate, match="does not open"):
        sealing.unseal(sealed, KEY, label(*opened_as))


def test_the_same_value_never_seals_to_the_same_text() -> None:
    assert len({sealing.seal(Secret(b"x"), KEY.public_key(), b"") for _ in range(20)}) == 20


@pytest.mark.parametrize("damage", ["", "AgB", "not base64!", "AAAA", "====", "Ag" * 400])
def test_damaged_text_is_refused(damage: str) -> None:
    with pytest.raises(BadCertificate):
        sealing.unseal(damage, KEY, b"")


def certificate(
    key: CertificateIssuerPrivateKeyTypes | None = None, start: datetime = NOW - DAY, end: datetime = NOW + DAY
) -> bytes:
    """A self-signed certificate in PEM, of the shared key unless another is given."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    key = key or KEY
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    return (
        built.not_valid_before(start)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (b"", "not a PEM certificate"),
        (b"hello", "not a PEM certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "that can be read"),
        (certificate(end=NOW - timedelta(hours=1)), "expired on"),
        (certificate(start=NOW + timedelta(hours=1)), "not valid before"),
        (certificate(ec.generate_private_key(ec.SECP256R1())), "not an RSA certificate"),
        (certificate(rsa.generate_private_key(65537, 1024)), "1024 bits"),
        ((VECTORS / "sealing-key.pem").read_bytes(), "private key"),
        (certificate() + (VECTORS / "sealing-key.pem").read_bytes(), "private key"),
    ],
    ids=["empty", "text", "garbage", "expired", "future", "elliptic", "short", "key", "both"],
)
def test_a_bad_certificate_is_named(pem: bytes, says: str) -> None:
    with pytest.raises(BadCertificate, match=says) as caught:
        sealing.read_certificate(pem, source="cert.pem", now=NOW)
    assert "cert.pem" in caught.value.message
    assert caught.value.hint


def test_the_newest_usable_certificate_of_several_is_taken() -> None:
    old, new = certificate(start=NOW - 9 * DAY), certificate(start=NOW - 2 * DAY)
    future, expired = certificate(start=NOW + timedelta(hours=1)), certificate(start=NOW - 3 * DAY, end=NOW - DAY)
    found = sealing.read_certificate(old + future + new + expired, source="bundle", now=NOW)
    assert found.pem == new
    assert found.fingerprint == "sha256:" + x509.load_pem_x509_certificate(new).fingerprint(hashes.SHA256()).hex()


def test_a_new_key_is_certified_for_ten_years() -> None:
    made = sealing.certify(KEY, now=NOW)
    read = sealing.read_certificate(made, source="new", now=NOW)
    assert read.key.public_numbers() == KEY.public_key().public_numbers()
    assert timedelta(days=3649) < read.not_after - NOW < timedelta(days=3651)


def test_a_new_key_is_rsa_4096_and_hides_itself() -> None:
    key = sealing.new_key()
    assert sealing.read_key(key, source="new").key_size == 4096
    assert "PRIVATE" not in repr(key) + str(key) + f"{key}" + repr([key])


@pytest.mark.parametrize("text", [b"", b"-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n", certificate()])
def test_what_is_no_private_key_is_refused(text: bytes) -> None:
    with pytest.raises(BadCertificate, match=r"key\.pem is not an unencrypted private key"):
        sealing.read_key(Secret(text), source="key.pem")
