"""Hosting: the web pages and the API of a repository on its forge, derived from its URL without a request."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from bootstrap.config.remote import Address, Forge, Remote
from bootstrap.core.errors import BadOption

# Characters of a pull request's body. GitHub refuses more than 65,536 ("body is too long"), GitLab more than 1,048,576
# (`description_max_length`). Gitea and Forgejo have no limit (LONGTEXT), so theirs is GitLab's.
BODY_LIMITS = {
    Forge.GITHUB: 65_536,
    Forge.GITLAB: 1_048_576,
    Forge.GITEA: 1_048_576,
    Forge.FORGEJO: 1_048_576,
}
# Hosts for SSH on port 443, which have no web pages.
_SSH_HOSTS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "altssh.gitlab.io": "gitlab.com"}


def web_address(remote: Remote) -> Address:
    """The address of the web pages of a remote's forge, as far as the remote's URL implies it."""
    return Address(scheme="https", host=_SSH_HOSTS.get(remote.host, remote.host)) if remote.is_ssh else remote.address


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedRepository:
    """A repository on its forge. `web` is the URL of the forge's start page, without a slash at the end."""

    forge: Forge
    web: str
    owner: str
    name: str

    @classmethod
    def of(cls, remote: Remote, forge: Forge, web: str | None = None) -> "HostedRepository":
        """The repository of a remote. `web` is needed where its URL does not imply it: SSH with pages on a port.

        Raises BadOption where the URL has no owner.
        """
        parts = remote.path.removesuffix(".git").split("/")
        if web is not None:
            folder = [part for part in urlsplit(web).path.split("/") if part]
            if parts[: len(folder)] == folder and not remote.is_ssh:
                parts = parts[len(folder) :]
            web = web.rstrip("/")
        elif remote.is_ssh:
            web = str(web_address(remote))
        else:
            # The forge may be in a folder of its host. Only GitLab has owners of several parts (subgroups).
            folder = [] if forge is Forge.GITLAB else parts[:-2]
            parts = parts[len(folder) :]
            web = "/".join((str(web_address(remote)), *folder))
        if len(parts) < 2 or (forge is not Forge.GITLAB and len(parts) > 2):
            raise BadOption(
                f"the repository URL {remote.url} does not name an owner and a repository of {forge.proper_name}",
                hint="a pull request needs a URL that ends in OWNER/REPO",
            )
        return cls(forge=forge, web=web, owner="/".join(parts[:-1]), name=parts[-1])

    @property
    def address(self) -> Address:
        """The forge's address, the only one to which its token is sent."""
        return Address.parse(self.web)

    @property
    def host(self) -> str:
        """The forge's host, with its port where that is not the scheme's default."""
        return str(self.address).partition("://")[2]

    @property
    def slug(self) -> str:
        """`OWNER/NAME`."""
        return f"{self.owner}/{self.name}"

    @property
    def page(self) -> str:
        """The URL of the repository's page."""
        return f"{self.web}/{quote(self.slug)}"

    @property
    def api(self) -> str:
        """The base URL of the API."""
        if self.forge is Forge.GITLAB:
            return f"{self.web}/api/v4"
        if self.forge is not Forge.GITHUB:
            return f"{self.web}/api/v1"
        if self.host == "github.com" or self.host.endswith(".ghe.com"):
            return f"https://api.{self.host}"
        return f"{self.web}/api/v3"

    def compare_url(self, old: str, new: str) -> str:
        """The URL of the page that compares two commits or branches."""
        between = f"{quote(old)}...{quote(new)}"
        return f"{self.page}/-/compare/{between}" if self.forge is Forge.GITLAB else f"{self.page}/compare/{between}"

    def new_pull_request_url(self, base: str, branch: str) -> str:
        """The URL of the page on which a person opens a pull request."""
        if self.forge is Forge.GITLAB:
            query = {"merge_request[source_branch]": branch, "merge_request[target_branch]": base}
            return f"{self.page}/-/merge_requests/new?{urlencode(query)}"
        return self.compare_url(base, branch) + ("?expand=1" if self.forge is Forge.GITHUB else "")
