"""The file of a private sealing key: outside of every repository, and for nobody but its user."""

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
_LARGEST = 65536  # bytes; a key has some thousand
_LOOKED_AT = 1000  # entries of one folder
_MOUNTS = Path("/proc/self/mountinfo")  # proc_pid_mountinfo(5)


def existing(path: Path, target: Path) -> Secret | None:
    """The private key that is already at a path; None where there is none yet.

    Raises BadCertificate where a private key must not be: inside a Git repository, its work tree or `target`, as far as
    that can be known; and where what is there is no file of the user's own that nobody else can read.
    """
    full = _full(path)
    if around := _repository_around(full.parent, target):
        raise BadCertificate(
            f"{full} is inside the Git repository {around}, where a private key could be committed",
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
        _check(full, os.fstat(handle))
        return Secret(os.read(handle, _LARGEST))
    finally:
        os.close(handle)


def _reason(full: Path, err: OSError) -> str:
    return "is a symbolic link, which a private key is not read through" if full.is_symlink() else str(err.strerror)


def _check(full: Path, facts: os.stat_result) -> None:
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
def written(path: Path | None, key: Secret | None) -> Iterator[None]:
    """Write a private key, mode 0600, and take it back if the `with` fails; do nothing without a key.

    Folders that are missing are made for the user alone. Raises BadCertificate where a file is there by now.
    """
    if path is None or key is None:
        yield
        return
    full = _full(path)
    start, missing = files.split_missing(full.parent)
    with open_folder(start, shown=str(start)) as outer:
        try:
            with outer.below(missing, PRIVATE) as folder:
                for name in filter(PARTIAL_FILE.fullmatch, folder.names()):  # a run was killed
                    folder.unlink(name)
                if folder.lstat(full.name):
                    raise BadCertificate(f"{full} is there by now", hint="run the command again")
                folder.write_atomically(full.name, key.reveal(), _MODE)

                def take_back() -> bool:
                    if signals.has_changed():  # what is sealed for this key
                        return False
                    if folder.read(full.name) == key.reveal():
                        folder.unlink(full.name)
                    return True

                with signals.undo_on_failure(take_back):
                    yield
        except BaseException:
            outer.prune(missing)
            raise


def _full(path: Path) -> Path:
    """Where a path leads, but for the last part of it, which may be no link."""
    try:
        given = path.expanduser()
        return given.parent.resolve() / given.name
    except (OSError, RuntimeError) as err:  # a loop of links, or no such user
        raise BadCertificate(f"{path}: {err}", hint="name the file that the private key goes to") from None


def _repository_around(folder: Path, target: Path) -> Path | None:
    """What a folder is in: a repository or its work tree, wherever either is, or the target."""
    trees = [target.resolve(), *_work_trees(target), *_work_trees(Path.cwd())]
    if named := os.environ.get("GIT_WORK_TREE"):
        trees.append(Path(named))
    if named := os.environ.get("GIT_DIR"):
        trees.extend(_work_tree_of(Path(named)))
    for place in _places(folder):
        for each in (place, *place.parents):
            near = (tree for inner in _entries(each) if _is_bare(inner) for tree in _work_tree_of(inner))
            if os.path.lexists(each / ".git") or _is_bare(each) or any(_same(each, tree) for tree in (*trees, *near)):
                return each
    return None


def _places(folder: Path) -> Iterator[Path]:
    """A folder, and where else its file system shows it: at its other mount points, of which a bind mount is one."""
    yield folder
    mounts: list[tuple[str, Path, Path]] = []
    with contextlib.suppress(OSError, ValueError):
        for line in _MOUNTS.read_text(errors="surrogateescape").splitlines():
            _, _, device, *paths = line.split(" ")[:5]
            root, point = (Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), each)) for each in paths)
            mounts.append((device, root, point))
    above = [mount for mount in mounts if folder.is_relative_to(mount[2])]
    if above:
        device, root, point = max(reversed(above), key=lambda mount: len(mount[2].parts))  # the last hides the others
        real = root / folder.relative_to(point)
        yield from (p / real.relative_to(r) for d, r, p in mounts if d == device and real.is_relative_to(r))


def _is_bare(folder: Path) -> bool:
    """Whether a folder is Git's own: that of a bare repository, or of a work tree elsewhere (gitrepository-layout)."""
    return os.path.lexists(folder / "HEAD") and all((folder / name).is_dir() for name in ("objects", "refs"))


def _work_trees(folder: Path) -> list[Path]:
    """The work tree of the repository around a folder, which may be elsewhere."""
    there = next(each for each in (folder, *folder.resolve().parents) if each.is_dir())
    with contextlib.suppress(GitFailed):
        return [Path(git(there, "rev-parse", "--show-toplevel"))]
    return []


def _work_tree_of(repository: Path) -> list[Path]:
    with contextlib.suppress(GitFailed):
        told = git(Path("/"), "config", "--file", str(repository / "config"), "--get", "core.worktree")
        return [repository / told]
    return []


def _entries(folder: Path) -> list[Path]:
    try:
        return [*islice(folder.iterdir(), _LOOKED_AT)]
    except OSError:
        return []


def _same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False
