"""Folders of taxiway's own that one run at a time works in."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bootstrap.core.errors import BadTarget
from bootstrap.system import signals
from bootstrap.system.nofollow import Folder, opened


@contextlib.contextmanager
def alone(parent: Path, name: str, *, keep: bool = False, mode: int = 0o777) -> Iterator[Path]:
    """A folder that this run alone works in, empty unless `keep`, and gone at the end.

    Raises BadTarget where another run is at work in it, and where something of this name is there that can't be ours:
    a link, a file, or a folder of another user's. What a killed run left there is removed.
    """
    with opened(parent, shown=str(parent)) as outer:
        fcntl.flock(outer.handle, fcntl.LOCK_EX)
        if there := outer.facts(name):
            with outer.below(name) as old:
                if there.st_uid != os.geteuid():
                    raise BadTarget(f"{parent / name} is another user's folder", hint="remove it, or have it removed")
                _hold(old)
            if not keep:
                shutil.rmtree(name, dir_fd=outer.handle)
        with outer.below(name, mode) as folder:
            _hold(folder)
            fcntl.flock(outer.handle, fcntl.LOCK_UN)
            try:
                yield parent / name
            finally:
                with signals.shield():
                    now = outer.facts(name)
                    if now and os.path.samestat(os.fstat(folder.handle), now):  # it may have been moved into place
                        shutil.rmtree(name, ignore_errors=True, dir_fd=outer.handle)


def _hold(folder: Folder) -> None:
    try:
        fcntl.flock(folder.handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BadTarget(f"another taxiway is at work in {folder.top}", hint="wait for it to end") from None
