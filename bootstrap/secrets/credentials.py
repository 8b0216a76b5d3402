"""Detect credentials in text: by the format of a value, or by the name of the setting that holds it."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class CredentialKind(StrEnum):
    """Kind of a credential, most severe first."""

    PRIVATE_KEY = "private-key"
    TOKEN = "token"  # noqa: S105
    PASSWORD_IN_URL = "password-in-url"  # noqa: S105
    LITERAL = "literal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential found in a text: the line (from 0) where it begins, and a description that quotes no part of it."""

    kind: CredentialKind
    line: int
    what: str


# Token formats as their issuers document them. Each has a literal part, which is searched first since that is faster.
_TOKENS = {
    f"{'an' if what[0] == 'A' else 'a'} {what}": (literal, re.compile(pattern))
    for what, literal, pattern in (
        ("AWS access key", "AKIA", r"(?<![A-Za-z0-9])AKIA(?![A-Z2-7]{9}EXAMPLE)[A-Z2-7]{16}(?![A-Za-z0-9])"),
        ("AWS access key of a session", "ASIA", r"(?<![A-Za-z0-9])ASIA[A-Z2-7]{16}(?![A-Za-z0-9])"),
        ("GitHub token", "gh", r"\bgh[oprsu]_[A-Za-z0-9]{36,255}"),
        ("fine-grained GitHub token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{60,255}"),
        ("GitLab token", "gl", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_-]{20,}"),
        ("Slack token", "xox", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
        ("Slack webhook", "hooks.slack.com", r"\bhooks\.slack\.com/services/T\w+/B\w+/\w{16,}"),
        ("Google API key", "AIza", r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
        ("Azure storage key", "AccountKey=", r"\bAccountKey=[A-Za-z0-9+/]{86}=="),
        ("HashiCorp Vault token", "hvs.", r"\bhvs\.[A-Za-z0-9_-]{24,}"),
        ("Databricks token", "dapi", r"\bdapi[0-9a-f]{32}\b"),
        ("SendGrid key", "SG.", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b"),
        ("Docker Hub token", "dckr_pat_", r"\bdckr_pat_[A-Za-z0-9_-]{20,}"),
        ("PyPI token", "pypi-AgE", r"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
        ("Stripe key", "k_live_", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    )
}
_JWT = re.compile(r"\b(eyJ[A-Za-z0-9_-]{10,2000})\.eyJ[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{20,2000}")
_KEY_HEADER, _AGE_KEY = "-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----", r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b"
# A header without a body is no key: regular expressions and manuals quote it.
_PRIVATE_KEY = re.compile(rf"{_KEY_HEADER}(?:\\[nr]|[\s#])*[A-Za-z0-9+/=:, -]{{16}}|{_AGE_KEY}")
_PRIVATE_KEY_OR_HEADER = re.compile(f"{_KEY_HEADER}|{_AGE_KEY}".encode())
_PUBLIC_PEM = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]*(?:CERTIFICATE|PUBLIC KEY|FILE|MESSAGE))-----.*?-----END (?P=kind)-----", re.S
)
_LONG_BASE64 = re.compile(r"[A-Za-z0-9+/]{200,}={0,2}")
# 32 bytes in url-safe base64. The last character encodes four bits, so only 16 characters are possible.
_FERNET = re.compile(r"(?:^|[\s\"'=,])([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=)(?![A-Za-z0-9+/=_-])", re.M)
_DIGEST_NAME = re.compile(r"sha-?\d|hash|digest|checksum|integrity|fingerprint|public|h1:", re.I)
_URL_WITH_PASSWORD = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,40}://[^\s:/@\"'<>]{0,200}:(?P<value>[^\s@/?#\"'<>]{1,300})@[A-Za-z0-9\[$({_-]"
)
# The quotes may be escaped: a connection's extra is JSON inside a JSON string.
_JSON_PAIR = re.compile(r"\\*\"(?P<name>[A-Za-z][\w.-]{1,60})\\*\"\s*:\s*\\*\"(?P<value>[^\"\\]{1,4000})")


def find(text: str, name: str = "", *, prose: bool = False, pairs: bool = True) -> Iterator[Credential]:
    """Each credential in a text that has a known format; `name` is that of the setting that holds the text.

    In `prose`, the word "password" in a URL is a placeholder. With `pairs`, the names in JSON are examined too.
    """
    if len(text) < _MIN_LENGTH:
        return
    if "-----" in text:
        text = _PUBLIC_PEM.sub(lambda match: "\n" * match[0].count("\n"), text)
    text = _LONG_BASE64.sub("", text)
    for match in _PRIVATE_KEY.finditer(text) if "PRIVATE KEY" in text or "AGE-SECRET" in text else ():
        yield Credential(kind=CredentialKind.PRIVATE_KEY, line=_line(text, match), what="a private key")
    for what, (literal, pattern) in _TOKENS.items():
        for match in pattern.finditer(text) if literal in text else ():
            yield Credential(kind=CredentialKind.TOKEN, line=_line(text, match), what=what)
    for match in _JWT.finditer(text) if ".eyJ" in text else ():
        if _is_jwt(match[1]):
            yield Credential(kind=CredentialKind.TOKEN, line=_line(text, match), what="a JSON Web Token")
    for match in _FERNET.finditer(text):
        if not _DIGEST_NAME.search(name) and _is_fernet(text, match):
            yield Credential(kind=CredentialKind.TOKEN, line=_line(text, match, 1), what="a Fernet key")
    for match in _URL_WITH_PASSWORD.finditer(text) if "://" in text else ():
        if not is_placeholder(match["value"], prose=prose):
            yield Credential(kind=CredentialKind.PASSWORD_IN_URL, line=_line(text, match), what="a URL with a password")
    for match in _JSON_PAIR.finditer(text) if pairs and '"' in text else ():
        if is_secret(match["name"], match["value"]):
            yield Credential(
                kind=CredentialKind.LITERAL,
                line=_line(text, match),
                what=f"the value of {displayed_name(match['name'])}",
            )


def _line(text: str, match: re.Match[str], group: int = 0) -> int:
    return text.count("\n", 0, match.start(group))


def _is_jwt(head: str) -> bool:
    try:
        return b'"alg"' in base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    except ValueError:
        return False


def _is_fernet(text: str, match: re.Match[str]) -> bool:
    key = match[1]
    kinds = (str.isupper, str.islower, str.isdigit)
    if not all(any(kind(letter) for letter in key) for kind in kinds):
        return False
    start = text.rfind("\n", 0, match.start(1)) + 1
    before = text[text.rfind("\n", 0, max(start - 1, 0)) + 1 : max(start - 1, 0)].strip()
    # Not the last line of a longer base64 block, nor a digest named as one.
    return not re.fullmatch(r"[A-Za-z0-9+/]{60,}", before) and not _DIGEST_NAME.search(text[start : match.start(1)])


_LOGIN = r"[A-Z0-9_]*(?:PASSWORD|PASSWD|PASSPHRASE)|[A-Z0-9_]+_(?:PWD|PASS)"
# AIRFLOW__CORE__FERNET_KEY_SECRET and …_CMD name where a value is stored, so the suffix `_SECRET` alone is no sign.
_SECRETS = (
    r"(?:JWT|CLIENT|APP|API|CONSUMER|SHARED|WEBHOOK|SESSION|COOKIE|AUTH|HMAC|SIGNING)_?SECRET"
    r"|SECRET_?KEY|SECRET_ACCESS_KEY|FERNET_KEYS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY|ENCRYPTION_KEY|SIGNING_KEY|ACCOUNT_KEY"
    r"|TOKEN|CREDENTIALS?"
)
_SENSITIVE = re.compile(rf"(?P<password>{_LOGIN})|(?:[A-Z0-9_]*_)?(?:{_SECRETS})")
_ENDS_IN_SECRET = re.compile(r"(?:^|_)SECRET$")
# Unambiguous as a key of any YAML mapping; `secretKey` and `id-token`, for example, also name other things.
_UNAMBIGUOUS = re.compile(rf"{_LOGIN}|(?:[A-Z0-9_]*_)?(?:CLIENT_SECRET|FERNET_KEYS?|SECRET_ACCESS_KEY)")
_MIN_LENGTH = 8  # shorter texts can only be passwords
_REFERENCE = re.compile(
    r"\$[({]|^\$[A-Za-z_]\w*$|\{.*\}|%\(|%s|^<.*>$|^ENC\[|^(?:vault|ref\+\w+|op|file|arn|projects|secretsmanager|ssm|gcpsm|akv)[:/]"
)
_PLACEHOLDER = re.compile(
    r"[*.xX_\-…#?: ]+|(?:(?:your|my|the|a|some)[-_ ]?)?"
    r"(?:change|replace|insert|enter|fill)[-_ ]?(?:it|me|this|here|in|with)?(?:[-_ ].*)?|your[-_ ].*"
    r"|todo|tbd|redacted|placeholder|example|dummy|none|null|nil|true|false|yes|no|on|off|enabled|disabled|",
    re.I,
)
_PROSE_PLACEHOLDER = re.compile(
    r"(?:my|your|the)?[-_]?(?:password|passwd|pass|pwd|secret|token|user|username|pw)|\[[^\]]*\]", re.I
)
_PATH = re.compile(r"[.~]{0,2}/\S*")


def is_secret(name: str, value: str, *, certain: bool = False) -> bool:
    """Whether a setting holds a secret: its name is sensitive, and its value is no placeholder, path or reference.

    With `certain`, only an unambiguous name counts.
    """
    upper = _upper_snake(name)
    if certain and not _UNAMBIGUOUS.fullmatch(upper):
        return False
    match = _SENSITIVE.fullmatch(upper)
    if not match or is_placeholder(value) or _PATH.fullmatch(value.strip()):
        return False
    if not match["password"] and (len(value.strip()) < _MIN_LENGTH or value.strip().isdigit()):
        return False
    # The value may be the name of another setting.
    return not (value.isupper() and "_" in value and _SENSITIVE.fullmatch(value))


def names_secret(name: str) -> bool:
    """Whether a setting's name is sensitive, whatever its value."""
    return any(
        _SENSITIVE.fullmatch(text) or _ENDS_IN_SECRET.search(text) for text in (name.upper(), _upper_snake(name))
    )


def holds_private_key(data: bytes) -> bool:
    """Whether bytes hold a private key or its PEM header; for files in which neither is acceptable."""
    return _PRIVATE_KEY_OR_HEADER.search(data) is not None


def is_placeholder(value: str, *, prose: bool = False) -> bool:
    """Whether a value is a placeholder: a reference, a word like "changeme", dots, or empty."""
    text = value.strip()
    if _REFERENCE.search(text) or _PLACEHOLDER.fullmatch(text):
        return True
    return prose and bool(_PROSE_PLACEHOLDER.fullmatch(text))


def _upper_snake(name: str) -> str:
    if len(name) > 200 or "/" in name:  # an annotation such as example.com/password is metadata about a password
        return ""
    return re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).upper()


def displayed_name(name: str) -> str:
    """A setting's name for a message; "a setting" where it may be a value that was written in the place of a name."""
    return name if re.fullmatch(r"[A-Za-z][\w./-]{0,80}", name) and not any(find(name)) else "a setting"
