"""Open folders: access to the files below, one path component at a time, through no symbolic link (O_NOFOLLOW)."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.core import paths
from bootstrap.core.errors import BadTarget

PRIVATE = 0o700  # the mode of a folder that only the user may read
PARTIAL_FILE = re.compile(r"\.taxiway-[0-9a-f]{16}\.part")  # the name of a file while it is written
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_TYPES = {
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder, by its descriptor. `top`, the folder that was opened first, and `path` below it are for messages.

    Another process that renames or replaces a folder on the way to it can't redirect it. Each OSError has the whole
    path.
    """

    handle: int
    top: Path
    path: str = ""

    @contextlib.contextmanager
    def below(self, path: str, mode: int | None = None) -> Iterator["Folder"]:
        """Open a folder below this one. With a mode, missing folders are created.

        Raises BadTarget for a link or anything else that is not a folder, FileNotFoundError where there is nothing.
        """
        inner = Folder(os.dup(self.handle), self.top, self.path)
        try:
            for name in path.split("/") if path else ():
                outer, inner = inner, inner._enter(name, mode)
                os.close(outer.handle)
            yield inner
        finally:
            os.close(inner.handle)

    def _enter(self, name: str, mode: int | None) -> "Folder":
        path = paths.join(self.path, name)
        with self._path_in_errors(name):
            try:
                return Folder(os.open(name, _FOLDER, dir_fd=self.handle), self.top, path)
            except FileNotFoundError:
                if mode is None:
                    raise
            except OSError:
                self.require_type(name, stat.S_IFDIR)
                raise
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, mode, dir_fd=self.handle)
                if mode == PRIVATE:  # whatever the umask
                    os.chmod(name, mode, dir_fd=self.handle)
        return self._enter(name, None)

    def names(self) -> list[str]:
        """The names of its entries, sorted."""
        return sorted(os.listdir(self.handle))  # noqa: PTH208  (pathlib knows no descriptors)

    def lstat(self, name: str) -> os.stat_result | None:
        """The status of an entry, of a symbolic link itself; None where there is none."""
        with self._path_in_errors(name):
            try:
                return os.stat(name, dir_fd=self.handle, follow_symlinks=False)
            except FileNotFoundError:
                return None

    def require_type(self, name: str, file_type: int = stat.S_IFREG) -> None:
        """Raise BadTarget where an entry exists and has another type: S_IFREG for a regular file, S_IFDIR a folder."""
        info = self.lstat(name)
        if info is None or stat.S_IFMT(info.st_mode) == file_type:
            return
        path = paths.shown(paths.join(self.path, name))
        if stat.S_ISLNK(info.st_mode):
            target = paths.shown(os.readlink(name, dir_fd=self.handle))
            raise BadTarget(
                f"{path} is a symbolic link to {target}, and taxiway writes through no link",
                hint="put a real file or folder in its place, or remove it",
            )
        raise BadTarget(
            f"{path} is {_TYPES[stat.S_IFMT(info.st_mode)]}, where {_TYPES[file_type]} is needed",
            hint="move it away, or remove it",
        )

    def read(self, name: str) -> bytes | None:
        """The content of a regular file; None where there is none."""
        try:
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.handle)
        except OSError:
            return None
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                return None
            with open(handle, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(handle)

    def create(self, name: str, data: bytes) -> None:
        """Write a new file. Raises FileExistsError where it exists."""
        with self._path_in_errors(name), os.fdopen(os.open(name, _CREATE, 0o666, dir_fd=self.handle), "wb") as file:
            file.write(data)

    def write_atomically(self, name: str, data: bytes, mode: int | None = None) -> None:
        """Write a file, or replace it, atomically. Without a mode, a replaced file's mode stays."""
        partial = f".taxiway-{os.urandom(8).hex()}.part"
        old = self.lstat(name)
        if mode is None and old:
            mode = stat.S_IMODE(old.st_mode) & 0o777
        with self._path_in_errors(name):
            handle = os.open(partial, _CREATE, 0o666 if mode is None else 0o600, dir_fd=self.handle)
            try:
                with os.fdopen(handle, "wb") as file:
                    if mode is not None:
                        os.fchmod(handle, mode)
                    file.write(data)
                os.rename(partial, name, src_dir_fd=self.handle, dst_dir_fd=self.handle)
            except BaseException:
                self.unlink(partial)
                raise

    def unlink(self, name: str) -> None:
        """Remove a file, or a symbolic link itself, if it is there."""
        with self._path_in_errors(name), contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.handle)

    def prune(self, path: str) -> None:
        """Remove the folder `path` below this one, and those between them, as long as they are empty."""
        for folder in reversed([*paths.parents(path), path] if path else []):
            parent, _, name = folder.rpartition("/")
            try:
                with self.below(parent) as opened:
                    os.rmdir(name, dir_fd=opened.handle)
            except FileNotFoundError:
                continue
            except OSError:
                return

    @contextlib.contextmanager
    def _path_in_errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise OSError(err.errno, err.strerror, str(self.top / self.path / name)) from None


@contextlib.contextmanager
def open_folder(folder: Path, shown: str = "") -> Iterator[Folder]:
    """Open a folder by a trusted path, from the user or taxiway itself: links on the way to it are followed.

    Messages show paths with `shown` in front; by default, relative to the folder.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Folder(handle, folder, shown)
    finally:
        os.close(handle)
