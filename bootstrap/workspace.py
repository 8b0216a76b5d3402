"""The reader of what the user names, and of the repo's files; and temporary folders."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bootstrap.config.parts import MODEL
from bootstrap.core.errors import BadCertificate, BadSecret, BadTarget
from bootstrap.core.tree import Tree
from bootstrap.gitrepo import reading
from bootstrap.system import files


def read_input(source: str) -> bytes:
    """What the user wants read: a file, or standard input for `-`. Raises BadSecret where it can't be."""
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).expanduser().read_bytes()
    except OSError as err:
        raise BadSecret(f"{source}: {err.strerror}", hint="give a readable file, or - for standard input") from None


def read_certificate(path: Path) -> bytes:
    """The bytes of a certificate file. Raises BadCertificate where it can't be read."""
    try:
        return path.expanduser().read_bytes()
    except OSError as err:
        raise BadCertificate(f"{path}: {err.strerror}", hint="give the file that kubeseal --fetch-cert wrote") from None


def top_of(start: Path) -> Path:
    """The top of the environment repo that a folder is in. Raises BadTarget outside of any."""
    folder = start.resolve()
    for each in (folder, *folder.parents):
        if os.path.lexists(each / MODEL):
            return each
    raise BadTarget(
        f"{folder} is in no environment repo: there is no {MODEL}", hint="go into one, or name it with --directory"
    )


def read_file(top: Path, path: str) -> bytes | None:
    """A file below a folder, or None where there is none. Raises BadTarget where it is none that is read."""
    return reading.read(top, path)


@contextlib.contextmanager
def scratch(tree: Tree) -> Iterator[Path]:
    """The files in a temporary folder, for a look at what kustomize makes of them."""
    with tempfile.TemporaryDirectory(prefix="taxiway-") as folder:
        files.write(Path(folder), tree)
        yield Path(folder)
