"""Tokens for a forge: from the environment, from the login of the forge's own CLI, or from Git's credential helper."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from bootstrap.config.remote import Forge
from bootstrap.core.errors import ForgeFailed, MissingTool
from bootstrap.core.secret import Secret
from bootstrap.forges.hosting import HostedRepository
from bootstrap.gitrepo import command
from bootstrap.system import process
from bootstrap.system.child_environment import Child
from bootstrap.yamltools import loader

GENERAL = "TAXIWAY_TOKEN"
# Each forge's token variables, as its CLI and its CI name them; the first that is set is used. Each comes with the
# variables that, where they are set, name the host that the token is for.
VARIABLES: Mapping[Forge, Mapping[str, tuple[str, ...]]] = {
    Forge.GITHUB: {"GH_TOKEN": ("GITHUB_SERVER_URL",), "GITHUB_TOKEN": ("GITHUB_SERVER_URL",)},
    Forge.GITLAB: {"GITLAB_TOKEN": ("GITLAB_HOST",)},
    Forge.GITEA: {"GITEA_TOKEN": ("GITEA_INSTANCE_URL", "GITEA_SERVER_URL")},
    Forge.FORGEJO: {"FORGEJO_TOKEN": ("FORGEJO_SERVER_URL",)},
}
# Like `gh`, taxiway does not send a token of github.com to a GitHub Enterprise server, nor the other way round.
_ENTERPRISE = {"GH_ENTERPRISE_TOKEN": ("GH_HOST",), "GITHUB_ENTERPRISE_TOKEN": ("GH_HOST",)}
_LOGINS = {
    Forge.GITHUB: "gh auth login",
    Forge.GITLAB: "glab auth login",
    Forge.GITEA: "tea login add",
    Forge.FORGEJO: "tea login add",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, and its source for error messages."""

    secret: Secret
    source: str


def find(hosted: HostedRepository, top: Path, environment: Mapping[str, str] = os.environ) -> Token:
    """The first token that is found. Git's credential helpers are those of the clone at `top`.

    Raises ForgeFailed, with the ways to provide one, where there is none.
    """
    for token in _candidates(hosted, top, environment):
        return token
    names = " or ".join([*sorted(set(_variables(hosted, environment)) - {GENERAL}), GENERAL])
    login = _LOGINS[hosted.forge]
    host = f" --hostname {hosted.host}" if hosted.forge in (Forge.GITHUB, Forge.GITLAB) else ""
    job = "; CI_JOB_TOKEN may not open merge requests" if environment.get("CI_JOB_TOKEN") else ""
    raise ForgeFailed(
        f"there is no token for {hosted.host}, so no pull request can be opened there",
        hint=f"set {names}, or run: {login}{host}, or let Git's credential helper keep one for {hosted.web}{job}",
    )


def _candidates(hosted: HostedRepository, top: Path, environment: Mapping[str, str]) -> Iterator[Token]:
    for name in _variables(hosted, environment):
        yield from _token(environment.get(name, ""), name)
    yield from _from_cli(hosted, environment)
    yield from _from_git(hosted, top)


def _variables(hosted: HostedRepository, environment: Mapping[str, str]) -> Iterator[str]:
    """The variables whose token is for this host."""
    yield GENERAL
    if hosted.forge is Forge.GITHUB and not _is_github_com(hosted.host):
        yield from _for_host(_ENTERPRISE, hosted.host, environment)
        # In the CI of a GitHub Enterprise server, GITHUB_TOKEN is that server's.
        if _host(environment.get("GITHUB_SERVER_URL", "")) != hosted.host:
            return
    yield from _for_host(VARIABLES[hosted.forge], hosted.host, environment)


def _for_host(table: Mapping[str, tuple[str, ...]], host: str, environment: Mapping[str, str]) -> Iterator[str]:
    for name, host_variables in table.items():
        hosts = {_host(environment[variable]) for variable in host_variables if environment.get(variable)}
        if not hosts or host in hosts:
            yield name


def _is_github_com(host: str) -> bool:
    return host == "github.com" or host.endswith(".ghe.com")


def _host(url: str) -> str:
    return (urlsplit(url).netloc if "://" in url else url.split("/")[0]).lower()


def _token(text: str, source: str) -> Iterator[Token]:
    # A line end, as from a file, would make an invalid header.
    if text.strip():
        yield Token(secret=Secret(text.strip().encode()), source=source)


def _from_cli(hosted: HostedRepository, environment: Mapping[str, str]) -> Iterator[Token]:
    if hosted.forge is Forge.GITHUB:
        yield from _from_command("gh", "auth", "token", "--hostname", hosted.host)
    elif hosted.forge is Forge.GITLAB:
        yield from _from_command("glab", "config", "get", "token", "--host", hosted.host)
    else:
        yield from _from_tea(hosted, environment)


def _from_command(name: str, *arguments: str) -> Iterator[Token]:
    program = process.find_program(name)
    if program is None:
        return
    try:
        finished = process.run([program, *arguments], child=Child.FORGE_CLI)
    except MissingTool:
        return
    if finished.code == 0:
        yield from _token(finished.out.decode(errors="replace"), f"the login of {name}")


def _from_tea(hosted: HostedRepository, environment: Mapping[str, str]) -> Iterator[Token]:
    """Tokens in tea's file, since tea has no command that prints one: `logins`, each with `url` and `token`."""
    folder = environment.get("XDG_CONFIG_HOME") or str(Path(environment.get("HOME", "~")).expanduser() / ".config")
    try:
        data = loader.load((Path(folder) / "tea" / "config.yml").read_bytes())
        logins = [login for login in data["logins"] if _host(str(login["url"])) == hosted.host]
        # Newer logins keep the token in the system's keyring, and have an empty one here.
        tokens = [str(login["token"]) for login in logins if login.get("token")]
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return
    yield from (token for text in tokens for token in _token(text, "the login of tea"))


def _from_git(hosted: HostedRepository, top: Path) -> Iterator[Token]:
    password = command.stored_password(top, scheme=hosted.address.scheme, host=hosted.host, path=f"{hosted.slug}.git")
    yield from _token(password or "", "Git's credential helper")
