"""Rules about the format of SealedSecrets: their keys, and ciphertext that the controller can parse."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from bootstrap.kubernetes.objects import dig, mapping
from bootstrap.secrets import certificates
from bootstrap.secrets.credentials import displayed_name
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.secrets.items import sealed_secrets
from bootstrap.validate.violation import Violation

_KEYS = re.compile(r"[-._a-zA-Z0-9]{1,253}")
# Required keys by type (Kubernetes, pkg/apis/core/validation, ValidateSecret).
_TYPES = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
_TAG = 16  # size of the AES-GCM tag, present even for an empty value


@rule("secrets/ciphertext", ERROR, fix="Seal the value again. Where a plain value was committed, change it first.")
def ciphertext(env: EnvironmentContext) -> Iterator[Violation]:
    """Each item of a SealedSecret is a sealed value.

    The controller makes no Secret at all where one item does not open, and pods wait for it. What is not sealed here
    stands in the repository as it is.
    """
    pinned = certificates.pinned(env.environment, env.tree)
    for sealed in sealed_secrets(env):
        if dig(sealed.object, "spec", "data") is not None:
            place = env.trace.field(sealed.object, ("spec", "data"))
            message = f"{sealed} holds `data`, the form before encryptedData, which the controller refuses"
            yield Violation(place, message, "seal it again with a kubeseal of today")
        for key, value in sealed.items.items():
            record = sealed.records.get(key)
            expected = pinned.size if pinned and record and record.certificate == pinned.fingerprint else 0
            if problem := _problem(value, expected):
                place = env.trace.field(sealed.object, ("spec", "encryptedData", key))
                yield Violation(place, f"{displayed_name(key)} of {sealed} {problem}")


@rule(
    "secrets/key-name",
    ERROR,
    fix="Rename the key, here and where it is read: the name of a key is not part of what is sealed.",
)
def key_name(env: EnvironmentContext) -> Iterator[Violation]:
    """A key of a Secret is made of letters, digits, '-', '_' and '.'.

    The API server refuses the whole Secret that the controller makes.
    """
    for sealed in sealed_secrets(env):
        for key in sealed.items:
            if not _KEYS.fullmatch(key) or key in (".", ".."):
                place = env.trace.field(sealed.object, ("spec", "encryptedData", key))
                # Not shown: a value may have been written in place of its key.
                yield Violation(place, f"{sealed} has a key with characters that no key of a Secret can have")


@rule("secrets/type-keys", ERROR, fix="Seal the missing keys, or let the type be Opaque.")
def type_keys(env: EnvironmentContext) -> Iterator[Violation]:
    """A Secret of a special type has the keys that its type asks for.

    The API server refuses the whole Secret that the controller makes.
    """
    for sealed in sealed_secrets(env):
        kind = sealed.template.get("type")
        needed = _TYPES.get(kind, ()) if isinstance(kind, str) else ()
        present_keys = {*sealed.items, *(str(key) for key in mapping(sealed.template.get("data")))}
        if missing := [key for key in needed if key not in present_keys]:
            place = env.trace.field(sealed.object, ("spec", "template", "type"))
            message = f"{sealed} is to become a Secret of type {kind}, and lacks {' and '.join(missing)}"
            yield Violation(place, message)


def _problem(value: Any, expected: int) -> str | None:
    """Reason why the controller can't parse a sealed value; None if it can. Its base64 decoder skips newlines."""
    if not isinstance(value, str):
        return "is no text, so it can't be a sealed value"
    try:
        raw = base64.b64decode(re.sub(r"[\r\n]", "", value), validate=True)
    except (binascii.Error, ValueError):
        return "is not in standard base64, so it is no sealed value, or one that was damaged"
    size = int.from_bytes(raw[:2], "big")  # of the RSA part, as large as the key's modulus
    if size < 256 or size % 128:
        return "does not begin as a sealed value does"
    if len(raw) < 2 + size + _TAG:
        return f"is cut off: it has {len(raw)} bytes, and the least for its key is {2 + size + _TAG}"
    if expected and size != expected:
        return f"was sealed with a key of {size * 8} bits, and the certificate of its record has {expected * 8}"
    return None
