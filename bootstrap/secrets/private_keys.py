"""Private sealing key files: outside of every Git repository, mode 0600."""

import contextlib
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from bootstrap.core.errors import BadCertificate
from bootstrap.core.secret import Secret
from bootstrap.system import files, signals
from bootstrap.system.nofollow import PARTIAL_FILE, PRIVATE, open_folder

_MODE = 0o600
_MAX_BYTES = 65536  # a key has a few thousand

Enclosing = Callable[[Path], Path | None]  # the Git repository that holds a folder (gitrepo.enclosing.search)


def read(path: Path, enclosing: Enclosing) -> Secret | None:
    """The private key at a path; None where there is none yet.

    Raises BadCertificate where the path is inside a Git repository, as far as `enclosing` knows, and where the file is
    not a regular one that belongs to the user and that nobody else can read.
    """
    full = _resolved(path)
    if repo := enclosing(full.parent):
        raise BadCertificate(
            f"{full} is inside the Git repository {repo}, where a private key could be committed",
            hint="choose a path outside of every repository",
        )
    try:
        with open_folder(full.parent) as folder:
            handle = os.open(full.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder.handle)
    except FileNotFoundError:
        return None
    except OSError as err:
        raise BadCertificate(
            f"{full}: {_reason(full, err)}", hint="name the file that the private key goes to"
        ) from None
    try:
        _check_file(full, os.fstat(handle))
        return Secret(os.read(handle, _MAX_BYTES))
    finally:
        os.close(handle)


def _reason(full: Path, err: OSError) -> str:
    return "is a symbolic link, which a private key is not read through" if full.is_symlink() else str(err.strerror)


def _check_file(full: Path, facts: os.stat_result) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise BadCertificate(f"{full} is a folder", hint="name the file that the private key goes to")
    if not stat.S_ISREG(facts.st_mode):
        raise BadCertificate(f"{full} is no regular file", hint="name the file that the private key goes to")
    if facts.st_uid != os.geteuid():
        raise BadCertificate(f"{full} belongs to another user", hint="choose a file of your own")
    if facts.st_mode & 0o077:
        raise BadCertificate(
            f"{full} can be read or written by others (mode {stat.S_IMODE(facts.st_mode):04o})",
            hint=f"chmod 600 {shlex.quote(str(full))}, and consider who has read the key by now",
        )


@contextlib.contextmanager
def write(path: Path | None, key: Secret | None) -> Iterator[None]:
    """Write a private key, mode 0600, and remove it again if the body of the `with` fails; without a key do nothing.

    Missing folders are created with mode 0700. Raises BadCertificate where the file exists by now.
    """
    if path is None or key is None:
        yield
        return
    full = _resolved(path)
    start, missing = files.split_missing(full.parent)
    with open_folder(start, shown=str(start)) as outer:
        try:
            with outer.below(missing, PRIVATE) as folder:
                for name in filter(PARTIAL_FILE.fullmatch, folder.names()):  # left by a killed run
                    folder.unlink(name)
                if folder.lstat(full.name):
                    raise BadCertificate(f"{full} is there by now", hint="run the command again")
                folder.write_atomically(full.name, key.reveal(), _MODE)

                def undo() -> bool:
                    if signals.has_changed():  # what is sealed for this key is in place
                        return False
                    if folder.read(full.name) == key.reveal():
                        folder.unlink(full.name)
                    return True

                with signals.undo_on_failure(undo):
                    yield
        except BaseException:
            outer.prune(missing)
            raise


def _resolved(path: Path) -> Path:
    """The absolute path, its folder resolved; its last part is kept, since a link there is refused."""
    try:
        given = path.expanduser()
        return given.parent.resolve() / given.name
    except (OSError, RuntimeError) as err:  # a loop of links, or no such user
        raise BadCertificate(f"{path}: {err}", hint="name the file that the private key goes to") from None
