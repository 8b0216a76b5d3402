"""Rules about the sealing certificate: its file, its pinned fingerprint, its expiry."""

from collections.abc import Iterator
from datetime import timedelta

from bootstrap.core.certificates import FINGERPRINT_COMMAND
from bootstrap.secrets import certificates
from bootstrap.secrets.certificates import PinnedCertificate
from bootstrap.validate.context import DatedContext, EnvironmentContext
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.rules.sync.objects import entry
from bootstrap.validate.violation import Violation, Within
from bootstrap.yamltools.positions import Place

_FETCH = "Fetch it again: kubeseal --fetch-cert > overlays/ENVIRONMENT/secrets/sealing-cert.pem"
_SOON = timedelta(days=30)


@rule("secrets/no-certificate", WARNING, fix=_FETCH)
def no_certificate(env: EnvironmentContext) -> Iterator[Violation]:
    """The certificate that an environment's secrets are sealed for is pinned beside them.

    What is sealed runs on, but nobody can seal another value, or see whom the others were sealed for.
    """
    folder, path = f"{env.environment.overlay}/secrets/", certificates.path(env.environment)
    sealed = [name for name, data in env.tree.files.items() if name.startswith(folder) and b"SealedSecret" in data]
    if path not in env.tree.files and sealed:
        kustomization = f"{folder}kustomization.yaml"
        place = Place(kustomization if kustomization in env.tree.files else min(sealed))
        yield Violation(place, f"{path} is missing", _fetch(env))


# A private key in the file is reported by secrets/private-key.
@rule("secrets/certificate", ERROR, fix=_FETCH, after=("secrets/private-key",), within=Within.FILE)
def certificate(env: EnvironmentContext) -> Iterator[Violation]:
    """The pinned certificate is an RSA certificate in PEM form.

    Nothing can be sealed for any other: the sealed-secrets controller has RSA keys only.
    """
    path = certificates.path(env.environment)
    if path in env.tree.files and isinstance(problem := certificates.newest(env.tree[path]), str):
        yield Violation(Place(path), f"{path} {problem}", _fetch(env))


@rule(
    "secrets/untrusted-certificate", ERROR, fix="Compare both with what the cluster says, and put the other one right."
)
def untrusted_certificate(env: EnvironmentContext) -> Iterator[Violation]:
    """The pinned certificate, and no other in its file, is the one whose fingerprint taxiway.yaml has.

    Whoever holds the private key of a certificate that was put in its place reads every secret sealed from then on.
    """
    path, name = certificates.path(env.environment), env.environment.name
    pinned = certificates.pinned(env.environment, env.tree)
    if pinned is None:
        return
    trusted = pinned.fingerprint if env.environment.certificate is None else env.environment.certificate
    # Which certificate of a file is used depends on the date, so every one of them must be trusted.
    for parsed in certificates.parse_all(env.tree[path]):
        if isinstance(parsed, str):
            message = f"{path} {parsed}, beside the one that taxiway.yaml trusts"
            yield Violation(Place(path), message, "leave that one alone in the file")
        elif parsed.fingerprint != trusted:
            actual = parsed.fingerprint
            message = f"the sealing certificate of {name} is {actual}, and taxiway.yaml trusts {trusted}"
            hint = (
                f"ask the cluster {env.environment.cluster}: {FINGERPRINT_COMMAND}; if it says {actual}, write that as "
                f"certificate: of {name} in taxiway.yaml, else put the file back: git log -p -- {path}"
            )
            yield Violation(Place(path, parsed.line), message, hint)


@rule(
    "secrets/unpinned-certificate",
    WARNING,
    fix="Compare the fingerprint with the cluster's, and write it into taxiway.yaml.",
)
def unpinned_certificate(env: EnvironmentContext) -> Iterator[Violation]:
    """taxiway.yaml has the fingerprint of each environment's certificate.

    Without it, nobody is told that the certificate file was swapped for one whose private key somebody else has.
    """
    pinned = certificates.pinned(env.environment, env.tree)
    if pinned and env.environment.certificate is None:
        fingerprint, path = pinned.fingerprint, certificates.path(env.environment)
        message = f"no certificate of {env.environment.name} is pinned; that of {path} is {fingerprint}"
        yield Violation(
            entry(env),
            message,
            f"once {FINGERPRINT_COMMAND} says the same, write certificate: {fingerprint} into its entry",
        )


@rule(
    "secrets/certificate-dates",
    ERROR,
    fix="Fetch the cluster's newer one: kubeseal --fetch-cert > overlays/ENVIRONMENT/secrets/sealing-cert.pem",
)
def certificate_dates(dated: DatedContext) -> Iterator[Violation]:
    """The pinned certificate is valid today.

    What is sealed still opens, but kubeseal and taxiway seal nothing for it, so the next key can't be changed.
    """
    pinned = certificates.pinned(dated.environment.environment, dated.environment.tree)
    if pinned and pinned.not_after <= dated.now:
        yield _dated(dated, pinned, f"expired on {pinned.not_after:%Y-%m-%d}")
    elif pinned and pinned.not_before > dated.now:
        yield _dated(dated, pinned, f"is not valid before {pinned.not_before:%Y-%m-%d %H:%M} UTC")


@rule(
    "secrets/certificate-ending",
    WARNING,
    fix="Renew the cluster's sealing key, and fetch the new certificate: kubeseal --fetch-cert",
)
def certificate_ending(dated: DatedContext) -> Iterator[Violation]:
    """The pinned certificate is valid for another 30 days.

    Once it is over, kubeseal and taxiway seal nothing for it, perhaps on the day when a password must change.
    """
    pinned = certificates.pinned(dated.environment.environment, dated.environment.tree)
    if pinned and max(pinned.not_before, pinned.not_after - _SOON) <= dated.now < pinned.not_after:
        yield _dated(dated, pinned, f"expires on {pinned.not_after:%Y-%m-%d}")


def _dated(dated: DatedContext, pinned: PinnedCertificate, what: str) -> Violation:
    env = dated.environment
    place = Place(certificates.path(env.environment), pinned.line)
    return Violation(place, f"the sealing certificate {what}", _fetch(env))


def _fetch(env: EnvironmentContext) -> str:
    path = certificates.path(env.environment)
    return f"fetch it from cluster {env.environment.cluster}: kubeseal --fetch-cert > {path}"
