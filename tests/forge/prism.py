"""A server that is built from a forge's API description and refuses every request that the description does not allow.

The server is Prism, and GitHub's description is its own, `@octokit/openapi`: npm packages, locked in described/.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DESCRIBED = Path(__file__).parent / "described"
# What taxiway calls, of the thousand and more that GitHub has.
GITHUB = (
    "/repos/{owner}/{repo}",
    "/repos/{owner}/{repo}/pulls",
    "/repos/{owner}/{repo}/pulls/{pull_number}",
    "/repos/{owner}/{repo}/pulls/{pull_number}/reviews",
    "/repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
    "/repos/{owner}/{repo}/issues/{issue_number}/labels",
    "/repos/{owner}/{repo}/issues/{issue_number}/comments",
)
Document = dict[str, Any]


def install(folder: Path) -> None:
    """Put Prism and what we need of GitHub's description into a new folder; a try that fails leaves nothing."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".installing-", dir=folder.parent) as temporary:
        made = Path(temporary) / "made"
        made.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(DESCRIBED / name, made)
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(words, cwd=made, check=True, capture_output=True)
        whole = made / "node_modules" / "@octokit" / "openapi" / "generated" / "api.github.com.json"
        (made / "github.json").write_text(json.dumps(cut(json.loads(whole.read_text()), GITHUB, "/api/v3")))
        shutil.rmtree(made / "node_modules" / "@octokit")  # 400 MB of which nothing is needed any more
        made.rename(folder)


def cut(document: Document, paths: tuple[str, ...], base: str) -> Document:
    """A description of just these paths, below a base path, whose request bodies take no field that they don't name.

    The base is written out in each path, since Prism does not look at the servers of a description.
    """
    kept: Document = {
        "openapi": document["openapi"],
        "info": document["info"],
        "paths": {f"{base}{path}": document["paths"][path] for path in paths},
        "components": {},
    }
    for path in kept["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict):
                _close(operation.get("requestBody"))
                _open(operation["responses"])
    todo: list[Any] = [kept["paths"]]
    while todo:
        for reference in _references(todo.pop()):
            _, _, kind, name = reference.split("/")
            if name not in kept["components"].setdefault(kind, {}):
                kept["components"][kind][name] = document["components"][kind][name]
                todo.append(document["components"][kind][name])
    for name in ("pull-request", "pull-request-simple-items"):
        # GitHub's examples are open and merged at the same time.
        value = kept["components"]["examples"][name]["value"]
        for each in value if isinstance(value, list) else [value]:
            each["merged_at"] = None
    return kept


def _close(schema: Any) -> None:
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
        for each in schema.values():
            _close(each)
    elif isinstance(schema, list):
        for each in schema:
            _close(each)


def _open(responses: Any) -> None:
    # It is our requests that are checked; some of GitHub's examples are not what its own schemas ask for.
    for response in responses.values():
        response.pop("headers", None)  # the example of a `Link` leads to a next page that is none
        for media in response.get("content", {}).values():
            media.pop("schema", None)


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from _references(each)
    elif isinstance(node, list):
        for each in node:
            yield from _references(each)


@contextmanager
def running(installed: Path, document: Path, probe: str) -> Iterator[str]:
    """Prism with a description, for as long as the context lasts; `probe` is a path that it must answer.

    The URLs in GitHub's examples are made its own, as those of a real answer are: PyGithub goes to no other host.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cli = installed / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js"
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        own = Path(folder) / document.name
        own.write_text(document.read_text().replace("https://api.github.com", f"http://127.0.0.1:{port}/api/v3"))
        argv = ["node", str(cli), "mock", "--errors", "--host", "127.0.0.1", "--port", str(port), str(own)]
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment())
        try:
            for _ in range(1200):
                if server.poll() is not None or _answers(f"http://127.0.0.1:{port}{probe}"):
                    break
                time.sleep(0.1)
            if server.poll() is not None:
                log.seek(0)
                raise RuntimeError(f"Prism did not start:\n{log.read().decode()[-2000:]}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=60)


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower() not in ("http_proxy", "https_proxy")}


def _answers(url: str) -> bool:
    request = urllib.request.Request(url, headers={"Authorization": "Bearer none"})
    try:
        with urllib.request.urlopen(request, timeout=30):
            return True
    except urllib.error.HTTPError as err:
        raise RuntimeError(f"{url}: {err.read().decode()[:500]}") from err
    except (urllib.error.URLError, OSError):
        return False
