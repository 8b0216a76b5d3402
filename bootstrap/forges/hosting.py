"""What is known of a repository on its forge without asking the forge: where its pages and its API are."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from bootstrap.config.remote import Address, Forge, Remote
from bootstrap.core.errors import BadOption

# Characters of a pull request's body. GitHub refuses more than 65,536 ("body is too long"), GitLab more than 1,048,576
# (its `description_max_length`). Gitea and Forgejo keep it in a LONGTEXT and set no limit; nobody reads more than that.
BODY_LIMITS = {
    Forge.GITHUB: 65_536,
    Forge.GITLAB: 1_048_576,
    Forge.GITEA: 1_048_576,
    Forge.FORGEJO: 1_048_576,
}
# Hosts that take SSH on port 443 for users behind a firewall; the pages are elsewhere.
_SSH_HOSTS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com", "altssh.gitlab.io": "gitlab.com"}


def pages(remote: Remote) -> Address:
    """Where a remote's forge has its pages, as far as the remote's URL tells."""
    return Address(scheme="https", host=_SSH_HOSTS.get(remote.host, remote.host)) if remote.is_ssh else remote.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """One repository on its forge. `web` is the forge's own first page, without a slash at the end."""

    forge: Forge
    web: str
    owner: str
    name: str

    @classmethod
    def of(cls, remote: Remote, forge: Forge, web: str | None = None) -> "Hosted":
        """Where a remote's pages are; `web` says it where the URL doesn't: SSH beside pages on a port or in a folder.

        Raises BadOption where the URL names no owner.
        """
        parts = remote.path.removesuffix(".git").split("/")
        if web is not None:
            folder = [part for part in urlsplit(web).path.split("/") if part]
            if parts[: len(folder)] == folder and not remote.is_ssh:
                parts = parts[len(folder) :]
            web = web.rstrip("/")
        elif remote.is_ssh:
            web = str(pages(remote))
        else:
            # A host with a folder in front of the owner: only GitLab has owners of several parts.
            folder = [] if forge is Forge.GITLAB else parts[:-2]
            parts = parts[len(folder) :]
            web = "/".join((str(pages(remote)), *folder))
        if len(parts) < 2 or (forge is not Forge.GITLAB and len(parts) > 2):
            raise BadOption(
                f"the repository URL {remote.url} does not name an owner and a repository of {forge.proper_name}",
                hint="a pull request needs a URL that ends in OWNER/REPO",
            )
        return cls(forge=forge, web=web, owner="/".join(parts[:-1]), name=parts[-1])

    @property
    def address(self) -> Address:
        """Where the forge listens: the one place to which a token for it goes."""
        return Address.parse(self.web)

    @property
    def host(self) -> str:
        """The forge's host, with its port where it is not the scheme's own."""
        return str(self.address).partition("://")[2]

    @property
    def slug(self) -> str:
        """Owner and name, as the forge writes them."""
        return f"{self.owner}/{self.name}"

    @property
    def page(self) -> str:
        """The repository's own page."""
        return f"{self.web}/{quote(self.slug)}"

    @property
    def api(self) -> str:
        """Where the API begins."""
        if self.forge is Forge.GITLAB:
            return f"{self.web}/api/v4"
        if self.forge is not Forge.GITHUB:
            return f"{self.web}/api/v1"
        if self.host == "github.com" or self.host.endswith(".ghe.com"):
            return f"https://api.{self.host}"
        return f"{self.web}/api/v3"

    def compare(self, old: str, new: str) -> str:
        """The page that shows what changed between two commits or branches."""
        between = f"{quote(old)}...{quote(new)}"
        return f"{self.page}/-/compare/{between}" if self.forge is Forge.GITLAB else f"{self.page}/compare/{between}"

    def proposing(self, base: str, branch: str) -> str:
        """The page on which a person opens the pull request by hand."""
        if self.forge is Forge.GITLAB:
            asked = {"merge_request[source_branch]": branch, "merge_request[target_branch]": base}
            return f"{self.page}/-/merge_requests/new?{urlencode(asked)}"
        return self.compare(base, branch) + ("?expand=1" if self.forge is Forge.GITHUB else "")
