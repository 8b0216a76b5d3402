"""Where a token comes from, which host it is for, and that it stays unseen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap.config.remote import Forge, Remote
from bootstrap.core.errors import ForgeFailed
from bootstrap.forges import tokens
from bootstrap.forges.hosting import HostedRepository

VALUE = "tok-3f8a1c77e0d94b52"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No token, no CLI but Git, no credential helper."""
    names = {name for table in tokens.VARIABLES.values() for name in table} | {tokens.GENERAL, "GITHUB_SERVER_URL"}
    for name in names | {"GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "CI_JOB_TOKEN"}:
        monkeypatch.delenv(name, raising=False)
    programs = tmp_path / "programs"
    programs.mkdir()
    git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
    (programs / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(programs))


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The folder where programs are found."""
    return tmp_path / "programs"


def hosted(url: str, forge: Forge) -> HostedRepository:
    return HostedRepository.of(Remote.parse(url), forge)


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


GITHUB = hosted("git@github.com:acme/envs.git", Forge.GITHUB)
ENTERPRISE = hosted("https://github.acme.example/acme/envs.git", Forge.GITHUB)
GITLAB = hosted("https://gitlab.acme.example:8443/acme/data/envs.git", Forge.GITLAB)
GITEA = hosted("http://gitea.acme.example:3000/acme/envs.git", Forge.GITEA)
FORGEJO = hosted("https://codeberg.org/acme/envs.git", Forge.FORGEJO)


@pytest.mark.parametrize(
    ("place", "environment", "source"),
    [
        (GITHUB, {"GITHUB_TOKEN": VALUE, "GH_TOKEN": VALUE}, "GH_TOKEN"),
        (GITHUB, {"GITHUB_TOKEN": VALUE, "GITHUB_SERVER_URL": "https://github.com"}, "GITHUB_TOKEN"),
        (GITHUB, {"GITHUB_TOKEN": VALUE, "GITHUB_SERVER_URL": "https://github.acme.example"}, None),
        (GITHUB, {"GH_ENTERPRISE_TOKEN": VALUE}, None),
        (GITHUB, {"GITHUB_TOKEN": " \n"}, None),
        (GITHUB, {"GITHUB_TOKEN": "other", "TAXIWAY_TOKEN": VALUE}, "TAXIWAY_TOKEN"),
        (ENTERPRISE, {"GITHUB_TOKEN": VALUE}, None),
        (ENTERPRISE, {"GH_ENTERPRISE_TOKEN": VALUE}, "GH_ENTERPRISE_TOKEN"),
        (ENTERPRISE, {"GH_ENTERPRISE_TOKEN": VALUE, "GH_HOST": "other.example"}, None),
        (ENTERPRISE, {"GITHUB_TOKEN": VALUE, "GITHUB_SERVER_URL": "https://github.acme.example"}, "GITHUB_TOKEN"),
        (GITLAB, {"GITLAB_TOKEN": f"{VALUE}\n"}, "GITLAB_TOKEN"),
        (GITLAB, {"GITLAB_TOKEN": VALUE, "GITLAB_HOST": "https://gitlab.com"}, None),
        (GITLAB, {"GITLAB_TOKEN": VALUE, "GITLAB_HOST": "gitlab.acme.example:8443"}, "GITLAB_TOKEN"),
        (GITLAB, {"CI_JOB_TOKEN": VALUE}, None),
        (GITEA, {"GITEA_TOKEN": VALUE}, "GITEA_TOKEN"),
        (GITEA, {"GITHUB_TOKEN": VALUE}, None),
        (FORGEJO, {"FORGEJO_TOKEN": VALUE}, "FORGEJO_TOKEN"),
        (FORGEJO, {"GITEA_TOKEN": VALUE}, None),
    ],
)
def test_a_variable_is_for_its_own_host(
    place: HostedRepository, environment: dict[str, str], source: str | None
) -> None:
    if source is None:
        with pytest.raises(ForgeFailed, match=f"no token for {place.host}"):
            tokens.find(place, Path.cwd(), environment)
        return
    found = tokens.find(place, Path.cwd(), environment)
    assert (found.source, found.secret.reveal()) == (source, VALUE.encode())
    assert VALUE not in repr(found) + str(found)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (GITHUB, ("GH_TOKEN or GITHUB_TOKEN or TAXIWAY_TOKEN", "gh auth login --hostname github.com")),
        (ENTERPRISE, ("GH_ENTERPRISE_TOKEN", "gh auth login --hostname github.acme.example")),
        (GITLAB, ("GITLAB_TOKEN or TAXIWAY_TOKEN", "glab auth login --hostname gitlab.acme.example:8443")),
        (GITEA, ("GITEA_TOKEN or TAXIWAY_TOKEN", "tea login add", "http://gitea.acme.example:3000")),
    ],
)
def test_a_missing_token_hints_at_the_ways_to_provide_one(place: HostedRepository, words: tuple[str, ...]) -> None:
    with pytest.raises(ForgeFailed) as caught:
        tokens.find(place, Path.cwd(), {})
    assert all(word in caught.value.hint for word in words)
    assert "CI_JOB_TOKEN" not in caught.value.hint


def test_a_gitlab_job_token_is_reported_as_unusable() -> None:
    with pytest.raises(ForgeFailed) as caught:
        tokens.find(GITLAB, Path.cwd(), {"CI_JOB_TOKEN": VALUE})
    assert "CI_JOB_TOKEN may not open merge requests" in caught.value.hint


def test_the_login_of_gh(programs: Path) -> None:
    program(programs, "gh", f'[ "$*" = "auth token --hostname github.com" ] && echo {VALUE}')
    found = tokens.find(GITHUB, Path.cwd(), {})
    assert (found.source, found.secret.reveal().decode()) == ("the login of gh", VALUE)


def test_the_login_of_glab(programs: Path) -> None:
    program(programs, "glab", f'[ "$*" = "config get token --host gitlab.acme.example:8443" ] && echo {VALUE}')
    assert tokens.find(GITLAB, Path.cwd(), {}).source == "the login of glab"


def test_a_cli_without_a_login_is_skipped(programs: Path) -> None:
    program(programs, "gh", "echo 'no oauth token found' >&2; exit 1")
    with pytest.raises(ForgeFailed):
        tokens.find(GITHUB, Path.cwd(), {})


@pytest.mark.parametrize("place", [GITEA, FORGEJO], ids=["gitea", "forgejo"])
def test_the_login_of_tea(place: HostedRepository, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "tea"
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text(
        "logins:\n"
        "  - {name: other, url: https://other.example, token: not-this}\n"
        f"  - {{name: keyring, url: '{place.web}', token: ''}}\n"
        f"  - {{name: mine, url: '{place.web}/', token: {VALUE}}}\n"
    )
    found = tokens.find(place, Path.cwd(), {"XDG_CONFIG_HOME": str(tmp_path / "config")})
    assert (found.source, found.secret.reveal().decode()) == ("the login of tea", VALUE)


@pytest.mark.parametrize("text", ["", "logins: 7", "{", "- a", "logins:\n- {url: 7}"])
def test_an_invalid_file_of_tea_is_skipped(text: str, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "tea"
    folder.mkdir(parents=True)
    (folder / "config.yml").write_text(text)
    with pytest.raises(ForgeFailed):
        tokens.find(GITEA, Path.cwd(), {"XDG_CONFIG_HOME": str(tmp_path / "config")})


def test_the_credential_helper_of_git(tmp_path: Path) -> None:
    """A real Git with its own helper `store`, asked for an SSH remote by the address of its pages."""
    store = tmp_path / "credentials"
    store.write_text(f"https://someone:{VALUE}@github.com\nhttps://someone:other@gitlab.com\n")
    with Path(os.environ["HOME"], ".gitconfig").open("a") as config:
        config.write(f"[credential]\n  helper = store --file={store}\n")
    found = tokens.find(GITHUB, Path.cwd(), {})
    assert (found.source, found.secret.reveal().decode()) == ("Git's credential helper", VALUE)


def test_no_credential_helper_prompts(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(programs, "ask", f"touch {tmp_path}/asked; echo {VALUE}")
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(programs / "ask"))
    with Path(os.environ["HOME"], ".gitconfig").open("a") as config:
        config.write(f"[core]\n  askPass = {programs}/ask\n")
    with pytest.raises(ForgeFailed):
        tokens.find(GITHUB, Path.cwd(), {})
    assert not (tmp_path / "asked").exists()


def test_gitpython_s_trace_shows_no_token(tmp_path: Path) -> None:
    """GIT_PYTHON_TRACE=full logs what each command says; the token's does not come by there."""
    store = tmp_path / "credentials"
    store.write_text(f"https://someone:{VALUE}@github.com\n")
    with Path(os.environ["HOME"], ".gitconfig").open("a") as config:
        config.write(f"[credential]\n  helper = store --file={store}\n")
    script = (
        "import logging; logging.basicConfig(level=logging.DEBUG)\n"
        "from pathlib import Path\n"
        "from bootstrap.forges import tokens\n"
        "from bootstrap.forges.hosting import HostedRepository\n"
        "from bootstrap.config.remote import Forge, Remote\n"
        "hosted = HostedRepository.of(Remote.parse('https://github.com/acme/envs.git'), Forge.GITHUB)\n"
        "token = tokens.find(hosted, Path.cwd())\n"
        "print(token, token.source)\n"
    )
    environment = {**os.environ, "GIT_PYTHON_TRACE": "full"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert "Git's credential helper" in done.stdout
    assert VALUE not in done.stdout + done.stderr
