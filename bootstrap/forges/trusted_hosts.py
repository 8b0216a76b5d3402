"""Which hosts a token may be sent to: those that the user or the CI system names, never one that only a repo names."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bootstrap.config.model import PATH
from bootstrap.config.remote import Address, Remote
from bootstrap.core.errors import BadOption, ForgeFailed
from bootstrap.forges.hosting import Hosted, pages
from bootstrap.gitrepo import command, repository

# Each CI system, by the variable that its runner sets to "true", and the variables in which it says where it is.
_CI = {
    "GITHUB_ACTIONS": ("GITHUB_SERVER_URL",),
    "GITEA_ACTIONS": ("GITEA_SERVER_URL", "GITHUB_SERVER_URL"),
    "FORGEJO_ACTIONS": ("FORGEJO_SERVER_URL", "GITHUB_SERVER_URL"),
    "GITLAB_CI": ("CI_SERVER_URL",),
}


def check(hosted: Hosted, top: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Raise ForgeFailed where nobody but the repo names the forge's host, or where it would be spoken to in the clear.

    Named by the user is what the remote `origin` of the clone at `top` leads to, and what `git config` has under
    `taxiway.forge`; in CI also the server that the CI system says it is of. Only `git config` allows HTTP to others
    than this machine, and another port than the one of `origin`.
    """
    wanted, origin = hosted.address, [*_origin(top)]
    named = [*origin, *_ci(environment)]
    if wanted in [each for each in named if each.scheme == "https" or each.is_loopback] or wanted in _settings(top):
        return
    who = f"the remote origin leads to {origin[0]}" if origin else "the remote origin leads to no forge"
    why = "HTTP would show the token to the network" if wanted in named else f"{PATH} names {wanted}, but {who}"
    raise ForgeFailed(
        f"no token is looked for, and nothing is sent to {wanted}: {why}",
        hint=f"only if that host is the one of your forge: git config {_setting(wanted)} {wanted}",
    )


def _origin(top: Path) -> Iterator[Address]:
    for url in repository.Repository(top).origin_urls():
        try:
            yield pages(Remote.parse(_without_login(url)))
        except BadOption:  # a folder, or the name of a host in the user's configuration of SSH
            continue


def _without_login(url: str) -> str:
    """The URL without the login that a clone's own configuration may hold, unlike taxiway.yaml."""
    return re.sub(r"^(\w+://)[^/]*@", r"\1", url)


def _ci(environment: Mapping[str, str]) -> list[Address]:
    names = [name for flag, named in _CI.items() if environment.get(flag) == "true" for name in named]
    return _addresses(environment.get(name, "") for name in names)


def _settings(top: Path) -> list[Address]:
    """`taxiway.forge = URL`, and `taxiway.forge.HOST` with a URL of that very host, or `true` for https://HOST."""
    found: list[Address] = []
    for name, value in command.settings_matching(top, r"^taxiway\.forge(\..+)?$"):
        host = name.removeprefix("taxiway.forge").removeprefix(".").lower()
        url = f"https://{host}" if host and value.lower() in ("true", "yes", "on", "1") else value
        found += [each for each in _addresses([url]) if host in ("", each.host)]
    return found


def _addresses(urls: Iterable[str]) -> list[Address]:
    found: list[Address] = []
    for url in urls:
        with contextlib.suppress(BadOption):
            found.append(Address.parse(url))
    return found


def _setting(wanted: Address) -> str:
    """The name of the setting for a host: Git takes none that ends in a number, as an address of IP does."""
    by_name = re.search(r"(^|\.)[a-z][a-z0-9-]*$", wanted.host)
    return f"taxiway.forge.{wanted.host}" if by_name else "--add taxiway.forge"
