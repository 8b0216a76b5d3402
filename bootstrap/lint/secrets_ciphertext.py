"""Rules about the items of SealedSecrets by themselves: whether the controller can take them for sealed values."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from bootstrap.lint import secrets_certificate
from bootstrap.lint.secrets_items import Sealed
from bootstrap.secrets.credentials import shown
from bootstrap.validate.context import EnvironmentContext, dig, mapping
from bootstrap.validate.violation import Finding, Rule, Severity

_BLOCKED = "The controller makes no Secret at all where one item does not open, and pods wait for it."

CIPHERTEXT = Rule(
    name="secrets/ciphertext",
    severity=Severity.ERROR,
    title="Each item of a SealedSecret is a sealed value.",
    why=_BLOCKED + " What is not sealed here stands in the repository as it is.",
    fix="Seal the value again. Where a plain value was committed, change it first.",
)
KEY = Rule(
    name="secrets/key-name",
    severity=Severity.ERROR,
    title="A key of a Secret is made of letters, digits, '-', '_' and '.'.",
    why="The API server refuses the whole Secret that the controller makes.",
    fix="Rename the key, here and where it is read: the name of a key is not part of what is sealed.",
)
TYPE = Rule(
    name="secrets/type-keys",
    severity=Severity.ERROR,
    title="A Secret of a special type has the keys that its type asks for.",
    why="The API server refuses the whole Secret that the controller makes.",
    fix="Seal the missing keys, or let the type be Opaque.",
)
RULES = (CIPHERTEXT, KEY, TYPE)

_KEYS = re.compile(r"[-._a-zA-Z0-9]{1,253}")
# What the API server asks of each type (Kubernetes, pkg/apis/core/validation, ValidateSecret).
_TYPES = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
_TAG = 16  # the end of what AES-GCM makes, even of an empty value


def check(scene: EnvironmentContext, sealed: Sealed) -> Iterator[Finding]:
    """What is wrong with the items by themselves."""
    certificate = secrets_certificate.pinned(scene)
    if dig(sealed.object, "spec", "data") is not None:
        place = scene.trace.field(sealed.object, ("spec", "data"))
        message = f"{sealed} holds `data`, the form before encryptedData, which the controller refuses"
        yield scene.finding(CIPHERTEXT, place, message, "seal it again with a kubeseal of today")
    for key, value in sealed.items.items():
        place = scene.trace.field(sealed.object, ("spec", "encryptedData", key))
        if not _KEYS.fullmatch(key) or key in (".", ".."):
            # Not shown: a value can stand where its key belongs.
            yield scene.finding(KEY, place, f"{sealed} has a key with characters that no key of a Secret can have")
        record = sealed.records.get(key)
        expected = certificate.size if certificate and record and record.certificate == certificate.fingerprint else 0
        if problem := _problem(value, expected):
            yield scene.finding(CIPHERTEXT, place, f"{shown(key)} of {sealed} {problem}")
    yield from _types(scene, sealed)


def _problem(value: Any, expected: int) -> str | None:
    """Why the controller would not take a text for a sealed value, which its own base64 reader does line by line."""
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


def _types(scene: EnvironmentContext, sealed: Sealed) -> Iterator[Finding]:
    kind = sealed.template.get("type")
    needed = _TYPES.get(kind, ()) if isinstance(kind, str) else ()
    held = {*sealed.items, *(str(key) for key in mapping(sealed.template.get("data")))}
    if missing := [key for key in needed if key not in held]:
        place = scene.trace.field(sealed.object, ("spec", "template", "type"))
        message = f"{sealed} is to become a Secret of type {kind}, and lacks {' and '.join(missing)}"
        yield scene.finding(TYPE, place, message)
