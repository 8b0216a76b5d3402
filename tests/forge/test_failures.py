"""Failures of a forge: each is one sentence; which requests are retried, after which wait, and which never."""

import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.config.remote import Forge
from bootstrap.core.errors import ForgeFailed
from bootstrap.forges import http
from bootstrap.forges.client import PullRequests
from bootstrap.forges.pull_request import Proposal
from tests.forge.conftest import BRANCH, Connect
from tests.forge.loopback import Reply, Server, serving

TOKEN = "tok-3f8a1c77e0d94b52"
PROPOSAL = Proposal(branch=BRANCH, base="main", title="Promote", body="Text.")

# The requests of each forge for the pull requests of a branch, and for a new one.
FINDING = {
    Forge.GITHUB: ("GET /api/v3/repos/acme/envs", "GET /api/v3/repos/acme/envs/pulls"),
    Forge.GITLAB: ("GET /api/v4/projects/acme%2Fenvs", "GET /api/v4/projects/7/merge_requests"),
    Forge.GITEA: ("GET /api/v1/repos/acme/envs", f"GET /api/v1/repos/acme/envs/pulls/main/{BRANCH}"),
    Forge.FORGEJO: ("GET /api/v1/repos/acme/envs", f"GET /api/v1/repos/acme/envs/pulls/main/{BRANCH}"),
}
OPENING = {
    Forge.GITHUB: "POST /api/v3/repos/acme/envs/pulls",
    Forge.GITLAB: "POST /api/v4/projects/7/merge_requests",
    Forge.GITEA: "POST /api/v1/repos/acme/envs/pulls",
    Forge.FORGEJO: "POST /api/v1/repos/acme/envs/pulls",
}
REPOSITORY = {"id": 7, "name": "envs", "full_name": "acme/envs", "owner": {"login": "acme"}, "default_branch": "main"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(params=[Forge.GITHUB, Forge.GITLAB, Forge.GITEA], ids=str)
def kind(request: pytest.FixtureRequest) -> Forge:
    return Forge(request.param)


@pytest.fixture
def pulls(server: Server, kind: Forge, connect: Connect, pauses: list[float]) -> PullRequests:
    """The client of an existing repository without pull requests."""
    repository, finding = FINDING[kind]
    path = repository.partition(" ")[2]
    links = {"url": f"{server.url}{path}"}
    server.on(repository, Reply(body={**REPOSITORY, **links, "path_with_namespace": "acme/envs"}))
    server.on(finding, Reply(status=404, body={"message": "none"}) if kind is Forge.GITEA else Reply(body=[]))
    return connect(f"{server.url}/acme/envs.git", kind, TOKEN)


def test_a_working_forge_needs_no_retry(pulls: PullRequests, pauses: list[float]) -> None:
    assert pulls.find(BRANCH, "main") == ()
    assert pauses == []


@pytest.mark.parametrize(
    ("reply", "said", "hint"),
    [
        (Reply(status=401, body={"message": "Bad credentials"}), "does not take the token from TAXIWAY_TOKEN", "renew"),
        (Reply(status=403, body={"message": "No access"}), r"lacks the right to do that \(403\) \(No access\)", "give"),
        (Reply(status=404, body={"message": "Gone"}), r"knows no acme/envs.*\(404\)", "/acme/envs in a browser"),
        (Reply(status=409, body={"message": "At odds"}), r"\(409\) \(At odds\)", "again"),
        (Reply(status=422, body={"message": "No", "errors": [{"message": "why"}]}), r"\(422\) \(No why\)", ""),
        (Reply(status=429, headers={"Retry-After": "600"}), r"\(429\), for 10 min more", "again in 10 min"),
        (Reply(status=500, body="<h1>oops</h1>"), r"in trouble \(500\)", "again later"),
        (Reply(status=503, headers={"Retry-After": "3600"}), r"\(503\), for 60 min more", "again in 60 min"),
        (Reply(body="<html>", headers={"Content-Type": "text/html"}), "text/html, no JSON", "forge:"),
        (Reply(body="{"), "not one that|no JSON", "forge:"),
        (Reply(status=302, headers={"Location": "https://elsewhere.example/x"}), "elsewhere.example", "taxiway.yaml"),
    ],
    ids=["401", "403", "404", "409", "422", "429", "500", "503", "html", "cut", "elsewhere"],
)
def test_an_error_is_explained_in_one_sentence(
    pulls: PullRequests, server: Server, kind: Forge, reply: Reply, said: str, hint: str
) -> None:
    for request in FINDING[kind]:
        server.on(request, reply)
    with pytest.raises(ForgeFailed, match=said) as caught:
        pulls.find(BRANCH, "main")
    assert caught.value.message.startswith(f"127.0.0.1:{server.server_port}: looking for the pull request failed: ")
    assert "\n" not in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 10
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_a_failed_opening_hints_at_the_pushed_branch(pulls: PullRequests, server: Server, kind: Forge) -> None:
    server.on(OPENING[kind], Reply(status=403, body={"message": "Resource not accessible"}))
    with pytest.raises(ForgeFailed, match="opening the pull request failed") as caught:
        pulls.open(PROPOSAL)
    assert f"the branch {BRANCH} is pushed" in caught.value.hint
    assert pulls.hosted.new_pull_request_url("main", BRANCH) in caught.value.hint


def test_retry_after_is_waited_for_once(pulls: PullRequests, server: Server, kind: Forge, pauses: list[float]) -> None:
    finding = FINDING[kind][1]
    success = server.replies[finding][0]
    server.on(finding, Reply(status=429, headers={"Retry-After": "7"}), success)
    assert pulls.find(BRANCH, "main") == ()
    assert pauses == [7.0]

    server.on(finding, Reply(status=429, headers={"Retry-After": "7"}))
    with pytest.raises(ForgeFailed, match="limits how often"):
        pulls.find(BRANCH, "main")
    assert pauses == [7.0, 7.0]


def test_github_s_hourly_limit_is_not_waited_for(server: Server, connect: Connect, pauses: list[float]) -> None:
    soon = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(time.time()) + 1800)}
    server.on(FINDING[Forge.GITHUB][0], Reply(status=403, body={"message": "rate limit exceeded"}, headers=soon))
    pulls = connect(f"{server.url}/acme/envs.git", Forge.GITHUB, TOKEN)
    with pytest.raises(ForgeFailed, match=r"limits how often it is asked \(403\), for (29|30) min more"):
        pulls.find(BRANCH, "main")
    assert pauses == []


def test_a_read_is_retried_after_a_server_error(
    pulls: PullRequests, server: Server, kind: Forge, pauses: list[float]
) -> None:
    finding = FINDING[kind][1]
    success = server.replies[finding][0]
    server.on(finding, Reply(status=502, body="bad gateway"), Reply(status=500), success)
    assert pulls.find(BRANCH, "main") == ()
    assert pauses == list(http.PAUSES)
    assert server.count(finding) == 3


@pytest.mark.parametrize("status", [401, 403, 409, 422, 500, 502, 503])
def test_a_write_is_not_retried_after_an_error(
    pulls: PullRequests, server: Server, kind: Forge, status: int, pauses: list[float]
) -> None:
    server.on(OPENING[kind], Reply(status=status, body={"message": "no"}))
    with pytest.raises(ForgeFailed):
        pulls.open(PROPOSAL)
    assert server.count(OPENING[kind]) == 1


def test_a_rate_limited_write_is_sent_again_after_the_wait(
    pulls: PullRequests, server: Server, kind: Forge, pauses: list[float]
) -> None:
    server.on(OPENING[kind], Reply(status=429, headers={"Retry-After": "5"}), Reply(status=422, body={"message": "no"}))
    with pytest.raises(ForgeFailed, match="422"):
        pulls.open(PROPOSAL)
    assert pauses == [5.0]
    assert server.count(OPENING[kind]) == 2


def test_after_a_lost_answer_the_forge_is_asked_and_nothing_sent_again(
    server: Server, kind: Forge, pulls: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 1.0)
    server.on(OPENING[kind], Reply(status=201, delay=30))
    with pytest.raises(ForgeFailed, match="no answer within 1 s"):
        pulls.open(PROPOSAL)
    assert server.count(OPENING[kind]) == 1
    assert server.count(FINDING[kind][1]) == 2  # once before, once after


def test_a_refused_connection(kind: Forge, connect: Connect, pauses: list[float]) -> None:
    with serving() as gone:
        url = gone.url
    with pytest.raises(ForgeFailed, match="nothing listens there"):
        connect(f"{url}/acme/envs.git", kind, TOKEN).find(BRANCH, "main")


def test_an_unknown_host(kind: Forge, connect: Connect, pauses: list[float]) -> None:
    with pytest.raises(ForgeFailed, match=r"no address is known for git\.nowhere\.invalid"):
        connect("https://git.nowhere.invalid/acme/envs.git", kind, TOKEN).find(BRANCH, "main")


def test_a_proxy_that_refuses_the_connection(
    kind: Forge, connect: Connect, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    with serving() as gone:
        url = gone.url
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ForgeFailed, match=r"the proxy can't be used|nothing listens there") as caught:
        connect("https://git.nowhere.invalid/acme/envs.git", kind, TOKEN).find(BRANCH, "main")
    assert "PROXY" in caught.value.hint or "firewall" in caught.value.hint


@pytest.mark.parametrize(
    ("excepted", "asked"),
    [
        ("127.0.0.1", 0),
        ("127.0.0.0/8", 0),
        ("[::1], 127.0.0.1", 0),
        ("fd00::/8,.0.0.1", 0),
        ("*", 0),
        ("", 1),
        ("10.0.0.0/8,[::1],27.0.0.1,127.0.0.1:1", 1),
    ],
)
def test_hosts_in_no_proxy_are_reached_directly(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch, excepted: str, asked: int
) -> None:
    with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url.removeprefix("http://"))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, excepted)
        with pytest.raises(ForgeFailed, match="404"):
            connect(f"{server.url}/acme/envs.git", Forge.GITLAB, TOKEN).get(1)
        assert (len(proxy.received), len(server.received)) == (asked, 1 - asked)


def test_a_private_certificate_authority(
    server: Server, kind: Forge, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", *words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    repository, finding = FINDING[kind]
    url = f"https://localhost:{server.server_port}"
    server.on(repository, Reply(body={**REPOSITORY, "url": f"{url}{repository.partition(' ')[2]}"}))
    server.on(finding, Reply(status=404, body={"message": "none"}) if kind is Forge.GITEA else Reply(body=[]))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ForgeFailed, match="TLS certificate is not trusted") as caught:
        connect(f"{url}/acme/envs.git", kind, TOKEN).find(BRANCH, "main")
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    assert connect(f"{url}/acme/envs.git", kind, TOKEN).find(BRANCH, "main") == ()


def test_a_token_in_an_answer_is_not_shown(pulls: PullRequests, server: Server, kind: Forge) -> None:
    for request in FINDING[kind]:
        server.on(request, Reply(status=422, body={"message": f"bad header Authorization: Bearer {TOKEN}"}))
    with pytest.raises(ForgeFailed) as caught:
        pulls.find(BRANCH, "main")
    assert "***" in caught.value.message
    assert TOKEN not in caught.value.message + caught.value.hint + repr(caught.value.args)


def test_a_token_is_sent_in_the_authorization_header_only(
    pulls: PullRequests,
    server: Server,
    kind: Forge,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    server.on(OPENING[kind], Reply(status=422, body={"message": "no"}))
    with pytest.raises(ForgeFailed):
        pulls.open(PROPOSAL)
    assert server.received
    for request in server.received:
        assert [name for name, value in request.headers.items() if TOKEN in value] == ["Authorization"]
        assert TOKEN not in request.path + str(request.body)
    output = capfd.readouterr()
    assert TOKEN not in caplog.text + output.out + output.err + repr(pulls)


def test_a_token_does_not_follow_a_redirect_to_another_host(pulls: PullRequests, server: Server, kind: Forge) -> None:
    with serving() as other:
        for request in FINDING[kind]:
            server.on(request, Reply(status=302, headers={"Location": f"{other.url}/api"}))
        with pytest.raises(ForgeFailed, match="sends on to"):
            pulls.find(BRANCH, "main")
        assert other.received == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirected_write_keeps_its_method_and_body(
    pulls: PullRequests, server: Server, kind: Forge, status: int
) -> None:
    server.on(OPENING[kind], Reply(status=status, headers={"Location": "/renamed"}))
    server.on("POST /renamed", Reply(status=422, body={"message": "no"}))
    with pytest.raises(ForgeFailed, match="422"):
        pulls.open(PROPOSAL)
    first, second = [request for request in server.received if request.method == "POST"]
    assert (first.path, second.path, second.body) == (OPENING[kind].partition(" ")[2], "/renamed", first.body)


def test_a_redirect_loop_ends(pulls: PullRequests, server: Server, kind: Forge) -> None:
    server.on(FINDING[kind][1], Reply(status=302, headers={"Location": FINDING[kind][1].partition(" ")[2]}))
    with pytest.raises(ForgeFailed, match="not one that"):
        pulls.find(BRANCH, "main")
