"""Relative paths as text: which of them may be written, and how messages show them."""

import os
import re

# Names that a file system takes for `.git`, which Git refuses too: NTFS has short names and ignores trailing dots and
# blanks (path.c, is_ntfs_dotgit), HFS+ ignores these code points (utf8.c, next_hfs_char).
_DOT_GIT = re.compile(r"(?:\.git|git~1)[ .]*(?::.*)?", re.IGNORECASE | re.DOTALL)
_IGNORED_BY_HFS = dict.fromkeys((*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))
_MAX_SHOWN = 200  # characters


def problem(path: str) -> str | None:
    """Why a file must not be written at this path below a folder; None if it may."""
    parts = path.split("/")
    if not path or "\0" in path or not _encodable(path):
        return "is not the path of a file"
    if path.startswith("/") or ".." in parts:
        return "leaves the folder"
    if "" in parts or "." in parts:
        return "is not the path of a file"
    if any(_DOT_GIT.fullmatch(name.translate(_IGNORED_BY_HFS)) for name in re.split(r"[/\\]", path)):
        return "goes into Git's own folder"
    return None


def shown(path: str) -> str:
    """A path for a message: quoted and escaped where it is not printable, shortened in the middle where it is long."""
    text = path if path.isprintable() and path else repr(path)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN // 2]}…{text[-_MAX_SHOWN // 2 :]}"


def join(folder: str, name: str) -> str:
    """The path of an entry of a folder; an empty folder is the root."""
    return f"{folder}/{name}" if folder else name


def parents(path: str) -> list[str]:
    """Every folder above a relative path, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _encodable(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True
