"""Folder `.taxiway/` of an environment repo: the wheel and the requirements from which its CI installs taxiway.

taxiway is never installed by name from a package index, where somebody else could register that name.
"""

import base64
import hashlib
import io
import re
import zipfile
from dataclasses import dataclass

from bootstrap.core.errors import BadOption
from bootstrap.core.tree import Tree

FOLDER = ".taxiway"
REQUIREMENTS = "requirements.txt"
_WHEEL = b"Wheel-Version: 1.0\nGenerator: taxiway\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a ZIP file can hold
_URL = re.compile(r"(https://[\w.-]+(?::\d+)?/[\w./~%+-]+\.whl)#sha256=([0-9a-f]{64})", re.ASCII)
_HEADER = """# What the CI of this repository installs: taxiway {version} and all that it needs, a hash for each file.
# It is read from the base branch alone: what a pull request changes here counts once it is merged.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A wheel of taxiway at a URL, with its SHA-256 in hexadecimal."""

    url: str
    sha256: str

    @classmethod
    def parse(cls, text: str) -> "Download":
        """Parse `https://…/….whl#sha256=…`. Raises BadOption for anything else, also for a URL without a hash."""
        match = _URL.fullmatch(text)
        if match is None:
            raise BadOption(
                f"--install {text!r} is not the URL of a wheel with its hash",
                hint="give https://HOST/PATH/taxiway-VERSION-py3-none-any.whl#sha256=64 hexadecimal digits",
            )
        return cls(url=match[1], sha256=match[2])


def plan(version: str, package: Tree, lock: bytes, download: Download | None = None) -> Tree:
    """The files of `.taxiway/`: the requirements, and the wheel unless that is a download."""
    if download:
        return Tree({REQUIREMENTS: _requirements(version, download.url, download.sha256, lock)}).at(FOLDER)
    name, data = f"taxiway-{version}-py3-none-any.whl", build(version, package)
    digest = hashlib.sha256(data).hexdigest()
    return Tree({name: data, REQUIREMENTS: _requirements(version, f"./{name}", digest, lock)}).at(FOLDER)


def build(version: str, package: Tree) -> bytes:
    """Build a reproducible wheel of these files (PyPA specification: Binary distribution format)."""
    info = f"taxiway-{version}.dist-info"
    files = {**package.files, f"{info}/WHEEL": _WHEEL}
    record = f"{info}/RECORD"
    # The RECORD comes last, as the specification recommends, and has no hash of its own.
    lines = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in sorted(files.items())]
    files_in_order = [*sorted(files.items()), (record, "\n".join([*lines, f"{record},,", ""]).encode())]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, data in files_in_order:
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16  # Unix, a regular file with mode 0644
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def _requirements(version: str, location: str, digest: str, lock: bytes) -> bytes:
    own = f"{location} --hash=sha256:{digest}\n"
    pinned = lock.decode().split("\n")
    rest = "\n".join(line for line in pinned if not line.startswith("#"))
    return (_HEADER.format(version=version) + own + rest).encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
