"""The keys of the cluster: one authority, the servers' certificates, and a token for each user."""

import csv
import io
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.node.layout import API_SERVICE, NODE, NODE_ADDRESS
from tests.cluster.process import run

_API_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Someone whom the API server knows by a token."""

    name: str
    group: str = ""


USERS = {
    "admin": User(name="admin", group="system:masters"),
    "node": User(name=f"system:node:{NODE}", group="system:nodes"),
    "controller-manager": User(name="system:kube-controller-manager"),
    "scheduler": User(name="system:kube-scheduler"),
    "proxy": User(name="system:kube-proxy"),
    "coredns": User(name="system:coredns"),
}


def make(folder: Path) -> dict[str, str]:
    """Write the authority, the API server's and its kubelet client's certificates, and the tokens; return these."""
    folder.mkdir(parents=True, mode=0o700)
    _key(folder / "ca.key")
    _key(folder / "service-accounts.key")
    # Python 3.13 checks strictly: an authority without keyUsage, or a certificate without key identifiers, is refused.
    usage = "keyUsage=critical,keyCertSign,cRLSign,digitalSignature"
    subject = ("-days", "3650", "-subj", "/CN=taxiway-tests")
    run(
        [
            "openssl",
            "req",
            "-x509",
            "-new",
            "-key",
            folder / "ca.key",
            *subject,
            "-addext",
            usage,
            "-out",
            folder / "ca.crt",
        ]
    )
    addresses = ("127.0.0.1", NODE_ADDRESS, API_SERVICE)
    names = ",".join([*(f"DNS:{n}" for n in _API_NAMES), *(f"IP:{a}" for a in addresses)])
    _certificate(folder, "api", "/CN=kube-apiserver", f"subjectAltName={names}\nextendedKeyUsage=serverAuth")
    client = "/O=system:masters/CN=kube-apiserver-kubelet-client"
    _certificate(folder, "kubelet-client", client, "extendedKeyUsage=clientAuth")
    tokens = {who: secrets.token_hex(16) for who in USERS}
    _write_tokens(folder / "tokens.csv", tokens)
    return tokens


def _key(path: Path) -> None:
    path.touch(0o600)
    run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path])


def _certificate(folder: Path, name: str, subject: str, extensions: str) -> None:
    key, request, wanted = (folder / f"{name}.{kind}" for kind in ("key", "csr", "ext"))
    _key(key)
    wanted.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        f"subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n{extensions}\n"
    )
    run(["openssl", "req", "-new", "-key", key, "-subj", subject, "-out", request])
    authority = ("-CA", folder / "ca.crt", "-CAkey", folder / "ca.key", "-CAcreateserial")
    signed = ("-days", "3650", "-extfile", wanted, "-out", folder / f"{name}.crt")
    run(["openssl", "x509", "-req", "-in", request, *authority, *signed])


def _write_tokens(path: Path, tokens: Mapping[str, str]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([tokens[who], user.name, who, user.group] for who, user in USERS.items())
    path.touch(0o600)
    path.write_text(text.getvalue())
