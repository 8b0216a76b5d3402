"""Mistakes about secrets."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.validate.cases import Broken, Edit, append, remove, replace, write

DEV = "overlays/dev"
FOLDER = f"{DEV}/secrets"
CERTIFICATE = f"{FOLDER}/sealing-cert.pem"
ADMIN, API, CONNECTIONS, FERNET, JWT, POSTGRES = (
    f"{FOLDER}/sealedsecret.airflow-{name}.yaml"
    for name in ("admin", "api", "connections", "fernet", "jwt", "postgres")
)
OTHER = "sha256:" + "5eed" * 16
# In pieces, so that no scanner of this repository takes them for real ones.
GITHUB = "ghp" + "_" + "16C7e42F292c6912E7710c838347Ae178B4a"
FERNET_KEY = "Zr4M0dUmZ-8Jc2n0yqkQ5fXvL7wTtB" + "3hP1sKe9aGi6o="
JWT_TOKEN = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiJhaXJmbG93In0" + ".kP6i3z8r0YcTqVbXw2Jm5nLdQeAoHsUf1GyRzK4tC7E"
PRIVATE_KEY = (
    "-----BEGIN PRIVATE"
    + " KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n-----END PRIVATE"
    + " KEY-----\n"
)


def change(path: str, pattern: str, new: str, count: int = 1) -> Edit:
    """Change all that a pattern finds in a file, which it does so many times."""

    def edit(files: dict[str, bytes]) -> None:
        files[path], found = re.subn(pattern.encode(), new.encode(), files[path], flags=re.MULTILINE)
        assert found == count, f"{pattern!r} is found {found} times in {path}"

    return edit


def copy(source: str, target: str, *changes: tuple[str, str]) -> Edit:
    """Copy a file over another, with some of its text changed."""

    def edit(files: dict[str, bytes]) -> None:
        text = files[source].decode()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        files[target] = text.encode()

    return edit


def listed(name: str, path: str = f"{FOLDER}/kustomization.yaml") -> Edit:
    """Name a file among the resources of a kustomization."""
    return change(path, r"^resources:$", f"resources:\n  - {name}")


def resealed(fingerprint: str | None = None) -> Edit:
    """Have every record of dev name another certificate, by default the one that is pinned now."""

    def edit(files: dict[str, bytes]) -> None:
        own = fingerprint
        if own is None:
            pinned = x509.load_pem_x509_certificate(files[CERTIFICATE])
            own = f"sha256:{pinned.fingerprint(hashes.SHA256()).hex()}"
        for path in files:
            if path.startswith(f"{FOLDER}/sealedsecret."):
                files[path] = re.sub(rb"sha256:[0-9a-f]{64}", own.encode(), files[path])

    return edit


def trusted(files: dict[str, bytes]) -> None:
    """Have taxiway.yaml trust the certificate that is pinned now, in every environment."""
    pinned = x509.load_pem_x509_certificate(files[CERTIFICATE]).fingerprint(hashes.SHA256()).hex()
    files["taxiway.yaml"] = re.sub(rb"sha256:[0-9a-f]{64}", f"sha256:{pinned}".encode(), files["taxiway.yaml"])


def second(files: dict[str, bytes]) -> None:
    """One more certificate behind the right one, which is older, and so not the one to seal for today."""
    right = files[CERTIFICATE]
    certified(timedelta(days=-40), timedelta(days=4000))(files)
    files[CERTIFICATE] = right + b"the attacker's " + files[CERTIFICATE]


def certified(start: timedelta, end: timedelta) -> Edit:
    """Pin a certificate of the same key with other dates, counted from now."""

    def edit(files: dict[str, bytes]) -> None:
        key = x509.load_pem_x509_certificate(files[CERTIFICATE]).public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        now = datetime.now(UTC)
        # Who signs it does not count: neither kubeseal nor the controller looks.
        files[CERTIFICATE] = _certificate(key, now + start, now + end)

    return edit


def elliptic(files: dict[str, bytes]) -> None:
    """Pin a certificate that no sealed-secrets controller can have."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    files[CERTIFICATE] = _certificate(key, now, now + timedelta(days=365))


def _certificate(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, start: datetime, end: datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sealing key")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=start,
        not_valid_after=end,
    )
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(
        serialization.Encoding.PEM
    )


def item(path: str, key: str, new: Callable[[str], str]) -> Edit:
    """Change the sealed value of a key."""

    def edit(files: dict[str, bytes]) -> None:
        text = files[path].decode()
        match = re.search(rf"^    {key}: (\S+)$", text, re.MULTILINE)
        assert match
        files[path] = text.replace(match[1], new(match[1])).encode()

    return edit


def added(path: str, key: str) -> Edit:
    """Put the sealed value of the first item in once more, under another key and without a record."""
    return change(path, r"^  encryptedData:\n    \S+: (\S+)$", rf"\g<0>\n    {key}: \1")


_SECRET = """apiVersion: v1
kind: Secret
metadata:
  name: smtp
stringData:
  SMTP_PASSWORD: correct-horse
"""
_LIST = """apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Secret
    metadata:
      name: smtp
    data:
      SMTP_PASSWORD: Y29ycmVjdC1ob3JzZQ==
"""
_PATCH = """patches:
  - target:
      kind: Deployment
      name: airflow-s3
    patch: |
      - op: add
        path: /spec/template/spec/containers/0/env/-
        value:
          name: LOCALSTACK_AUTH_TOKEN
          value: ls-Pa7ukU-3901-tEvI-wozO-6024
"""

_PLAIN = (
    Broken(
        name="a Secret in the clear",
        rule="secrets/plain-secret",
        at=(f"{DEV}/secret.smtp.yaml", "  name: smtp"),
        edits=(
            write(f"{DEV}/secret.smtp.yaml", _SECRET),
            listed("secret.smtp.yaml", f"{DEV}/kustomization.yaml"),
        ),
    ),
    Broken(
        name="a Secret in a list",
        rule="secrets/plain-secret",
        at=(f"{DEV}/smtp.yaml", "      name: smtp"),
        edits=(write(f"{DEV}/smtp.yaml", _LIST), listed("smtp.yaml", f"{DEV}/kustomization.yaml")),
    ),
    Broken(
        name="a generated Secret",
        rule="secrets/plain-secret",
        at=(f"{DEV}/kustomization.yaml", "  - name: smtp"),
        edits=(
            append(
                f"{DEV}/kustomization.yaml", "secretGenerator:\n  - name: smtp\n    literals:\n      - PASSWORD=horse\n"
            ),
        ),
    ),
    Broken(
        name="a Secret generated from a file",
        rule="secrets/plain-secret",
        at=(f"{DEV}/kustomization.yaml", "  - name: smtp"),
        edits=(
            write(f"{DEV}/smtp.env", "SMTP_PASSWORD=correct-horse\n"),
            append(f"{DEV}/kustomization.yaml", "secretGenerator:\n  - name: smtp\n    envs:\n      - smtp.env\n"),
        ),
    ),
    Broken(
        name="the private key beside the certificate",
        rule="secrets/private-key",
        at=(CERTIFICATE, "BEGIN PRIVATE" + " KEY"),
        edits=(append(CERTIFICATE, PRIVATE_KEY),),
    ),
    Broken(
        name="the private key in place of the certificate",
        rule="secrets/private-key",
        at=(CERTIFICATE, "BEGIN PRIVATE" + " KEY"),
        edits=(remove(CERTIFICATE), write(CERTIFICATE, PRIVATE_KEY)),
    ),
    Broken(
        name="a token in the URL of the DAGs",
        rule="secrets/token",
        at=(f"{DEV}/release/release.env", "DAGS_REPOSITORY="),
        edits=(
            replace(
                f"{DEV}/release/release.env",
                "DAGS_REPOSITORY=",
                f"DAGS_REPOSITORY=https://bot:{GITHUB}@github.com/acme/dags",
            ),
        ),
    ),
    Broken(
        name="a Fernet key in a comment",
        rule="secrets/token",
        at=(f"{DEV}/airflow.env", "# before"),
        edits=(append(f"{DEV}/airflow.env", f"# before the rotation: {FERNET_KEY}\n"),),
    ),
    Broken(
        name="a JSON Web Token in a manual",
        rule="secrets/token",
        at=("README.md", "curl"),
        edits=(
            append("README.md", f"\n    curl -H 'Authorization: Bearer {JWT_TOKEN}' https://airflow.example.com/\n"),
        ),
    ),
    Broken(
        name="a connection's password in an env file",
        rule="secrets/password-in-url",
        at=(f"{DEV}/airflow.env", "AIRFLOW_CONN_WAREHOUSE"),
        edits=(
            append(f"{DEV}/airflow.env", "AIRFLOW_CONN_WAREHOUSE=postgresql://etl:correct-horse@dwh.example.com/dwh\n"),
        ),
    ),
    Broken(
        name="a password in a URL in a comment of YAML",
        rule="secrets/password-in-url",
        at=(f"{DEV}/kustomization.yaml", "# psql"),
        edits=(
            replace(
                f"{DEV}/kustomization.yaml",
                "components:\n",
                "# psql postgresql://airflow:correct-horse@db.example.com/airflow\ncomponents:\n",
            ),
        ),
    ),
    Broken(
        name="a password in the JSON of a connection",
        rule="secrets/literal",
        at=(f"{DEV}/airflow.env", "AIRFLOW_CONN_WAREHOUSE"),
        edits=(
            append(
                f"{DEV}/airflow.env",
                'AIRFLOW_CONN_WAREHOUSE={"conn_type":"postgres","login":"etl","password":"correct-horse"}\n',
            ),
        ),
    ),
    Broken(
        name="a secret variable in an env file",
        rule="secrets/literal",
        at=(f"{DEV}/airflow.env", "AIRFLOW_VAR_WAREHOUSE_PASSWORD"),
        edits=(append(f"{DEV}/airflow.env", "AIRFLOW_VAR_WAREHOUSE_PASSWORD=correct-horse\n"),),
    ),
    Broken(
        name="a secret variable in a patch",
        rule="secrets/literal",
        at=(f"{DEV}/kustomization.yaml", "          value: ls-"),
        edits=(replace(f"{DEV}/kustomization.yaml", "replacements:\n", _PATCH + "replacements:\n"),),
    ),
    Broken(
        name="a secret variable in the template of a SealedSecret",
        rule="secrets/literal",
        at=(CONNECTIONS, "AIRFLOW_VAR_API_KEY"),
        edits=(append(CONNECTIONS, "    data:\n      AIRFLOW_VAR_API_KEY: correct-horse-battery\n"),),
    ),
)

_SEALED = (
    Broken(
        name="a plain value among sealed ones",
        rule="secrets/ciphertext",
        at=(POSTGRES, "    DATABASE_HOST:"),
        edits=(item(POSTGRES, "DATABASE_HOST", lambda _: "db.example.com"),),
    ),
    Broken(
        name="base64 of a plain value among sealed ones",
        rule="secrets/ciphertext",
        at=(FERNET, "    AIRFLOW__CORE__FERNET_KEY:"),
        edits=(item(FERNET, "AIRFLOW__CORE__FERNET_KEY", lambda _: FERNET_KEY.replace("-", "A")),),
    ),
    Broken(
        name="a sealed value that is cut off",
        rule="secrets/ciphertext",
        at=(JWT, "    AIRFLOW__API_AUTH__JWT_SECRET:"),
        edits=(item(JWT, "AIRFLOW__API_AUTH__JWT_SECRET", lambda sealed: sealed[:640]),),
    ),
    Broken(
        name="a sealed value over several lines",
        rule="secrets/ciphertext",
        at=(API, "    AIRFLOW__API__SECRET_KEY:"),
        edits=(
            item(API, "AIRFLOW__API__SECRET_KEY", lambda sealed: f">-\n      {sealed[:400]}\n      {sealed[400:]}"),
        ),
    ),
    Broken(
        name="a key that no Secret can have",
        rule="secrets/key-name",
        at=(CONNECTIONS, "AIRFLOW_CONN_MY DB"),
        edits=(added(CONNECTIONS, "AIRFLOW_CONN_MY DB"),),
    ),
    Broken(
        name="a Secret of a type that wants other keys",
        rule="secrets/type-keys",
        at=(API, "    type:"),
        edits=(replace(API, "type: Opaque", "type: kubernetes.io/tls"),),
    ),
    Broken(
        name="the secret of another environment",
        rule="secrets/sealed-elsewhere",
        at=(JWT, "  name: airflow-jwt # name"),
        edits=(
            copy("overlays/complete/secrets/sealedsecret.airflow-jwt.yaml", JWT),
            change(JWT, r"^metadata:\n  name: airflow-jwt", "metadata:\n  name: airflow-jwt # name"),
        ),
    ),
    Broken(
        name="a secret under another name",
        rule="secrets/sealed-elsewhere",
        at=(f"{FOLDER}/sealedsecret.airflow-dags-git.yaml", "  name: airflow-dags-git # name"),
        edits=(
            copy(
                CONNECTIONS,
                f"{FOLDER}/sealedsecret.airflow-dags-git.yaml",
                ("\n  name: airflow-connections", "\n  name: airflow-dags-git # name"),
            ),
            listed("sealedsecret.airflow-dags-git.yaml"),
        ),
    ),
    Broken(
        name="kubeseal's secret of another environment",
        rule="secrets/sealed-elsewhere",
        at=(JWT, "  name: airflow-jwt # name"),
        edits=(
            copy("overlays/complete/secrets/sealedsecret.airflow-jwt.yaml", JWT),
            change(JWT, r"^metadata:\n  name: airflow-jwt", "metadata:\n  name: airflow-jwt # name"),
            change(JWT, r"^  annotations:\n    taxiway.*\n", ""),
        ),
    ),
    Broken(
        name="a scope set by hand",
        rule="secrets/scope",
        at=(API, "namespace-wide"),
        edits=(
            change(API, r"^  annotations:\n", '  annotations:\n    sealedsecrets.bitnami.com/namespace-wide: "true"\n'),
        ),
    ),
    Broken(
        name="kubeseal's scope in the template alone",
        rule="secrets/scope",
        at=(API, "  name: airflow-api # name"),
        edits=(
            change(API, r"^metadata:\n  name: airflow-api", "metadata:\n  name: airflow-api # name"),
            change(API, r"^  annotations:\n    taxiway.*\n", ""),
            change(
                API,
                r"^    metadata:\n",
                '    metadata:\n      annotations:\n        sealedsecrets.bitnami.com/cluster-wide: "true"\n',
            ),
        ),
    ),
    Broken(
        name="another name in the template",
        rule="secrets/template-name",
        at=(API, "      name: airflow-webserver"),
        edits=(change(API, r"^      name: airflow-api", "      name: airflow-webserver"),),
    ),
    Broken(
        name="a record without its value",
        rule="secrets/record",
        at=(POSTGRES, "taxiway/sealed.DATABASE_HOST"),
        edits=(change(POSTGRES, r"^    DATABASE_HOST: .*\n", ""),),
    ),
    Broken(
        name="a record that can't be read",
        rule="secrets/record",
        at=(API, "taxiway/sealed."),
        edits=(change(API, r"scope=strict", "scope="),),
    ),
    Broken(
        name="one secret sealed for another certificate",
        rule="secrets/other-certificate",
        at=(FERNET, "    AIRFLOW__CORE__FERNET_KEY: A"),
        edits=(change(FERNET, r"sha256:[0-9a-f]{64}", OTHER),),
    ),
    Broken(
        name="another certificate than all were sealed for",
        rule="secrets/other-certificate",
        at=(CERTIFICATE, ""),
        edits=(resealed(OTHER),),
    ),
    Broken(
        name="a Secret that nothing reads",
        rule="secrets/unused",
        at=(f"{FOLDER}/sealedsecret.smtp.yaml", "  name: smtp # name"),
        edits=(
            copy(
                CONNECTIONS,
                f"{FOLDER}/sealedsecret.smtp.yaml",
                ("\n  name: airflow-connections", "\n  name: smtp # name"),
                ("airflow-connections", "smtp"),
            ),
            listed("sealedsecret.smtp.yaml"),
        ),
    ),
    Broken(
        name="a key that nothing reads",
        rule="secrets/unused",
        at=(ADMIN, "    ADMIN_PASSWORD_OLD:"),
        edits=(added(ADMIN, "ADMIN_PASSWORD_OLD"),),
    ),
)

_CERTIFICATES = (
    Broken(
        name="no certificate",
        rule="secrets/no-certificate",
        at=(f"{FOLDER}/kustomization.yaml", ""),
        edits=(remove(CERTIFICATE),),
    ),
    Broken(
        name="a certificate that is cut off",
        rule="secrets/certificate",
        at=(CERTIFICATE, ""),
        edits=(change(CERTIFICATE, r"-----END CERTIFICATE-----\n", ""),),
    ),
    Broken(
        name="a certificate of another kind of key",
        rule="secrets/certificate",
        at=(CERTIFICATE, ""),
        edits=(elliptic,),
    ),
    Broken(
        name="an expired certificate",
        rule="secrets/certificate-dates",
        at=(CERTIFICATE, ""),
        edits=(certified(timedelta(days=-400), timedelta(days=-35)), resealed(), trusted),
    ),
    Broken(
        name="a certificate of tomorrow",
        rule="secrets/certificate-dates",
        at=(CERTIFICATE, ""),
        edits=(certified(timedelta(days=1), timedelta(days=366)), resealed(), trusted),
    ),
    Broken(
        name="a certificate near its end",
        rule="secrets/certificate-ending",
        at=(CERTIFICATE, ""),
        edits=(certified(timedelta(days=-340), timedelta(days=25)), resealed(), trusted),
    ),
    Broken(
        name="a certificate that taxiway.yaml does not name",
        rule="secrets/untrusted-certificate",
        at=(CERTIFICATE, ""),
        edits=(certified(timedelta(days=-1), timedelta(days=365)), resealed()),
    ),
    Broken(
        name="a second certificate in the file",
        rule="secrets/untrusted-certificate",
        at=(CERTIFICATE, "the attacker's -----BEGIN CERTIFICATE-----"),
        edits=(second,),
    ),
    Broken(
        name="a certificate that nothing pins",
        rule="secrets/unpinned-certificate",
        at=("taxiway.yaml", "- name: dev"),
        edits=(change("taxiway.yaml", r"(name: dev\n.*\n.*\n)  certificate: .*\n", r"\1"),),
    ),
)

CASES = _PLAIN + _SEALED + _CERTIFICATES
