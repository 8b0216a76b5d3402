"""Where an environment repo lives, parsed once from its URL."""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from bootstrap.core import control_characters
from bootstrap.core.errors import BadOption

_LONGEST = 2000  # characters
# The only syntax of a URL that is taken (a part of RFC 3986). Nothing is decoded, cut off or guessed: what stands here
# is also read by Git, by HTTP clients, by shells in the runbook and by controllers, each in its own way.
_URL = re.compile(
    r"(?P<scheme>[A-Za-z]+)://(?P<login>[^/?#]*@)?(?P<host>\[[^\]]*\]|[^/:?#]*)(?P<port>:[^/]*)?(?P<path>/.*)?"
)
_SCP = re.compile(r"(?:(?P<login>[^@:/]+)@)?(?P<host>[^@:/]+\.[^@:/]+|localhost):(?!//)(?P<path>.+)")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_SEGMENT = re.compile(r"(?!-)(?:[A-Za-z0-9._~+@-]|%[0-9A-Fa-f]{2})+")
_ENCODED_SAFELY = re.compile(r"[^/\\%?#\x00-\x1f\x7f]+")
# What git-check-ref-format refuses, a name that is an option, and what a shell would act on in a command of the
# runbook.
_NO_BRANCH = re.compile(
    r"\A[-./]|[/.]\Z|\.\.|//|/\.|\.lock(/|\Z)|@\{|\A@?\Z|\AHEAD\Z|[\s\x00-\x20\x7f~^:?*\[\\]|[$`\"'();&|<>{}!]"
)
_PORTS = {"https": 443, "http": 80, "ssh": 22}
_HINT = "write it as https://HOST/OWNER/REPO.git or git@HOST:OWNER/REPO.git"
_WEB_HINT = "write it as https://HOST, with :PORT and /FOLDER where it has them"


class Forge(StrEnum):
    """The Git host that runs the checks and takes the pull requests."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FORGEJO = "forgejo"

    @property
    def proper_name(self) -> str:
        """The name as its own project writes it."""
        return {"github": "GitHub", "gitlab": "GitLab"}.get(self.value, self.value.capitalize())


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server listens: scheme, host and port, which is None where it is the scheme's own."""

    scheme: str
    host: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read the address of a forge's own first page, or of a page below it: HTTPS, or HTTP.

        Raises BadOption for anything else, for a login in it, and for characters that no such URL needs.
        """
        return _read(text, "the address", ("https", "http"), _WEB_HINT)[0]

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself, so that nothing of a connection can be read on a network."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")


def web(text: str) -> str:
    """The URL of a forge's first page. Raises BadOption for anything but HTTPS, or HTTP on this machine itself."""
    address = _read(text, "the address of the forge's pages", ("https", "http"), _WEB_HINT)[0]
    if address.scheme == "http" and not address.is_loopback:
        raise BadOption(f"the address of the forge's pages, {text}, is not HTTPS", hint=_WEB_HINT)
    return text


def branch(name: str) -> str:
    """The name of a branch. Raises BadOption for what Git does not take, or what is an option or more to a program."""
    if _NO_BRANCH.search(name) or not name.isprintable():
        raise BadOption(f"{name!r} can't be the name of a branch", hint="use letters, digits, '-', '_', '.' and '/'")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A repository's URL and the parts of it that others ask for; `port` is None where it is the scheme's own."""

    url: str
    scheme: str
    host: str
    path: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Remote":
        """Read a URL that a controller can clone: https, http, ssh, or Git's short form `user@host:path`.

        Raises BadOption for anything else, for a URL with a password, and for characters that no such URL needs.
        """
        address, path = _read(text, "the repository URL", ("https", "http", "ssh"), _HINT)
        if not path:
            raise BadOption(f"the repository URL {text!r} is not one that a controller can clone", hint=_HINT)
        return cls(url=text, scheme=address.scheme, host=address.host, path=path, port=address.port)

    @property
    def address(self) -> Address:
        """Where the server listens."""
        return Address(scheme=self.scheme, host=self.host, port=self.port)

    @property
    def is_ssh(self) -> bool:
        """Whether the controller signs in with an SSH key instead of a user name and password."""
        return self.scheme == "ssh"

    @property
    def as_url(self) -> str:
        """The URL with a scheme: Flux takes no `user@host:path` (source.toolkit.fluxcd.io GitRepository)."""
        if "://" in self.url:
            return self.url
        login, _, path = self.url.partition(":")
        return f"ssh://{login}/{path.lstrip('/')}"

    @property
    def name(self) -> str:
        """The repository's own name, without owner and suffix."""
        return self.path.rsplit("/", 1)[-1].removesuffix(".git")

    def guess_forge(self) -> Forge:
        """The forge that the host's name points at.

        A host that says nothing is taken for GitHub, whose workflow files also run on Gitea and Forgejo.
        """
        if self.host == "codeberg.org":
            return Forge.FORGEJO
        return next((forge for forge in Forge if forge.value in self.host), Forge.GITHUB)


def _read(text: str, what: str, schemes: tuple[str, ...], hint: str) -> tuple[Address, str]:
    """The address and the path of a URL, without slashes around it. Raises BadOption, never quoting a login."""
    control_characters.reject(what, text[:_LONGEST])
    short = "ssh" in schemes and "://" not in text
    match = (_SCP if short else _URL).fullmatch(text)
    scheme = "ssh" if short else match["scheme"].lower() if match else ""
    if match is None or len(text) > _LONGEST or scheme not in schemes or not match["host"]:
        wrong = "is not one that a controller can clone" if "ssh" in schemes else "is not that of a web page"
        raise BadOption(f"{what} {text.split('@')[-1][:_LONGEST]!r} {wrong}", hint=hint)
    host, login = match["host"].lower(), (match["login"] or "").removesuffix("@")
    if match["login"] is not None and (scheme != "ssh" or ":" in login):
        raise BadOption(
            f"{what} for {host!r} holds a password or token, which would be committed in the clear",
            hint="leave it out of the URL; the runbook shows how to give it to the controller",
        )
    if match["login"] is not None and not _USER.fullmatch(login):
        raise BadOption(f"{what} has {login!r} as its user, which is none", hint=hint)
    port = None if short else _port(what, match["port"], hint)
    path = (match["path"] or "").strip("/")
    for segment in path.split("/") if path else ():
        _check_segment(what, segment, hint)
    host = _host(what, host, hint)
    return Address(scheme=scheme, host=host, port=None if port == _PORTS[scheme] else port), path


def _host(what: str, host: str, hint: str) -> str:
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1] if "%" not in host else ""))
        except ValueError:
            pass
    elif len(host) <= 253 and all(_LABEL.fullmatch(label) and len(label) <= 63 for label in host.split(".")):
        return host
    raise BadOption(f"{what} has {host!r} as its host, which is no host's name", hint=hint)


def _port(what: str, text: str | None, hint: str) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(":[0-9]{1,5}", text) or not 0 < int(text[1:]) < 65536:
        raise BadOption(f"{what} can't be read: {text[1:]!r} is no port", hint=hint)
    return int(text[1:])


def _check_segment(what: str, segment: str, hint: str) -> None:
    if segment not in (".", "..") and _SEGMENT.fullmatch(segment):
        decoded = unquote(segment, errors="surrogateescape")
        if (
            decoded not in (".", "..")
            and _ENCODED_SAFELY.fullmatch(decoded)
            and not control_characters.PATTERN.search(decoded)
        ):
            return
    raise BadOption(f"{what} has {segment!r} in its path, where that can't be", hint=hint)
