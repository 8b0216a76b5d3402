"""Locked folders: taxiway's own working folders, each used by one process at a time."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bootstrap.core.errors import BadTarget
from bootstrap.system import signals
from bootstrap.system.nofollow import Folder, open_folder


@contextlib.contextmanager
def exclusive_folder(parent: Path, name: str, *, keep: bool = False, mode: int = 0o777) -> Iterator[Path]:
    """Create and lock a folder until the `with` ends, then remove it.

    The content that a killed run left there is removed first, unless `keep`. Raises BadTarget where another run holds
    the lock, and where a link, a file, or another user's folder is in its place.
    """
    with open_folder(parent, shown=str(parent)) as outer:
        fcntl.flock(outer.handle, fcntl.LOCK_EX)
        if existing := outer.lstat(name):
            with outer.below(name) as old:
                if existing.st_uid != os.geteuid():
                    raise BadTarget(f"{parent / name} is another user's folder", hint="remove it, or have it removed")
                _lock(old)
            if not keep:
                shutil.rmtree(name, dir_fd=outer.handle)
        with outer.below(name, mode) as folder:
            _lock(folder)
            fcntl.flock(outer.handle, fcntl.LOCK_UN)
            try:
                yield parent / name
            finally:
                with signals.shield():
                    now = outer.lstat(name)
                    if now and os.path.samestat(os.fstat(folder.handle), now):  # the caller may have moved it away
                        shutil.rmtree(name, ignore_errors=True, dir_fd=outer.handle)


def _lock(folder: Folder) -> None:
    try:
        fcntl.flock(folder.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BadTarget(f"another taxiway is at work in {folder.top}", hint="wait for it to end") from None
