"""Hostile environment repos: what a stranger's pull request can hold, and what each command must say of it."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CANARY = "canary-3f1c: nobody may see, change or delete this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a hostile repo is tried: the repo, a folder outside of it, and a host that nothing may connect to."""

    repo: Path
    outside: Path
    listener: socket.socket

    @property
    def url(self) -> str:
        """The listener's address as the begin of a URL."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def read(self, path: str) -> str:
        """The text of a file in the repo."""
        return (self.repo / path).read_text()

    def write(self, path: str, text: str | bytes) -> None:
        """Put a file into the repo, with the folders that it needs."""
        target = self.repo / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        text = self.read(path)
        assert old in text, f"{path} has no {old!r}"
        self.write(path, text.replace(old, new))

    def link(self, path: str, target: Path | str) -> None:
        """Put a symbolic link in place of a file or folder."""
        self.remove(path)
        (self.repo / path).parent.mkdir(parents=True, exist_ok=True)
        (self.repo / path).symlink_to(target)

    def remove(self, path: str) -> None:
        """Move what stands at a path out of the way."""
        target = self.repo / path
        if os.path.lexists(target):
            target.rename(self.outside.parent / f"removed-{len(list(self.outside.parent.iterdir()))}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One hostile repo. `says` holds, by command, a regular expression for its output; `committed` where Git can."""

    name: str
    plant: Callable[[Place], None] = field(repr=False)
    says: Mapping[str, str] = field(default_factory=dict)
    committed: bool = True
