"""A token goes to a host that the user or the CI system names, never to one that only taxiway.yaml names."""

import contextlib
import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from httpx import Request, Response

from bootstrap.config.remote import Forge, Remote
from bootstrap.core.errors import BadOption, BadTarget, ForgeFailed
from bootstrap.forges import client, http, tokens, trusted_hosts
from bootstrap.forges.errors import Refused
from bootstrap.forges.hosting import HostedRepository
from bootstrap.gitrepo import command
from bootstrap.system import files
from tests import environment_repo
from tests.commands.test_init import git
from tests.conftest import Taxiway
from tests.forge.loopback import Reply, Server, serving
from tests.forge.test_failures import FINDING, REPOSITORY
from tests.test_architecture import TREES, imports

TOKEN = "tok-3f8a1c77e0d94b52"
HOME = "https://git.example.com/acme/envs.git"


@pytest.fixture(autouse=True)
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A token in every place where one is looked for; the file is there once Git's credential helper was asked."""
    log = tmp_path / "asked"
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITEA_ACTIONS", "FORGEJO_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("TAXIWAY_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "GITLAB_TOKEN", "GITEA_TOKEN", "FORGEJO_TOKEN"):
        monkeypatch.setenv(name, TOKEN)
    with Path(os.environ["HOME"], ".gitconfig").open("a") as config:
        config.write(f'[credential]\n  helper = "!f() {{ cat >>{log}; echo username=x; echo password={TOKEN}; }}; f"\n')
    return log


@pytest.fixture
def server() -> Iterator[Server]:
    """A host that nobody but the repo names."""
    with serving() as running:
        yield running


def clone(folder: Path, *origin: str) -> Path:
    git(folder.parent, "init", "--quiet", folder.name)
    for url in origin:
        git(folder, "config", "--add", "remote.origin.url", url)
    return folder


def checked(hosted: HostedRepository, top: Path, environment: Mapping[str, str] | None = None) -> bool:
    """Whether a token may be sent to a host; if not, the error names it and the command that would trust it."""
    try:
        trusted_hosts.require_trusted_host(hosted, top, environment or {})
    except ForgeFailed as err:
        assert str(hosted.address) in err.message
        assert "git config" in err.hint and err.hint.endswith(str(hosted.address))
        assert "\n" not in err.message + err.hint
        return False
    return True


@pytest.mark.parametrize(
    ("origin", "repository", "web", "trusted"),
    [
        (HOME, HOME, None, True),
        ("https://git.example.com:443/acme/envs", HOME, None, True),
        ("https://GIT.example.com/acme/envs", HOME, None, True),
        ("https://me:secret@git.example.com/acme/envs", HOME, None, True),
        ("git@git.example.com:acme/envs.git", HOME, None, True),
        ("ssh://git@git.example.com:2222/acme/envs.git", HOME, None, True),
        ("ssh://git@ssh.github.com:443/acme/envs.git", "https://github.com/acme/envs", None, True),
        ("https://git.example.com:8443/acme/envs", "git@git.example.com:a/b", "https://git.example.com:8443", True),
        ("http://127.0.0.1:3000/acme/envs", "http://127.0.0.1:3000/acme/envs", None, True),
        ("http://[::1]:3000/acme/envs", "http://[::1]:3000/acme/envs", None, True),
        # Another host, however much it looks like the one.
        (HOME, "https://evil.example/acme/envs.git", None, False),
        (HOME, "https://git.example.com.evil.example/acme/envs.git", None, False),
        (HOME, "https://evilgit.example.com/acme/envs.git", None, False),
        (HOME, "https://example.com/acme/envs.git", None, False),
        (HOME, "https://sub.git.example.com/acme/envs.git", None, False),
        (HOME, "git@evil.example:acme/envs.git", None, False),
        (HOME, "ssh://git@ssh.github.com:443/acme/envs.git", None, False),
        (HOME, HOME, "https://evil.example", False),
        (HOME, HOME, "https://evil.example/git.example.com", False),
        ("https://evil.example/git.example.com/envs", HOME, None, False),
        ("https://git.example.com@evil.example/a/b", HOME, None, False),
        # Another port, or another protocol, is another server on the same machine.
        (HOME, "https://git.example.com:8443/acme/envs.git", None, False),
        (
            "git@git.example.com:acme/envs.git",
            "git@git.example.com:acme/envs.git",
            "https://git.example.com:8443",
            False,
        ),
        ("ssh://git@git.example.com:8443/acme/envs.git", HOME, "https://git.example.com:8443", False),
        (HOME, "http://git.example.com/acme/envs.git", None, False),
        ("http://git.example.com/acme/envs", "http://git.example.com/acme/envs.git", None, False),
        ("https://127.0.0.1:3000/acme/envs", "http://127.0.0.1:3000/acme/envs", None, False),
        ("http://127.0.0.1:3000/acme/envs", "http://127.0.0.1:3001/acme/envs", None, False),
        ("http://127.0.0.1:3000/acme/envs", "http://localhost:3000/acme/envs", None, False),
        # No forge at all.
        ("/srv/git/envs.git", HOME, None, False),
        ("", HOME, None, False),
        ("work:acme/envs.git", HOME, None, False),
    ],
)
def test_the_remote_of_the_user_decides(
    tmp_path: Path, origin: str, repository: str, web: str | None, trusted: bool
) -> None:
    hosted = HostedRepository.of(Remote.parse(repository), Forge.GITEA, web)
    assert checked(hosted, clone(tmp_path / "clone", *filter(None, [origin]))) is trusted


def test_what_git_resolves_the_remote_to_counts(tmp_path: Path) -> None:
    top = clone(tmp_path / "clone", "work:acme/envs.git")
    hosted = HostedRepository.of(Remote.parse(HOME), Forge.GITEA)
    git(top, "config", "--global", "url.https://git.example.com/.insteadOf", "work:")
    assert checked(hosted, top)
    git(top, "config", "--global", "--remove-section", "url.https://git.example.com/")
    assert not checked(hosted, top)
    git(top, "config", "remote.origin.pushurl", "git@git.example.com:acme/envs.git")
    assert checked(hosted, top)


@pytest.mark.parametrize(
    ("settings", "url", "trusted"),
    [
        ({"taxiway.forge.other.example": "true"}, "https://other.example/a/b", True),
        ({"taxiway.forge.Other.Example": "yes"}, "https://other.example/a/b", True),
        ({"taxiway.forge.other.example": "https://other.example:8443"}, "https://other.example:8443/a/b", True),
        ({"taxiway.forge.other.example": "http://other.example:3000"}, "http://other.example:3000/a/b", True),
        ({"taxiway.forge": "http://10.0.0.7:3000"}, "http://10.0.0.7:3000/a/b", True),
        ({"taxiway.forge": "https://[fd00::7]/folder"}, "https://[fd00::7]/a/b", True),
        ({"taxiway.forge.other.example": "true"}, "https://other.example:8443/a/b", False),
        ({"taxiway.forge.other.example": "true"}, "http://other.example/a/b", False),
        ({"taxiway.forge.other.example": "false"}, "https://other.example/a/b", False),
        ({"taxiway.forge.other.example": "https://evil.example"}, "https://evil.example/a/b", False),
        ({"taxiway.forge.other.example": "https://evil.example"}, "https://other.example/a/b", False),
        ({"taxiway.forge.example": "true"}, "https://other.example/a/b", False),
        ({"taxiway.forge": "true"}, "https://other.example/a/b", False),
        ({"taxiway.forgery": "https://other.example"}, "https://other.example/a/b", False),
        ({"taxiway.forge": "https://other.example\nhttps://evil.example"}, "https://evil.example/a/b", False),
    ],
)
@pytest.mark.parametrize("scope", ["--global", "--local"])
def test_the_user_may_trust_another_host(
    tmp_path: Path, settings: dict[str, str], url: str, trusted: bool, scope: str
) -> None:
    top = clone(tmp_path / "clone", HOME)
    for name, value in settings.items():
        git(top, "config", scope, name, value)
    assert checked(HostedRepository.of(Remote.parse(url), Forge.GITEA), top) is trusted


@pytest.mark.parametrize("url", ["https://other.example:8443/a/b", "http://10.0.0.7:3000/a/b", "http://[fd00::7]/a/b"])
def test_the_command_of_the_hint_is_the_one_that_it_takes(tmp_path: Path, url: str) -> None:
    top, hosted = clone(tmp_path / "clone", HOME), HostedRepository.of(Remote.parse(url), Forge.GITEA)
    with pytest.raises(ForgeFailed) as caught:
        trusted_hosts.require_trusted_host(hosted, top, {})
    assert "https://git.example.com" in caught.value.message
    git(top, *caught.value.hint.partition("git ")[2].split())
    assert checked(hosted, top)


@pytest.mark.parametrize(
    ("environment", "trusted"),
    [
        ({"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://ci.example"}, True),
        ({"GITLAB_CI": "true", "CI_SERVER_URL": "https://ci.example"}, True),
        ({"GITEA_ACTIONS": "true", "GITHUB_SERVER_URL": "https://ci.example"}, True),
        ({"FORGEJO_ACTIONS": "true", "FORGEJO_SERVER_URL": "https://ci.example/"}, True),
        ({"GITHUB_SERVER_URL": "https://ci.example"}, False),  # left over in a shell: this is no CI
        ({"GITHUB_ACTIONS": "true", "CI_SERVER_URL": "https://ci.example"}, False),
        ({"GITLAB_CI": "true", "CI_SERVER_URL": "http://ci.example"}, False),
        ({"GITLAB_CI": "true", "CI_SERVER_URL": "https://ci.example:8443"}, False),
        ({"GITLAB_CI": "true", "CI_SERVER_URL": "https://ci.example@evil.example"}, False),
    ],
)
def test_in_ci_its_own_server_is_named(tmp_path: Path, environment: dict[str, str], trusted: bool) -> None:
    top = clone(tmp_path / "clone", "/srv/mirror/envs.git")
    assert (
        checked(HostedRepository.of(Remote.parse("https://ci.example/a/b"), Forge.GITLAB), top, environment) is trusted
    )
    assert not checked(HostedRepository.of(Remote.parse("https://evil.example/a/b"), Forge.GITLAB), top, environment)


@pytest.mark.parametrize("kind", list(Forge), ids=str)
def test_nothing_is_looked_for_and_nothing_sent(tmp_path: Path, server: Server, asked: Path, kind: Forge) -> None:
    hosted = HostedRepository.of(Remote.parse(f"{server.url}/acme/envs.git"), kind)
    with (
        pytest.raises(ForgeFailed, match="no token is looked for"),
        client.connect(hosted, clone(tmp_path / "clone", HOME), progress=lambda _: contextlib.nullcontext()) as pulls,
    ):
        pulls.find("taxiway/x", "main")
    assert (server.received, asked.exists()) == ([], False)


def environment_repo_of(folder: Path, text: bytes) -> Path:
    """An environment repo that says this in taxiway.yaml; the user cloned it from git.example.com."""
    clone(folder, HOME)
    files.write_new(folder, environment_repo.repo("dev"))
    (folder / "taxiway.yaml").write_bytes(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "all")
    return folder


@pytest.mark.parametrize("field", ["repository", "web"])
def test_a_comment_goes_through_the_same_door(
    tmp_path: Path, server: Server, asked: Path, taxiway: Taxiway, field: str
) -> None:
    known = environment_repo.model("dev")
    there = known.remote.url
    text = known.render().decode()
    text = text.replace(there, f"{server.url}/acme/envs.git") if field == "repository" else f"{text}web: {server.url}\n"
    top = environment_repo_of(tmp_path / "clone", text.encode())
    said = taxiway("diff", "--comment", "7", "--directory", top)
    assert (said.code, "no token is looked for" in said.err) == (10, True), said.err
    assert f"git config --add taxiway.forge {server.url}" in said.err.replace("\n", " ")
    assert (server.received, asked.exists(), TOKEN in said.out + said.err) == ([], False, False)
    git(top, "config", "--add", "taxiway.forge", server.url)
    assert taxiway("diff", "--comment", "7", "--directory", top).code == 10
    assert server.received  # as the user wanted it


def test_only_one_door_leads_to_tokens_and_forges() -> None:
    for name in TREES:
        used = {each for each in imports(name) if each.startswith("bootstrap.")}
        if not name.startswith("forges"):
            open_to_all = ("bootstrap.forges.hosting", "bootstrap.forges.pull_request")
            used = {each for each in used if each.startswith("bootstrap.forges") and not each.startswith(open_to_all)}
            through = "bootstrap.forges", "bootstrap.forges.client", "bootstrap.forges.client.PullRequests"
            assert used <= (set(through) if name in ("pullrequests.comments", "pullrequests.publish") else set()), name


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "git.example.com\nhost=evil.example"},
        {"path": "acme/envs.git\nprotocol=http"},
        {"path": "acme/envs.git\r"},
        {"scheme": "https\0"},
        {"host": "git.example.com\u2028host=evil.example"},
    ],
)
def test_no_line_end_reaches_the_credential_protocol(tmp_path: Path, asked: Path, wrong: dict[str, str]) -> None:
    parts = {"scheme": "https", "host": "git.example.com", "path": "acme/envs.git"}
    with pytest.raises(BadOption, match="control character"):
        command.stored_password(tmp_path, **{**parts, **wrong})
    assert not asked.exists()
    assert command.stored_password(tmp_path, **parts) == TOKEN
    assert asked.read_text().startswith("protocol=https\nhost=git.example.com\n")


def test_a_credential_helper_of_a_committed_bare_repository_is_not_asked(tmp_path: Path) -> None:
    """Git takes a folder that is made like a bare repository for one, with the configuration that it holds."""
    top = clone(tmp_path / "clone", HOME) / "docs"
    git(tmp_path / "clone", "init", "--quiet", "--bare", "docs")
    git(top, "config", "remote.origin.url", "https://evil.example/acme/envs.git")
    git(top, "config", "credential.helper", f"!touch {tmp_path}/run; echo password=theirs")
    hosted = HostedRepository.of(Remote.parse("https://evil.example/acme/envs.git"), Forge.GITEA)
    with pytest.raises(BadTarget, match="made like a bare Git repository"):
        trusted_hosts.require_trusted_host(hosted, top, {})
    with pytest.raises(BadTarget, match="made like a bare Git repository"):
        tokens.find(hosted, top, {})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("kind", [Forge.GITHUB, Forge.GITLAB, Forge.GITEA], ids=str)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_token_is_not_sent_in_the_clear_because_the_server_says_so(
    tmp_path: Path, server: Server, kind: Forge, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTPS that leads to HTTP on the very same host and port."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", *words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    url = f"https://localhost:{server.server_port}"
    with serving() as clear:
        for place in (f"http://localhost:{server.server_port}/x", f"http://localhost:{clear.server_port}/x"):
            for request in FINDING[kind]:
                server.on(request, Reply(status=status, body=REPOSITORY, headers={"Location": place}))
            hosted = HostedRepository.of(Remote.parse(f"{url}/acme/envs.git"), kind)
            top = clone(tmp_path / f"clone-{place.count('1')}-{len(server.received)}", f"{url}/acme/envs.git")
            with (
                pytest.raises(ForgeFailed, match="sends on to http://localhost"),
                client.connect(hosted, top, progress=lambda _: contextlib.nullcontext()) as pulls,
            ):
                pulls.find("taxiway/x", "main")
        assert clear.received == []


@pytest.mark.parametrize(
    "place",
    ["http://git.example.com/x", "https://git.example.com:444/x", "//evil.example/x", "://evil.example/x", "http:/x"],
)
def test_a_redirect_that_leaves_the_server_is_refused(place: str) -> None:
    def check(location: str) -> object:
        request = Request("GET", "https://git.example.com/api")
        return http.redirect_target(Response(302, headers={"location": location}, request=request))

    with pytest.raises(Refused):
        check(place)
    for own in ("/other", "https://git.example.com/other", "https://GIT.example.com:443/other"):
        assert check(own) == "https://git.example.com/other"
