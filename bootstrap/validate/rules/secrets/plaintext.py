"""Rules about plaintext secrets in the repository."""

import posixpath
from collections.abc import Iterator

from bootstrap.kubernetes.objects import dig, identify, mapping
from bootstrap.secrets import scan
from bootstrap.secrets.credentials import Credential, CredentialKind, displayed_name
from bootstrap.secrets.scan import FileSecrets, PlainSecret
from bootstrap.validate.context import EnvironmentContext, shared
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Violation, Within
from bootstrap.yamltools.positions import Place

# Plaintext in a SealedSecret is reported by these.
_SEALED = ("secrets/ciphertext", "secrets/key-name", "secrets/type-keys")


@shared
def _files(env: EnvironmentContext) -> Iterator[tuple[str, FileSecrets]]:
    return ((path, scan.scan_file(data, scan.kind_of(path))) for path, data in env.tree.files.items())


@shared
def _hits(env: EnvironmentContext) -> Iterator[tuple[Place, Credential]]:
    """Worst credential per line. Files of a secretGenerator are left out, as the generator itself is reported."""
    sources = {
        posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        for path, scanned in _files(env)
        for secret in scanned.secrets
        for name in secret.files
    }
    kinds = list(CredentialKind)
    for path, scanned in _files(env):
        worst: dict[int, Credential] = {}
        for hit in sorted(scanned.credentials, key=lambda hit: kinds.index(hit.kind)) if path not in sources else ():
            worst.setdefault(hit.line, hit)
        yield from ((Place(path, line + 1), hit) for line, hit in worst.items())


def _of(env: EnvironmentContext, kind: CredentialKind) -> Iterator[Violation]:
    return (Violation(place, f"{hit.what} stands here in the clear") for place, hit in _hits(env) if hit.kind is kind)


@rule(
    "secrets/plain-secret",
    ERROR,
    fix="Change what it holds, seal the new values into a SealedSecret of the same name, and delete this one.",
)
def plain_secret(env: EnvironmentContext) -> Iterator[Violation]:
    """A Secret is committed as a SealedSecret.

    Base64 is no encryption. Whoever can read the repository has the values, and Git's history keeps them.
    """
    names: set[str] = set()
    for path, scanned in _files(env):
        for secret in scanned.secrets:
            names.add(secret.name)
            yield Violation(Place(path, secret.line + 1), _described(secret))
    # Secrets that are not in the repo's files, such as those of a remote base.
    for rendered_secret in env.of_kind("Secret"):
        values = [
            *mapping(dig(rendered_secret, "data")).values(),
            *mapping(dig(rendered_secret, "stringData")).values(),
        ]
        name = identify(rendered_secret).name
        if name not in names and scan.holds_values(values):
            yield Violation(env.trace.object(rendered_secret), f"the overlay renders the Secret {name} in the clear")


@rule(
    "secrets/private-key",
    ERROR,
    fix="Take it out, make a new key, and bring that to the cluster sealed, or not through Git at all.",
    after=_SEALED,
    within=Within.LINE,
)
def private_key(env: EnvironmentContext) -> Iterator[Violation]:
    """No private key is in the repository.

    Whoever can read the repository has it, and a later commit does not take it out of Git's history. With a sealing
    key, every sealed value of the cluster can be read.
    """
    return _of(env, CredentialKind.PRIVATE_KEY)


@rule(
    "secrets/token",
    ERROR,
    fix="Revoke it, seal a new one, and read that through a secretKeyRef.",
    after=_SEALED,
    within=Within.LINE,
)
def token(env: EnvironmentContext) -> Iterator[Violation]:
    """No token or key of a well-known form is in the repository.

    Whoever can read the repository has it, and a later commit does not take it out of Git's history. Robots find such
    tokens in public repositories within minutes.
    """
    return _of(env, CredentialKind.TOKEN)


@rule(
    "secrets/password-in-url",
    ERROR,
    fix="Change the password, seal the whole URL, and read it through a secretKeyRef.",
    after=_SEALED,
    within=Within.LINE,
)
def password_in_url(env: EnvironmentContext) -> Iterator[Violation]:
    """No URL in the repository holds a password.

    Whoever can read the repository has it, and a later commit does not take it out of Git's history.
    """
    return _of(env, CredentialKind.PASSWORD_IN_URL)


@rule(
    "secrets/literal",
    ERROR,
    fix="Change the value, seal the new one, and read it through a secretKeyRef or a secretRef.",
    after=_SEALED,
    within=Within.LINE,
)
def literal(env: EnvironmentContext) -> Iterator[Violation]:
    """A setting whose name says that it is secret has no literal value.

    Whoever can read the repository has it, and a later commit does not take it out of Git's history. A ConfigMap and a
    pod's spec can also be read by many who may not read Secrets.
    """
    return _of(env, CredentialKind.LITERAL)


def _described(secret: PlainSecret) -> str:
    name = displayed_name(secret.name) if secret.name else "of no name"
    if secret.generated:
        return f"a generator makes the Secret {name} of values that stand in the repository in the clear"
    return f"the Secret {name} stands here in the clear"
