"""A STAND-IN for Flux's source-controller: GitRepository objects only, for tests.

It does what kustomize-controller can see of the real one: reads spec.url, spec.ref (branch, tag or commit) and
spec.secretRef (username, password), packs the tree into a tar.gz, serves it over HTTP, and writes status.artifact,
the Ready condition, observedGeneration and lastHandledReconcileAt. Not here: ignore rules, include, verify,
submodules, SSH, events, intervals (every repository is asked once a second), removal of old artifacts.

    source_controller.py FOLDER PORT BASE-URL       in a pod, with its ServiceAccount's token
"""

import base64
import functools
import hashlib
import json
import os
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request
from datetime import datetime, timezone
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
GROUP = "/apis/source.toolkit.fluxcd.io/v1"


def call(method: str, path: str, body: Json | None = None) -> Json:
    """One request to the API server; a body is a merge patch."""
    headers = {
        "Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}",
        "Content-Type": "application/merge-patch+json",
    }
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"https://kubernetes.default.svc{path}", data, headers, method=method)
    trust = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, context=trust, timeout=10) as answer:
        document: Json = json.load(answer)
    return document


def git(*argv: str, auth: str = "", cwd: str | None = None) -> str:
    """Run git; the credentials go by its environment, which no one else can read."""
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    if auth:
        env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.extraHeader", "GIT_CONFIG_VALUE_0": auth}
    return subprocess.run(["git", *argv], cwd=cwd, env=env, text=True, capture_output=True, check=True).stdout


def now() -> str:
    """The time as the API server writes it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017


def credentials(repository: Json) -> str:
    """The HTTP header for spec.secretRef, empty where there is none."""
    reference = repository["spec"].get("secretRef")
    if not reference:
        return ""
    namespace = repository["metadata"]["namespace"]
    data = call("GET", f"/api/v1/namespaces/{namespace}/secrets/{reference['name']}")["data"]
    pair = b":".join(base64.b64decode(data[k]) for k in ("username", "password"))
    return f"Authorization: Basic {base64.b64encode(pair).decode()}"


def resolve(url: str, ref: Json, auth: str) -> tuple[str, str]:
    """(commit, revision text) of what spec.ref names now."""
    if ref.get("commit"):
        return ref["commit"], f"sha1:{ref['commit']}"
    name = ref.get("tag") or ref.get("branch") or "master"
    full = f"refs/{'tags' if ref.get('tag') else 'heads'}/{name}"
    lines = git("ls-remote", url, full, f"{full}^{{}}", auth=auth).split("\n")
    commits = [line.split("\t")[0] for line in lines if line]
    if not commits:
        raise LookupError(f"couldn't find remote ref {full!r}")
    return commits[-1], f"{name}@sha1:{commits[-1]}"


def pack(url: str, commit: str, auth: str, out: Path) -> None:
    """Write the tree of a commit as a tar.gz."""
    with tempfile.TemporaryDirectory() as tree:
        git("init", "-q", tree)
        git("fetch", "-q", "--depth", "1", url, commit, auth=auth, cwd=tree)
        git("checkout", "-q", "FETCH_HEAD", cwd=tree)
        out.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(out, "w:gz") as tar:
            tar.add(tree, ".", filter=lambda i: None if i.name.split("/")[1:2] == [".git"] else i)


def ready(repository: Json) -> str:
    """The status of the Ready condition, empty where there is none yet."""
    conditions = repository.get("status", {}).get("conditions", [])
    return next((c["status"] for c in conditions if c["type"] == "Ready"), "")


def reconcile(repository: Json, folder: Path, base: str) -> None:
    """Bring one object's status to what its repository holds now."""
    meta, spec, status = repository["metadata"], repository["spec"], repository.get("status", {})
    if spec.get("suspend"):
        return
    asked = meta.get("annotations", {}).get("reconcile.fluxcd.io/requestedAt", "")
    patch: Json = {"observedGeneration": meta["generation"], "lastHandledReconcileAt": asked}
    condition: Json = {"type": "Ready", "observedGeneration": meta["generation"], "lastTransitionTime": now()}
    try:
        auth = credentials(repository)
        commit, revision = resolve(spec["url"], spec.get("ref", {}), auth)
        known = status.get("artifact", {}).get("revision"), status.get("observedGeneration")
        handled = status.get("lastHandledReconcileAt", "")
        path = f"gitrepository/{meta['namespace']}/{meta['name']}/{commit}.tar.gz"
        kept = (folder / path).exists()  # a restart empties the folder
        if kept and known == (revision, meta["generation"]) and handled == asked and ready(repository) == "True":
            return
        pack(spec["url"], commit, auth, folder / path)
        data = (folder / path).read_bytes()
        patch["artifact"] = {
            "path": path,
            "url": f"{base}/{path}",
            "revision": revision,
            "lastUpdateTime": now(),
            "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
            "size": len(data),
        }
        message = f"stored artifact for revision '{revision}'"
        condition |= {"status": "True", "reason": "Succeeded", "message": message}
    except (LookupError, subprocess.CalledProcessError, OSError) as err:
        if ready(repository) == "False":
            return
        condition |= {"status": "False", "reason": "GitOperationFailed", "message": f"{type(err).__name__}: {err}"}
    patch["conditions"] = [condition]
    where = f"{GROUP}/namespaces/{meta['namespace']}/gitrepositories/{meta['name']}/status"
    call("PATCH", where, {"status": patch})
    print(now(), meta["namespace"], meta["name"], condition["message"], flush=True)


def main(folder: Path, port: int, base: str) -> None:
    """Serve artifacts, and look at every repository once a second."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    while True:
        try:
            for repository in call("GET", f"{GROUP}/gitrepositories")["items"]:
                reconcile(repository, folder, base)
        except OSError as err:
            print(now(), type(err).__name__, err, flush=True)
        time.sleep(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
