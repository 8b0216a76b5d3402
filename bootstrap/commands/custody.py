"""The certificates that an environment repo is sealed for, and the private key where one is made on the spot."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from bootstrap import workspace
from bootstrap.config.model import Environment, Model
from bootstrap.core.certificates import COMPARE
from bootstrap.core.errors import BadCertificate, TaxiwayError, attempt, raise_all
from bootstrap.core.secret import Secret
from bootstrap.scaffold import options as init_options
from bootstrap.scaffold.options import Options
from bootstrap.secrets import private_keys, sealing
from bootstrap.secrets.sealing import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Custody:
    """Certificates by environment; for a key that is made here also its file, and its bytes if still to be written."""

    certificates: Mapping[str, Certificate]
    key_file: Path | None = None
    new_key: Secret | None = None

    def pinned(self, known: Model) -> Model:
        """The model with the fingerprint of each environment's certificate that is here."""
        environments = (
            replace(each, certificate=found.fingerprint) if (found := self.certificates.get(each.name)) else each
            for each in known.environments
        )
        return replace(known, environments=tuple(environments))


def take(options: Options, environments: tuple[Environment, ...], top: Path, now: datetime) -> Custody:
    """Read the given certificates, and make a key pair where `--new-sealing-key` asks for one; write nothing.

    A private key that is at that path already is used again. Raises BadCertificate, all mistakes at once.
    """
    errors: list[TaxiwayError] = []
    read: dict[Path, Certificate | None] = {}
    chosen = init_options.certificates(options, environments)
    for path in dict.fromkeys(chosen.values()):
        read[path] = attempt(errors, partial(_read, path, now), None)
    raise_all(errors)
    found = {name: certificate for name, path in chosen.items() if (certificate := read[path])}
    if options.new_sealing_key is None:
        return Custody(certificates=found)
    path = options.new_sealing_key
    old = private_keys.existing(path, top)
    pem = old or sealing.new_key()
    made = sealing.read_certificate(
        sealing.certify(sealing.read_key(pem, source=str(path)), now=now), source=str(path), now=now
    )
    for each in environments:
        found.setdefault(each.name, made)
    return Custody(certificates=found, key_file=path, new_key=None if old else pem)


def trust(
    certificate: Certificate, pinned: str | None, given: str | None, source: str, others: Collection[str] = ()
) -> None:
    """Raise BadCertificate where a certificate of the repo is not the one that is `pinned`, nor the one that the user
    trusts (`given`, a fingerprint): whoever swapped its file would read what is sealed for it. So where `others` are
    pinned for the same cluster: it has one newest key, and the user alone knows which certificate is that one's.
    """
    here = certificate.fingerprint
    hint = f"once {COMPARE} says {here}: --trust-certificate {here}; or give the cluster's: --sealing-cert FILE"
    if given is not None and given != here:
        raise BadCertificate(
            f"{source} is the certificate {here}, and not {given}, which you trust",
            hint=f"ask the cluster: {COMPARE}; --sealing-cert FILE gives its certificate",
        )
    if given is None and pinned is None:
        raise BadCertificate(f"{source} is the certificate {here}, and taxiway.yaml pins none", hint=hint)
    if given is None and pinned != here:
        raise BadCertificate(f"{source} is the certificate {here}, and taxiway.yaml trusts {pinned}", hint=hint)
    if given is None and others:
        said = f"{source} is the certificate {here}, and other environments of the cluster trust"
        raise BadCertificate(f"{said} {', '.join(sorted(others))}", hint=hint)


def compare(
    options: Options, environments: tuple[Environment, ...], pinned: Mapping[str, bytes], now: datetime
) -> None:
    """Raise BadCertificate where `--sealing-cert` names another certificate than the one that an environment has."""
    if not options.sealing_certs:
        return
    for name, path in init_options.certificates(options, environments).items():
        given = _read(path, now)
        if name in pinned and given.pem != pinned[name]:
            raise BadCertificate(
                f"environment {name!r} is sealed for another certificate than {path}",
                hint="init never seals again what is sealed; leave --sealing-cert out",
            )


def _read(path: Path, now: datetime) -> Certificate:
    return sealing.read_certificate(workspace.read_certificate(path), source=str(path), now=now)
