"""Control characters: rejected in names and URLs, because terminals and protocols act on them."""

import re

from bootstrap.core.errors import BadOption

# Unicode's control characters (C0, DEL, C1), line and paragraph separators, bidirectional formatting characters
# (UAX #9), the byte order mark, and surrogates, which UTF-8 can't encode.
PATTERN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def reject(what: str, text: str, *, lines: bool = False) -> None:
    """Raise BadOption where `text` has a control character. With `lines`, tabs and line ends are allowed."""
    if match := PATTERN.search(re.sub(r"[\t\r\n]", "", text) if lines else text):
        raise BadOption(
            f"{what} has the control character U+{ord(match[0]):04X}", hint="leave it out: write it as plain text"
        )
