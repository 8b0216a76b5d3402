"""Consequences of files that are not rendered: sealing certificates and taxiway.yaml."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bootstrap.config import exemptions
from bootstrap.config.model import PATH, Environment, Model
from bootstrap.diff.consequences import Consequence, Effect
from bootstrap.secrets import certificates
from bootstrap.secrets.certificates import PinnedCertificate

_WHY = "whoever holds its private key reads what is sealed from now on"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state of the repo: taxiway.yaml, and a function that reads a file (empty where it does not exist)."""

    model: Model
    read: Callable[[str], bytes]


def consequences(
    before: State, after: State, differs: Callable[[str], bool] = lambda _: True
) -> Mapping[str, tuple[Consequence, ...]]:
    """Consequences by name of the environment; those for all environments are under the path of taxiway.yaml.

    Only overlays for which `differs` is true are read.
    """
    by_environment: dict[str, list[Consequence]] = defaultdict(list)
    by_environment[PATH].extend(_repository(before.model, after.model))
    known = {environment.name: environment for environment in before.model.environments}
    for environment in after.model.environments:
        old = known.get(environment.name)
        if old:
            by_environment[environment.name].extend(_declared(old, environment))
        if differs(environment.overlay):
            by_environment[environment.name].extend((_certificate if old else _new)(environment, before, after))
    return {name: tuple(several) for name, several in by_environment.items() if several}


def _repository(before: Model, after: Model) -> Iterator[Consequence]:
    for exemption in exemptions.added(before.exemptions, after.exemptions):
        yield _told(
            PATH, f"switches off the rule {exemption.rule}{exemption.where}: {' '.join(exemption.reason.split())}"
        )
    values = (
        ("repository", before.remote.url, after.remote.url, "is synced from there, and pull requests go there"),
        ("branch", before.branch, after.branch, "is what the controller syncs and pull requests go to"),
        ("forge", before.forge.value, after.forge.value, "is the kind of forge that is spoken to"),
        ("web", before.web, after.web, "is where the forge is spoken to"),
        ("controller", before.controller.value, after.controller.value, "syncs the environments"),
    )
    for name, old, new, why in values:
        if old != new:
            yield _told(PATH, f"{name} changes from {old or 'nothing'} to {new or 'nothing'}, which {why}")


def _declared(old: Environment, new: Environment) -> Iterator[Consequence]:
    if old.hold and not new.hold:
        yield _told(PATH, f"the hold of {new.name} ends: {old.hold}")
    if old.certificate != new.certificate:
        what = f"the certificate that taxiway.yaml trusts for {new.name}"
        yield _told(PATH, f"{what} changes from {old.certificate or 'none'} to {new.certificate or 'none: any is'}")


def _certificate(environment: Environment, before: State, after: State) -> Iterator[Consequence]:
    path = certificates.path(environment)
    pems = before.read(path), after.read(path)
    shown = [_fingerprints(pem) for pem in pems] if pems[0] != pems[1] else []
    if shown and shown[0] != shown[1]:
        fingerprints = " to ".join(", ".join(several) or "none" for several in shown)
        yield _told(path, f"the sealing certificate of {environment.name} changes from {fingerprints}: {_WHY}")


def _new(new: Environment, before: State, after: State) -> Iterator[Consequence]:
    """Report a new environment whose sealing certificate no other environment of its cluster has."""
    path = certificates.path(new)
    shown = _fingerprints(after.read(path))
    trusted = {
        environment.certificate for environment in before.model.environments if environment.cluster == new.cluster
    }
    if shown and not trusted.issuperset(shown):
        yield _told(path, f"the sealing certificate of {new.name} is new here, {', '.join(shown)}: {_WHY}")


def _fingerprints(pem: bytes) -> tuple[str, ...]:
    """Fingerprints of the certificates in a PEM text, newest first: that one is used to seal."""
    parsed = certificates.parse_all(pem)
    known = sorted(
        (certificate for certificate in parsed if isinstance(certificate, PinnedCertificate)),
        key=lambda certificate: certificate.not_before,
        reverse=True,
    )
    return (
        *(certificate.fingerprint for certificate in known),
        *("one that can't be read" for certificate in parsed if certificate not in known),
    )


def _told(subject: str, what: str) -> Consequence:
    return Consequence(effect=Effect.SECURITY, subject=subject, what=what)
