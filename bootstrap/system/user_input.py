"""User input: files named on the command line, and standard input."""

import sys
from pathlib import Path

from bootstrap.core.errors import BadCertificate, BadSecret


def read_input(source: str) -> bytes:
    """The bytes of a file, or of standard input for `-`. Raises BadSecret where it can't be read."""
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
