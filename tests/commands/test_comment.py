"""`taxiway comment`: the text of another job is posted once, without control characters."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.commands.comment import _sanitized
from tests.conftest import Keys, Taxiway
from tests.forge.loopback import Reply, Server, serving
from tests.forge.test_described import of_github

COMMENTS = "/api/v1/repos/acme/envs/issues/3/comments"
SAID = {"id": 1, "user": {"login": "acme"}, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        server.on("GET /api/v1/repos/acme/envs/pulls/3", Reply(body=of_github(server, 3)))
        server.on("GET /api/v1/repos/acme/envs/pulls/3/reviews", Reply(body=[]))
        server.on(f"GET {COMMENTS}", Reply(body=[]))
        server.on(f"POST {COMMENTS}", Reply(status=201, body={**SAID, "body": "as sent"}))
        yield server


@pytest.fixture
def repo(server: Server, keys: Keys, taxiway: Taxiway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TAXIWAY_TOKEN", "tok-1")
    arguments = ("--repo", f"{server.url}/acme/envs.git", "--forge", "gitea", "--sealing-cert", keys.certificate)
    said = taxiway("init", tmp_path / "repo", *arguments)
    assert said.code == 0, said.err
    monkeypatch.chdir(tmp_path / "repo")
    return tmp_path / "repo"


def test_a_comment_is_posted_once(repo: Path, server: Server, taxiway: Taxiway, tmp_path: Path) -> None:
    (tmp_path / "text.md").write_text("### dev\n\nNo difference.\n")
    said = taxiway("comment", 3, tmp_path / "text.md")
    assert said.code == 0, said.err
    assert said.out.startswith("commented: ")
    (sent,) = [each.body for each in server.received if each.method == "POST"]
    assert sent == {"body": "### dev\n\nNo difference.\n"}
    server.on(f"GET {COMMENTS}", Reply(body=[{**SAID, "body": sent["body"]}]))
    assert taxiway("comment", 3, tmp_path / "text.md").out.startswith("commented already: ")
    assert server.count(f"POST {COMMENTS}") == 1


@pytest.mark.parametrize("text", [b"", b" \n\t\n"])
def test_an_empty_text_is_refused(repo: Path, server: Server, taxiway: Taxiway, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "text.md").write_bytes(text)
    said = taxiway("comment", 3, tmp_path / "text.md")
    assert (said.code, "holds no text" in said.err, server.received) == (2, True, [])


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (b"a\x1b[31mb", "a\ufffd[31mb"),
        (b"a\r\nb\rc", "a\nb\ufffdc"),
        (b"\xff\x00", "\ufffd\ufffd"),
        ("a\u009bb\u0085".encode(), "a\ufffdb\ufffd"),
        ("grün\tok".encode(), "grün\tok"),
    ],
)
def test_control_characters_are_replaced(given: bytes, text: str) -> None:
    assert _sanitized(given, 100) == text


def test_a_text_is_cut_at_the_forges_limit() -> None:
    text = _sanitized(b"a" * 100_000, 65_536)
    assert len(text) == 65_536
    assert text.endswith("cut here: the forge takes no more.\n")
