"""Relative paths: which of them may be written, by their text alone, and how they are shown."""

import os
import re

# Names that a file system takes for `.git`, as Git itself refuses them: NTFS has short names and drops dots and blanks
# at the end (path.c, is_ntfs_dotgit), HFS+ drops these code points (utf8.c, next_hfs_char).
_GIT = re.compile(r"(?:\.git|git~1)[ .]*(?::.*)?", re.IGNORECASE | re.DOTALL)
_DROPPED = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))
_SHOWN = 200  # characters


def problem(path: str) -> str | None:
    """Why no file may be written at a path below a folder; None where its text allows it."""
    parts = path.split("/")
    if not path or "\0" in path or not _encodable(path):
        return "is not the path of a file"
    if path.startswith("/") or ".." in parts:
        return "leaves the folder"
    if "" in parts or "." in parts:
        return "is not the path of a file"
    if any(_GIT.fullmatch(name.translate(_DROPPED)) for name in re.split(r"[/\\]", path)):
        return "goes into Git's own folder"
    return None


def shown(path: str) -> str:
    """A path in a message: what is not printable as an escape, and its middle left out where it is very long."""
    text = path if path.isprintable() and path else repr(path)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"


def join(folder: str, name: str) -> str:
    """The path of an entry of a folder, which may be the outermost one: empty."""
    return f"{folder}/{name}" if folder else name


def above(path: str) -> list[str]:
    """Every folder of a relative path, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _encodable(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True
