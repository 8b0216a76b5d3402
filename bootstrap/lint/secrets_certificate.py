"""Rules about the pinned sealing certificate, for which an environment's secrets are sealed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from bootstrap.core.certificates import COMPARE
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rules.sync.objects import entry
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

NO_CERTIFICATE = Rule(
    name="secrets/no-certificate",
    severity=Severity.WARNING,
    title="The certificate that an environment's secrets are sealed for is pinned beside them.",
    why="What is sealed runs on, but nobody can seal another value, or see whom the others were sealed for.",
    fix="Fetch it again: kubeseal --fetch-cert > overlays/ENVIRONMENT/secrets/sealing-cert.pem",
)
CERTIFICATE = Rule(
    name="secrets/certificate",
    severity=Severity.ERROR,
    title="The pinned certificate is an RSA certificate in PEM form.",
    why="Nothing can be sealed for any other: the sealed-secrets controller has RSA keys only.",
    fix="Fetch it again: kubeseal --fetch-cert > overlays/ENVIRONMENT/secrets/sealing-cert.pem",
)
DATES = Rule(
    name="secrets/certificate-dates",
    severity=Severity.ERROR,
    title="The pinned certificate is valid today.",
    why="What is sealed still opens, but kubeseal and taxiway seal nothing for it, so the next key can't be changed.",
    fix="Fetch the cluster's newer one: kubeseal --fetch-cert > overlays/ENVIRONMENT/secrets/sealing-cert.pem",
)
ENDING = Rule(
    name="secrets/certificate-ending",
    severity=Severity.WARNING,
    title="The pinned certificate is valid for another 30 days.",
    why="Once it is over, kubeseal and taxiway seal nothing for it, perhaps on the day when a password must change.",
    fix="Renew the cluster's sealing key, and fetch the new certificate: kubeseal --fetch-cert",
)
UNTRUSTED = Rule(
    name="secrets/untrusted-certificate",
    severity=Severity.ERROR,
    title="The pinned certificate, and no other in its file, is the one whose fingerprint taxiway.yaml has.",
    why="Whoever holds the private key of a certificate that was put in its place reads every secret sealed from then"
    " on.",
    fix="Compare both with what the cluster says, and put the other one right.",
)
UNPINNED = Rule(
    name="secrets/unpinned-certificate",
    severity=Severity.WARNING,
    title="taxiway.yaml has the fingerprint of each environment's certificate.",
    why="Without it, nobody is told that the certificate file was swapped for one whose private key somebody else has.",
    fix="Compare the fingerprint with the cluster's, and write it into taxiway.yaml.",
)
RULES = (NO_CERTIFICATE, CERTIFICATE, UNTRUSTED, UNPINNED, DATES, ENDING)

FILE = "secrets/sealing-cert.pem"
_SOON = timedelta(days=30)
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


def path(scene: EnvironmentContext) -> str:
    """Where the environment's certificate is pinned."""
    return f"{scene.environment.overlay}/{FILE}"


def pinned(scene: EnvironmentContext) -> Pinned | None:
    """The environment's certificate; None where it is missing, or none that can be used."""
    found = read(scene.tree.files.get(path(scene), b""))
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


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """All that is wrong with the certificate on any day."""
    pem = scene.tree.files.get(path(scene))
    if pem is None:
        if place := _beside(scene):
            yield scene.finding(NO_CERTIFICATE, place, f"{path(scene)} is missing", _fetch(scene))
    elif isinstance(problem := read(pem), str) and b"PRIVATE KEY-----" not in pem:  # told as what it is
        yield scene.finding(CERTIFICATE, Place(path(scene)), f"{path(scene)} {problem}", _fetch(scene))
    else:
        yield from _trust(scene, pem)


def _trust(scene: EnvironmentContext, pem: bytes) -> Iterator[Finding]:
    """Each certificate of the file that is not the one that taxiway.yaml names; of which one is sealed for may change
    with the day, so none of them may stand there."""
    found, trusted, name = every(pem), scene.environment.certificate, scene.environment.name
    if trusted is None and (certificate := pinned(scene)):
        message = f"no certificate of {name} is pinned; that of {path(scene)} is {certificate.fingerprint}"
        hint = f"once {COMPARE} says the same, write certificate: {certificate.fingerprint} into its entry"
        yield scene.finding(UNPINNED, entry(scene), message, hint)
        trusted = certificate.fingerprint
    for each in found:
        said, line = (each.fingerprint, each.line) if isinstance(each, Pinned) else ("", 1)
        if isinstance(each, str):
            message = f"{path(scene)} {each}, beside the one that taxiway.yaml trusts"
            yield scene.finding(UNTRUSTED, Place(path(scene)), message, "leave that one alone in the file")
        elif said != trusted:
            message = f"the sealing certificate of {name} is {said}, and taxiway.yaml trusts {trusted}"
            hint = (
                f"ask the cluster {scene.environment.cluster}: {COMPARE}; if it says {said}, write that as certificate:"
                f" of {name} in taxiway.yaml, else put the file back: git log -p -- {path(scene)}"
            )
            yield scene.finding(UNTRUSTED, Place(path(scene), line), message, hint)


def turns(scene: EnvironmentContext) -> tuple[datetime, ...]:
    """When `aging` begins to say something else."""
    certificate = pinned(scene)
    if certificate is None:
        return ()
    return certificate.not_before, certificate.not_after - _SOON, certificate.not_after


def aging(scene: EnvironmentContext, now: datetime) -> Iterator[Finding]:
    """What is wrong with the certificate today, and was not when it was committed."""
    certificate = pinned(scene)
    if certificate is None:
        return
    place, hint = Place(path(scene), certificate.line), _fetch(scene)
    until = f"{certificate.not_after:%Y-%m-%d}"
    if certificate.not_after <= now:
        yield scene.finding(DATES, place, f"the sealing certificate expired on {until}", hint)
    elif certificate.not_before > now:
        start = f"{certificate.not_before:%Y-%m-%d %H:%M} UTC"
        yield scene.finding(DATES, place, f"the sealing certificate is not valid before {start}", hint)
    elif certificate.not_after - _SOON <= now:
        yield scene.finding(ENDING, place, f"the sealing certificate expires on {until}", hint)


def _beside(scene: EnvironmentContext) -> Place | None:
    """A line beside the missing certificate; None in an environment that holds nothing sealed."""
    folder = f"{scene.environment.overlay}/secrets/"
    sealed = [each for each in scene.tree.files if each.startswith(folder) and b"SealedSecret" in scene.tree[each]]
    if not sealed:
        return None
    kustomization = f"{folder}kustomization.yaml"
    return Place(kustomization if kustomization in scene.tree.files else min(sealed))


def _fetch(scene: EnvironmentContext) -> str:
    return f"fetch it from cluster {scene.environment.cluster}: kubeseal --fetch-cert > {path(scene)}"
