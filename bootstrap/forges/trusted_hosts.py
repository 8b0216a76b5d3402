"""Trusted hosts: a token goes to hosts that the user or the CI system names, never to one that only the repo names."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bootstrap.config.model import PATH
from bootstrap.config.remote import Address, Remote
from bootstrap.core.errors import BadOption, ForgeFailed
from bootstrap.forges.hosting import HostedRepository, web_address
from bootstrap.gitrepo import command, repository
from bootstrap.gitrepo.remote import without_login

# CI systems by the variable that their runner sets to "true", with the variables that have the server's URL.
_CI = {
    "GITHUB_ACTIONS": ("GITHUB_SERVER_URL",),
    "GITEA_ACTIONS": ("GITEA_SERVER_URL", "GITHUB_SERVER_URL"),
    "FORGEJO_ACTIONS": ("FORGEJO_SERVER_URL", "GITHUB_SERVER_URL"),
    "GITLAB_CI": ("CI_SERVER_URL",),
}


def require_trusted_host(hosted: HostedRepository, top: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Raise ForgeFailed where only the repo names the forge's address, or where it would be used without TLS.

    Trusted are the remote `origin` of the clone at `top`, the settings `taxiway.forge` of `git config`, and in CI the
    server of the CI system. Only `git config` allows HTTP, but to this machine, and a port other than that of `origin`.
    """
    address, origin = hosted.address, [*_origin(top)]
    named = [*origin, *_ci(environment)]
    secure = [other for other in named if other.scheme == "https" or other.is_loopback]
    if address in secure or address in _settings(top):
        return
    where = f"the remote origin leads to {origin[0]}" if origin else "the remote origin leads to no forge"
    why = "HTTP would show the token to the network" if address in named else f"{PATH} names {address}, but {where}"
    raise ForgeFailed(
        f"no token is looked for, and nothing is sent to {address}: {why}",
        hint=f"only if that host is the one of your forge: git config {_setting(address)} {address}",
    )


def _origin(top: Path) -> Iterator[Address]:
    for url in repository.Repository(top).origin_urls():
        try:
            yield web_address(Remote.parse(without_login(url)))  # unlike taxiway.yaml, a clone may have one
        except BadOption:  # a folder, or a host alias of the user's SSH configuration
            continue


def _ci(environment: Mapping[str, str]) -> list[Address]:
    names = [name for flag, variables in _CI.items() if environment.get(flag) == "true" for name in variables]
    return _addresses(environment.get(name, "") for name in names)


def _settings(top: Path) -> list[Address]:
    """Addresses of `taxiway.forge = URL` and `taxiway.forge.HOST`, whose value is a URL of HOST or `true` for HTTPS."""
    addresses: list[Address] = []
    for name, value in command.settings_matching(top, r"^taxiway\.forge(\..+)?$"):
        host = name.removeprefix("taxiway.forge").removeprefix(".").lower()
        url = f"https://{host}" if host and value.lower() in ("true", "yes", "on", "1") else value
        addresses += [address for address in _addresses([url]) if host in ("", address.host)]
    return addresses


def _addresses(urls: Iterable[str]) -> list[Address]:
    addresses: list[Address] = []
    for url in urls:
        with contextlib.suppress(BadOption):
            addresses.append(Address.parse(url))
    return addresses


def _setting(address: Address) -> str:
    """Arguments of `git config` for a host. Git takes no name whose last part begins with a digit, as in 10.0.0.7."""
    by_name = re.search(r"(^|\.)[a-z][a-z0-9-]*$", address.host)
    return f"taxiway.forge.{address.host}" if by_name else "--add taxiway.forge"
