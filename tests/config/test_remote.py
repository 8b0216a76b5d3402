"""Remote: URLs that a controller can clone, without a password in them."""

import pytest

from bootstrap.config.remote import Forge, Remote
from bootstrap.core.errors import BadOption


@pytest.mark.parametrize(
    ("url", "host", "path", "ssh", "as_url", "forge"),
    [
        ("https://github.com/acme/airflow.git", "github.com", "acme/airflow.git", False, None, Forge.GITHUB),
        ("https://gitlab.com/acme/data/airflow", "gitlab.com", "acme/data/airflow", False, None, Forge.GITLAB),
        ("http://gitea.internal:3000/acme/airflow.git", "gitea.internal", "acme/airflow.git", False, None, Forge.GITEA),
        ("ssh://git@gitlab.acme.io:2222/a/airflow.git", "gitlab.acme.io", "a/airflow.git", True, None, Forge.GITLAB),
        (
            "git@github.com:acme/airflow.git",
            "github.com",
            "acme/airflow.git",
            True,
            "ssh://git@github.com/acme/airflow.git",
            Forge.GITHUB,
        ),
        (
            "git@codeberg.org:acme/airflow",
            "codeberg.org",
            "acme/airflow",
            True,
            "ssh://git@codeberg.org/acme/airflow",
            Forge.FORGEJO,
        ),
        ("https://git.example.com/acme/airflow.git", "git.example.com", "acme/airflow.git", False, None, Forge.GITHUB),
        (
            "https://forgejo.example.com/a/airflow.git",
            "forgejo.example.com",
            "a/airflow.git",
            False,
            None,
            Forge.FORGEJO,
        ),
    ],
)
def test_a_url_is_parsed(url: str, host: str, path: str, ssh: bool, as_url: str | None, forge: Forge) -> None:
    remote = Remote.parse(url)
    assert (remote.url, remote.host, remote.path, remote.is_ssh) == (url, host, path, ssh)
    assert remote.as_url == (as_url or url)
    assert remote.guess_forge() is forge
    assert remote.name == "airflow"


@pytest.mark.parametrize(
    "url",
    ["", "airflow", "/srv/git/airflow.git", "file:///srv/git/a.git", "ftp://h/a", "https://", "https://host", "https:///a/b",
     "https://host/a b", "https://host:port/a", "https://host/a?b=c", "https://host/a#b", "git@host", "C:\\repo"],
)  # fmt: skip
def test_a_url_that_no_controller_can_clone_is_refused(url: str) -> None:
    with pytest.raises(BadOption) as caught:
        Remote.parse(url)
    assert caught.value.hint


@pytest.mark.parametrize("login", ["user:hunter2", "hunter2", "x-access-token:hunter2"])
def test_a_url_with_a_password_is_refused_without_being_quoted(login: str) -> None:
    with pytest.raises(BadOption, match=r"github\.com") as caught:
        Remote.parse(f"https://{login}@github.com/acme/airflow.git")
    assert "hunter2" not in caught.value.message + caught.value.hint
