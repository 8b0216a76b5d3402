"""`taxiway comment`: a text that is there already, told to a pull request."""

import re
from dataclasses import dataclass
from pathlib import Path

from bootstrap import offer, repository, workspace
from bootstrap.errors import BadOption
from bootstrap.forges.hosting import BODY_LIMITS
from bootstrap.result import Progress, Result

_CONTROLS = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]")
_CUT = "\n… cut here: the forge takes no more.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Which pull request, and where the text is: a file, or `-` for standard input."""

    directory: Path
    number: int
    source: str


def run(request: Request, *, progress: Progress) -> Result:
    """Tell the text to the pull request, unless it was told there before. Raises BadOption where there is none."""
    top = workspace.top_of(request.directory)
    known = repository.working(top).model
    text = _plain(workspace.read_input(request.source), BODY_LIMITS[known.forge])
    if not text.strip():
        raise BadOption(f"{request.source} holds no text", hint="make one: taxiway diff --output comment > FILE")
    url, new = offer.comment(top, known, request.number, text, progress=progress)
    said = f"{'told' if new else 'told before'}: {url}"
    return Result(status="commented" if new else "unchanged", data={"pullRequest": url}, lines=(said,))


def _plain(data: bytes, limit: int) -> str:
    """Text of at most `limit` characters, whatever is given: without control characters but tab and line end."""
    text = _CONTROLS.sub("\ufffd", data.decode(errors="replace").replace("\r\n", "\n"))
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT
