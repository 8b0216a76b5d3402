"""The certificates that an environment repo is sealed for, and the private key where one is made on the spot."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from bootstrap.config.model import Environment, Model
from bootstrap.core import certificates
from bootstrap.core.certificates import CERTIFICATE, FINGERPRINT_COMMAND
from bootstrap.core.errors import BadCertificate, BadOption, BadTarget, TaxiwayError, attempt, raise_all
from bootstrap.core.secret import Secret
from bootstrap.core.tree import Tree
from bootstrap.secrets import catalog, private_keys, sealing
from bootstrap.secrets.sealed_secrets import Sealer
from bootstrap.secrets.sealing import Certificate
from bootstrap.system import user_input


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKeys:
    """Certificates by environment; for a key that is made here also its file, and its bytes if still to be written."""

    certificates: Mapping[str, Certificate]
    key_file: Path | None = None
    new_key: Secret | None = None

    def pinned(self, environment: Environment) -> Environment:
        """The environment with the fingerprint of its certificate."""
        return replace(environment, certificate=self.certificates[environment.name].fingerprint)

    def seal(self, environment: Environment, given: Mapping[str, Mapping[str, Secret]], now: datetime) -> Tree:
        """The folder `secrets/` of an environment: the values that are given for it, and new ones for all others."""
        certificate = self.certificates[environment.name]
        sealer = Sealer(certificate=certificate, namespace=environment.namespace, now=now)
        return sealer.folder(catalog.generate(given.get(environment.name, {})))


def given_secrets(source: str | None, names: Sequence[str]) -> Mapping[str, Mapping[str, Secret]]:
    """The values of --secrets-from, by environment and Secret. Raises BadSecret."""
    return {} if source is None else catalog.parse(user_input.read_input(source), source, names)


def by_environment(given: Iterable[str], new_key: Path | None, names: Sequence[str]) -> Mapping[str, Path]:
    """Which file holds the sealing certificate of which environment; those of a new key are left out.

    `given` are the values of --sealing-cert. Raises BadOption where an environment has no certificate, or two.
    """
    chosen: dict[str, Path] = {}
    shared: list[Path] = []
    for text in given:
        name, equals, path = text.partition("=")
        if not (equals and name in names):
            shared.append(Path(text))
        elif name in chosen:
            raise BadOption(f"--sealing-cert is given twice for environment {name!r}")
        else:
            chosen[name] = Path(path)
    if len(shared) > 1:
        raise BadOption("--sealing-cert is given twice for all environments", hint="name one: --sealing-cert dev=FILE")
    if shared and new_key:
        raise BadOption(
            "--sealing-cert and --new-sealing-key both cover every environment",
            hint="give one of them, or --sealing-cert dev=FILE",
        )
    missing = [name for name in names if name not in chosen]
    if shared:
        chosen |= dict.fromkeys(missing, shared[0])
    elif missing and not new_key:
        raise BadOption(
            f"no sealing certificate for {', '.join(missing)}",
            hint="give the cluster's with --sealing-cert FILE (kubeseal --fetch-cert > FILE), "
            "or make a key without a cluster: --new-sealing-key FILE",
        )
    return chosen


def take(
    files: Mapping[str, Path], new_key: Path | None, names: Sequence[str], top: Path, now: datetime
) -> SealingKeys:
    """Read the certificate files of these environments; those without one get that of the key at `new_key`.

    A private key that is at that path already is used again, else one is made; nothing is written. Raises
    BadCertificate, all mistakes at once.
    """
    errors: list[TaxiwayError] = []
    read = {path: attempt(errors, partial(_read, path, now), None) for path in dict.fromkeys(files.values())}
    raise_all(errors)
    found = {name: certificate for name, path in files.items() if (certificate := read[path])}
    if new_key is None:
        return SealingKeys(certificates=found)
    old = private_keys.existing(new_key, top)
    pem = old or sealing.new_key()
    certified = sealing.certify(sealing.read_key(pem, source=str(new_key)), now=now)
    made = sealing.read_certificate(certified, source=str(new_key), now=now)
    return SealingKeys(
        certificates={**dict.fromkeys(names, made), **found}, key_file=new_key, new_key=None if old else pem
    )


def take_trusted(
    new: Environment, cert: Path | None, new_key: Path | None, trusted: str | None, top: Path, now: datetime
) -> SealingKeys:
    """The same for one environment, where the certificate must be the `trusted` one (a fingerprint), if any."""
    given = (str(cert),) if cert else ()
    keys = take(by_environment(given, new_key, [new.name]), new_key, [new.name], top, now)
    certificate = keys.certificates[new.name]
    trust(certificate, certificate.fingerprint, _fingerprint(trusted), str(cert or new_key))
    return keys


def inherit(
    new: Environment, known: Model, before: str, tree: Mapping[str, bytes], trusted: str | None, now: datetime
) -> SealingKeys:
    """The certificate of the environment `before`, for a new one on the same cluster; see `trust`.

    Raises BadOption on another cluster, BadTarget where there is no certificate.
    """
    after = known.find(before)
    if new.cluster != after.cluster:
        raise BadOption(
            f"cluster {new.cluster} has a sealing key of its own, not that of {after.cluster}",
            hint="give its certificate: --sealing-cert FILE (kubeseal --fetch-cert > FILE)",
        )
    path = f"{after.overlay}/secrets/{CERTIFICATE}"
    if path not in tree:
        raise BadTarget(f"{path} is missing", hint="give the cluster's certificate: --sealing-cert FILE")
    certificate = sealing.read_certificate(tree[path], source=path, now=now)
    pinned = {each.certificate for each in known.environments if each.cluster == new.cluster and each.certificate}
    # An environment that was put beside the others may have brought a certificate that is nobody's of them.
    trust(certificate, after.certificate, _fingerprint(trusted), path, others=pinned - {after.certificate})
    return SealingKeys(certificates={new.name: certificate})


def _fingerprint(text: str | None) -> str | None:
    return None if text is None else certificates.parse_fingerprint(text)


def trust(
    certificate: Certificate, pinned: str | None, given: str | None, source: str, others: Collection[str] = ()
) -> None:
    """Raise BadCertificate where a certificate of the repo is not the one that is `pinned`, nor the one that the user
    trusts (`given`, a fingerprint): whoever swapped its file would read what is sealed for it. So where `others` are
    pinned for the same cluster: it has one newest key, and the user alone knows which certificate is that one's.
    """
    here = certificate.fingerprint
    trust = f"once {FINGERPRINT_COMMAND} says {here}: --trust-certificate {here}"
    hint = f"{trust}; or give the cluster's: --sealing-cert FILE"
    if given is not None and given != here:
        raise BadCertificate(
            f"{source} is the certificate {here}, and not {given}, which you trust",
            hint=f"ask the cluster: {FINGERPRINT_COMMAND}; --sealing-cert FILE gives its certificate",
        )
    if given is None and pinned is None:
        raise BadCertificate(f"{source} is the certificate {here}, and taxiway.yaml pins none", hint=hint)
    if given is None and pinned != here:
        raise BadCertificate(f"{source} is the certificate {here}, and taxiway.yaml trusts {pinned}", hint=hint)
    if given is None and others:
        said = f"{source} is the certificate {here}, and other environments of the cluster trust"
        raise BadCertificate(f"{said} {', '.join(sorted(others))}", hint=hint)


def compare(files: Mapping[str, Path], pinned: Mapping[str, bytes], now: datetime) -> None:
    """Raise BadCertificate where a file of --sealing-cert is not the certificate that its environment has."""
    for name, path in files.items():
        given = _read(path, now)
        if name in pinned and given.pem != pinned[name]:
            raise BadCertificate(
                f"environment {name!r} is sealed for another certificate than {path}",
                hint="init never seals again what is sealed; leave --sealing-cert out",
            )


def _read(path: Path, now: datetime) -> Certificate:
    return sealing.read_certificate(user_input.read_certificate(path), source=str(path), now=now)
