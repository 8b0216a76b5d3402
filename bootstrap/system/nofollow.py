"""An open folder, below which files are read and written one path component at a time, and through no symbolic link."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap.core import paths
from bootstrap.core.errors import BadTarget

PRIVATE = 0o700  # the mode of a folder that nobody else may look into
UNFINISHED = re.compile(r"\.taxiway-[0-9a-f]{16}\.part")  # the name of a file that is not whole yet
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder; `path` is where it is below `top`, the one that was opened first, and only for messages.

    Whoever renames or replaces what lies on the way to it meanwhile changes nothing about what is reached through it.
    Every OSError names the whole path.
    """

    handle: int
    top: Path
    path: str = ""

    @contextlib.contextmanager
    def below(self, path: str, mode: int | None = None) -> Iterator["Folder"]:
        """Open a folder below this one; with a mode, make what is missing of it.

        Raises BadTarget at a link or anything else that is no folder, FileNotFoundError where there is nothing.
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
        with self._naming(name):
            try:
                return Folder(os.open(name, _FOLDER, dir_fd=self.handle), self.top, path)
            except FileNotFoundError:
                if mode is None:
                    raise
            except OSError:
                self.refuse(name, stat.S_IFDIR)
                raise
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, mode, dir_fd=self.handle)
                if mode == PRIVATE:  # whatever the umask is
                    os.chmod(name, mode, dir_fd=self.handle)
        return self._enter(name, None)

    def names(self) -> list[str]:
        """The names of what is in it."""
        return sorted(os.listdir(self.handle))  # noqa: PTH208  (pathlib knows no descriptors)

    def facts(self, name: str) -> os.stat_result | None:
        """What is there by this name, the link itself where it is one; None where nothing is."""
        with self._naming(name):
            try:
                return os.stat(name, dir_fd=self.handle, follow_symlinks=False)
            except FileNotFoundError:
                return None

    def refuse(self, name: str, wanted: int = stat.S_IFREG) -> None:
        """Raise BadTarget where something else than a regular file is there; or than a folder, with stat.S_IFDIR."""
        facts = self.facts(name)
        if facts is None or stat.S_IFMT(facts.st_mode) == wanted:
            return
        path = paths.shown(paths.join(self.path, name))
        if stat.S_ISLNK(facts.st_mode):
            end = paths.shown(os.readlink(name, dir_fd=self.handle))
            raise BadTarget(
                f"{path} is a symbolic link to {end}, and taxiway writes through no link",
                hint="put a real file or folder in its place, or remove it",
            )
        raise BadTarget(
            f"{path} is {_KINDS[stat.S_IFMT(facts.st_mode)]}, where {_KINDS[wanted]} is needed",
            hint="move it away, or remove it",
        )

    def read(self, name: str) -> bytes | None:
        """What a regular file holds; None where there is none."""
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
        """Write a file that must not be there yet."""
        with self._naming(name), os.fdopen(os.open(name, _FRESH, 0o666, dir_fd=self.handle), "wb") as file:
            file.write(data)

    def put(self, name: str, data: bytes, mode: int | None = None) -> None:
        """Write a file that is there as a whole or not at all; without a mode, that of a file in its place stays."""
        part = f".taxiway-{os.urandom(8).hex()}.part"
        old = self.facts(name)
        if mode is None and old:
            mode = stat.S_IMODE(old.st_mode) & 0o777
        with self._naming(name):
            handle = os.open(part, _FRESH, 0o666 if mode is None else 0o600, dir_fd=self.handle)
            try:
                with os.fdopen(handle, "wb") as file:
                    if mode is not None:
                        os.fchmod(handle, mode)
                    file.write(data)
                os.rename(part, name, src_dir_fd=self.handle, dst_dir_fd=self.handle)
            except BaseException:
                self.unlink(part)
                raise

    def unlink(self, name: str) -> None:
        """Remove a file, or a link itself, as far as it is there."""
        with self._naming(name), contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.handle)

    def prune(self, path: str) -> None:
        """Remove a folder below this one, and those above it, as long as they are empty."""
        for each in reversed([*paths.above(path), path] if path else []):
            outer, _, name = each.rpartition("/")
            try:
                with self.below(outer) as folder:
                    os.rmdir(name, dir_fd=folder.handle)
            except FileNotFoundError:
                continue
            except OSError:
                return

    @contextlib.contextmanager
    def _naming(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as err:
            raise OSError(err.errno, err.strerror, str(self.top / self.path / name)) from None


@contextlib.contextmanager
def opened(folder: Path, shown: str = "") -> Iterator[Folder]:
    """Open a folder by a path that the user, or taxiway itself, has chosen: links on the way to it are followed.

    In messages, paths begin with what is `shown`; without it, below the folder.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Folder(handle, folder, shown)
    finally:
        os.close(handle)
