"""Private sealing key files: outside of every Git repository, mode 0600."""

import contextlib
import os
import re
import shlex
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bootstrap.core.errors import BadCertificate, GitFailed
from bootstrap.core.secret import Secret
from bootstrap.gitrepo.command import git
from bootstrap.system import files, signals
from bootstrap.system.nofollow import PARTIAL_FILE, PRIVATE, open_folder

_MODE = 0o600
_MAX_BYTES = 65536  # a key has a few thousand
_MAX_ENTRIES = 1000  # of one folder, when looking for bare repositories
_MOUNTS = Path("/proc/self/mountinfo")  # proc_pid_mountinfo(5)


def read(path: Path, target: Path) -> Secret | None:
    """The private key at a path; None where there is none yet.

    Raises BadCertificate where the path is inside a Git repository, its work tree or `target`, as far as that can be
    known, and where the file is not a regular one that belongs to the user and that nobody else can read.
    """
    full = _resolved(path)
    if repo := _enclosing_repository(full.parent, target):
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


def _enclosing_repository(folder: Path, target: Path) -> Path | None:
    """The repository, work tree or target folder that holds a folder, also by another mount point of it."""
    trees = [target.resolve(), *_work_trees(target), *_work_trees(Path.cwd())]
    if variable := os.environ.get("GIT_WORK_TREE"):
        trees.append(Path(variable))
    if variable := os.environ.get("GIT_DIR"):
        trees.extend(_work_tree_of(Path(variable)))
    for path in _mounted_at(folder):
        for parent in (path, *path.parents):
            # A Git directory beside the folder may have it as work tree (core.worktree).
            named = (tree for entry in _entries(parent) if _is_git_dir(entry) for tree in _work_tree_of(entry))
            is_tree = any(_same(parent, tree) for tree in (*trees, *named))
            if os.path.lexists(parent / ".git") or _is_git_dir(parent) or is_tree:
                return parent
    return None


def _mounted_at(folder: Path) -> Iterator[Path]:
    """A folder, and every other path of it: its file system may be mounted more than once (bind mounts)."""
    yield folder
    mounts: list[tuple[str, Path, Path]] = []
    with contextlib.suppress(OSError, ValueError):
        for line in _MOUNTS.read_text(errors="surrogateescape").splitlines():
            _, _, device, *paths = line.split(" ")[:5]
            root, point = (Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)) for text in paths)
            mounts.append((device, root, point))
    above = [mount for mount in mounts if folder.is_relative_to(mount[2])]
    if above:
        device, root, point = max(
            reversed(above), key=lambda mount: len(mount[2].parts)
        )  # the last mount hides earlier ones
        real = root / folder.relative_to(point)
        yield from (p / real.relative_to(r) for d, r, p in mounts if d == device and real.is_relative_to(r))


def _is_git_dir(folder: Path) -> bool:
    """Whether a folder is a Git directory: of a bare repository or of a work tree elsewhere (gitrepository-layout)."""
    return os.path.lexists(folder / "HEAD") and all((folder / name).is_dir() for name in ("objects", "refs"))


def _work_trees(folder: Path) -> list[Path]:
    """The work tree of the repository that a folder is in; it may be elsewhere. Empty where there is none."""
    existing = next(parent for parent in (folder, *folder.resolve().parents) if parent.is_dir())
    with contextlib.suppress(GitFailed):
        return [Path(git(existing, "rev-parse", "--show-toplevel"))]
    return []


def _work_tree_of(git_dir: Path) -> list[Path]:
    """The work tree that a Git directory's `core.worktree` names."""
    with contextlib.suppress(GitFailed):
        worktree = git(Path("/"), "config", "--file", str(git_dir / "config"), "--get", "core.worktree")
        return [git_dir / worktree]
    return []


def _entries(folder: Path) -> list[Path]:
    try:
        return [*islice(folder.iterdir(), _MAX_ENTRIES)]
    except OSError:
        return []


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
