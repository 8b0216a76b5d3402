"""What the user names on the command line: a file, or standard input."""

import sys
from pathlib import Path

from bootstrap.core.errors import BadCertificate, BadSecret


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
