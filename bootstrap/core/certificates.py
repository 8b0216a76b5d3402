"""What stands beside sealed items in a repo: the names of their records, and of the certificate that they are for."""

import re

from bootstrap.core.errors import BadOption

# The prefix of the annotations that say, item by item, what a ciphertext can't tell.
RECORD = "taxiway/sealed."
CERTIFICATE = "sealing-cert.pem"
COMPARE = "kubeseal --fetch-cert | openssl x509 -noout -fingerprint -sha256"  # what the cluster itself says
_FINGERPRINT = re.compile(r"(?:sha-?256(?: fingerprint)?[:=])?((?:[0-9a-f]{2}:?){31}[0-9a-f]{2})", re.IGNORECASE)


def fingerprint(text: str) -> str:
    """A certificate's SHA-256 fingerprint as `sha256:` and 64 lower-case hex digits.

    Read as taxiway writes it, as openssl does (colons, capitals, its label), or bare. Raises BadOption for less than
    all of it: a part of a fingerprint proves nothing.
    """
    match = _FINGERPRINT.fullmatch(text.strip())
    if not match:
        raise BadOption(
            f"{text!r} is not a certificate's fingerprint",
            hint=f"write all of it, sha256: and 64 hex digits, as the cluster says it: {COMPARE}",
        )
    return f"sha256:{match[1].replace(':', '').lower()}"


def is_fingerprint(text: str) -> bool:
    """Whether a text is a fingerprint in the form that `fingerprint` makes."""
    return re.fullmatch(r"sha256:[0-9a-f]{64}", text) is not None
