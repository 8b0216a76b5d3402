"""Private repositories on the test cluster's Git host."""

import base64
import json
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.kit.kubectl import Json
from tests.cluster.process import run

_AUTHOR = ("user.name=taxiway tests", "user.email=tests@example.test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """A Git host: `url` is what pods call it, `address` is where this process reaches it."""

    url: str
    address: str
    user: str
    token: str = field(repr=False)

    def create(self, name: str) -> "Repository":
        """Make an empty private repository."""
        self.call("POST", "/user/repos", {"name": name, "private": True, "default_branch": "main"})
        return Repository(forge=self, name=name)

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """One request to the host's API."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.address}/api/v1{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=15) as answer:
            text = answer.read()
        document: Json = json.loads(text) if text else {}
        return document

    def git_environment(self) -> dict[str, str]:
        """What lets git reach and enter this host, with nothing of it in a URL or in a command line."""
        pair = base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        settings = {f"url.{self.address}/.insteadOf": f"{self.url}/"} if self.address != self.url else {}
        settings[f"http.{self.address}/.extraHeader"] = f"Authorization: Basic {pair}"
        env = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": str(len(settings))}
        for number, (key, value) in enumerate(settings.items()):
            env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return env


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One private repository."""

    forge: Forge
    name: str

    @property
    def url(self) -> str:
        """Its URL, as controllers use it; it carries no credentials."""
        return f"{self.forge.url}/{self.forge.user}/{self.name}.git"

    def push(self, tree: Path) -> str:
        """Push what a Git work tree has committed to `main`; return the commit."""
        run(["git", "push", "--quiet", self.url, "HEAD:main"], cwd=tree, env=self.forge.git_environment())
        return run(["git", "rev-parse", "HEAD"], cwd=tree).strip()

    def commit(self, tree: Path, message: str) -> str:
        """Commit everything in a folder, which becomes a Git work tree where it isn't one, and push it."""
        if not (tree / ".git").exists():
            run(["git", "init", "--quiet", "--initial-branch=main"], cwd=tree)
        run(["git", "add", "--all"], cwd=tree)
        author = [word for setting in _AUTHOR for word in ("-c", setting)]
        run(["git", *author, "commit", "--quiet", "--allow-empty", "--message", message], cwd=tree)
        return self.push(tree)
