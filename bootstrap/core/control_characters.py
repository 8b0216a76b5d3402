"""Control characters: never a part of a name or a URL, because terminals and protocols act on them."""

import re

from bootstrap.core.errors import BadOption

# Unicode's control characters (C0, DEL, C1), line and paragraph separators, marks that turn the direction of a text
# (UAX #9), and halves of surrogate pairs, which no UTF-8 holds.
ANY = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def check(what: str, text: str, *, lines: bool = False) -> None:
    """Raise BadOption where a text has a control character; with `lines`, it may have several lines and tabs."""
    if found := ANY.search(re.sub(r"[\t\r\n]", "", text) if lines else text):
        raise BadOption(
            f"{what} has the control character U+{ord(found[0]):04X}", hint="leave it out: write it as plain text"
        )
