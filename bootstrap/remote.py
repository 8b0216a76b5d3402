"""Where an environment repo lives, parsed once from its URL."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from bootstrap.errors import BadOption

_SCP = re.compile(r"^(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+\.[\w.-]+|localhost):(?!//)(?P<path>[^\s]+)$")
_HINT = "write it as https://HOST/OWNER/REPO.git or git@HOST:OWNER/REPO.git"


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
class Remote:
    """A repository's URL and the parts of it that others ask for."""

    url: str
    scheme: str
    host: str
    path: str

    @classmethod
    def parse(cls, text: str) -> "Remote":
        """Read a URL that a controller can clone: https, http, ssh, or Git's short form `user@host:path`.

        Raises BadOption for anything else, and for a URL that carries a password.
        """
        if match := _SCP.match(text):
            return cls(url=text, scheme="ssh", host=match["host"].lower(), path=match["path"].strip("/"))
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise BadOption(f"the repository URL {text.split('@')[-1]!r} can't be read", hint=_HINT) from None
        if parts.password or (parts.username and parts.scheme in ("http", "https")):
            raise BadOption(
                f"the repository URL for {host} holds a password or token, which would be committed in the clear",
                hint="leave it out of the URL; the runbook shows how to give it to the controller",
            )
        if parts.scheme not in ("http", "https", "ssh") or not host or not parts.path.strip("/"):
            raise BadOption(f"the repository URL {text!r} is not one that a controller can clone", hint=_HINT)
        if re.search(r"\s", text) or parts.query or parts.fragment:
            raise BadOption(f"the repository URL {text!r} has more than scheme, host and path", hint=_HINT)
        return cls(url=text, scheme=parts.scheme, host=host, path=parts.path.strip("/"))

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
