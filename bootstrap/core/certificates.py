"""Sealing certificates in a repo: their file, their fingerprints, and the annotations beside sealed items."""

import re

from bootstrap.core.errors import BadOption

# Prefix of the annotations that record, for each sealed item, what its ciphertext does not show.
ANNOTATION_PREFIX = "taxiway/sealed."
CERTIFICATE = "sealing-cert.pem"
FINGERPRINT_COMMAND = "kubeseal --fetch-cert | openssl x509 -noout -fingerprint -sha256"  # what the cluster itself says
_FINGERPRINT = re.compile(r"(?:sha-?256(?: fingerprint)?[:=])?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)


def parse_fingerprint(text: str) -> str:
    """A certificate's SHA-256 fingerprint as `sha256:` and 64 lower-case hex digits.

    Accepts taxiway's form, openssl's (colons, capitals, a label) and bare digits. Raises BadOption for a shortened
    fingerprint, since it proves nothing.
    """
    match = _FINGERPRINT.fullmatch(text.strip())
    if not match:
        raise BadOption(
            f"{text!r} is not a certificate's fingerprint",
            hint=f"write all of it, sha256: and 64 hex digits, as the cluster says it: {FINGERPRINT_COMMAND}",
        )
    return f"sha256:{match[1].replace(':', '').lower()}"


def is_fingerprint(text: str) -> bool:
    """Whether a text is a fingerprint in the form that `parse_fingerprint` returns."""
    return re.fullmatch(r"sha256:[0-9a-f]{64}", text) is not None
