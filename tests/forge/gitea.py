"""A real Gitea on the loopback, built from its Go module: users, tokens, repositories, Git over HTTP."""

import base64
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SETTINGS = """\
APP_NAME = gitea
RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
STATIC_ROOT_PATH = {static}
APP_DATA_PATH = {data}
OFFLINE_MODE = true
START_SSH_SERVER = true
BUILTIN_SSH_SERVER_USER = git
SSH_USER = git
SSH_DOMAIN = 127.0.0.1
SSH_LISTEN_HOST = 127.0.0.1
SSH_PORT = {ssh_port}
SSH_LISTEN_PORT = {ssh_port}
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = {data}/gitea.db
[security]
INSTALL_LOCK = true
[oauth2]
ENABLED = false
[repository]
ROOT = {data}/repositories
DEFAULT_BRANCH = main
[log]
MODE = console
LEVEL = Warn
ROOT_PATH = {data}/log
[service]
DISABLE_REGISTRATION = true
[cron]
ENABLED = false
"""
_ALL = ("write:repository", "write:issue", "write:user", "write:organization")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of the server, with a password that is also good for Git."""

    gitea: "Gitea"
    name: str
    password: str = field(repr=False)

    def token(self, *scopes: str) -> str:
        """A new token; all that a promotion needs where no scopes are named."""
        wanted = {"name": os.urandom(6).hex(), "scopes": list(scopes or _ALL)}
        return str(self.call("POST", f"/users/{self.name}/tokens", wanted)["sha1"])

    def revoke(self, token: str) -> None:
        """Make a token worthless."""
        for each in self.call("GET", f"/users/{self.name}/tokens"):
            if token.endswith(each["token_last_eight"]):
                self.call("DELETE", f"/users/{self.name}/tokens/{each['id']}")

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """One request to the API, as this user."""
        pair = base64.b64encode(f"{self.name}:{self.password}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.gitea.url}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def git_environment(self) -> dict[str, str]:
        """What lets Git in, with nothing of it in a URL or in a command line."""
        pair = base64.b64encode(f"{self.name}:{self.password}".encode()).decode()
        return {
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{self.gitea.url}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {pair}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A private repository of the server."""

    owner: Account
    name: str

    @property
    def url(self) -> str:
        """Its URL, which holds no credentials."""
        return f"{self.owner.gitea.url}/{self.owner.name}/{self.name}.git"

    @property
    def path(self) -> str:
        """Where the API has it."""
        return f"/repos/{self.owner.name}/{self.name}"

    def commit(self, branch: str, name: str, text: str) -> None:
        """Add a file on a branch, which begins at `main` where it is new."""
        where = {"branch": "main", "new_branch": branch} if branch != "main" else {"branch": "main"}
        content = base64.b64encode(text.encode()).decode()
        self.owner.call("POST", f"{self.path}/contents/{name}", {"content": content, "message": name, **where})

    def push(self, branch: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Commit something on `main` in a new clone and push it to a branch; the outcome is Git's own."""
        environment = {**os.environ, **self.owner.git_environment()}

        def git(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, text=True, check=False
            )

        folder.mkdir()
        git("clone", "--quiet", self.url, ".").check_returncode()
        git("commit", "--quiet", "--allow-empty", "--message", "pushed").check_returncode()
        return git("push", "origin", f"HEAD:{branch}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gitea:
    """The running server."""

    url: str
    ssh_port: int
    program: Path
    config: Path
    environment: Mapping[str, str] = field(repr=False)

    def account(self, name: str, *, admin: bool = False) -> Account:
        """Make a user."""
        password = os.urandom(12).hex()
        words = ["admin", "user", "create", "--username", name, "--email", f"{name}@example.test"]
        words += ["--password", password, "--must-change-password=false", *(["--admin"] if admin else [])]
        self.command(*words)
        return Account(gitea=self, name=name, password=password)

    def command(self, *words: str) -> str:
        """Run one of Gitea's own commands beside the server."""
        argv = [str(self.program), "--config", str(self.config), *words]
        return subprocess.run(argv, env=self.environment, capture_output=True, text=True, check=True).stdout


def repository(owner: Account) -> Repository:
    """Make a private repository with one commit on `main`."""
    name = f"environments-{os.urandom(4).hex()}"
    wanted = {"name": name, "private": True, "default_branch": "main", "auto_init": True}
    owner.call("POST", "/user/repos", wanted)
    return Repository(owner=owner, name=name)


@contextmanager
def running(program: Path, static: Path, folder: Path) -> Iterator[Gitea]:
    """The server, for as long as the context lasts; `static` is its module's folder, for templates and locales."""
    port, ssh_port = _free_port(), _free_port()
    config = folder / "app.ini"
    config.write_text(_SETTINGS.format(port=port, ssh_port=ssh_port, static=static, data=folder))
    environment = {**os.environ, "HOME": str(folder), "GITEA_WORK_DIR": str(folder)}
    log = folder / "gitea.log"
    with log.open("wb") as out:
        argv = [str(program), "--config", str(config), "web"]
        server = subprocess.Popen(argv, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/api/healthz", server, log)
        yield Gitea(url=url, ssh_port=ssh_port, program=program, config=config, environment=environment)
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"Gitea did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
