"""`taxiway comment`: post the text of a file as a comment on a pull request."""

import re
from dataclasses import dataclass
from pathlib import Path

from bootstrap.core.errors import BadOption
from bootstrap.core.result import Progress, Result
from bootstrap.forges.hosting import BODY_LIMITS
from bootstrap.gitrepo import environment_repo
from bootstrap.pullrequests import comments
from bootstrap.system import user_input

_CONTROLS = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]")
_CUT = "\n… cut here: the forge takes no more.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The pull request's number, and the source of the text: a file, or `-` for standard input."""

    directory: Path
    number: int
    source: str


def run(request: Request, *, progress: Progress) -> Result:
    """Post the comment, unless it is there already. Raises BadOption for an empty text."""
    top = environment_repo.find_top(request.directory)
    model = environment_repo.open_work_tree(top).model
    text = _sanitized(user_input.read_input(request.source), BODY_LIMITS[model.forge])
    if not text.strip():
        raise BadOption(f"{request.source} holds no text", hint="make one: taxiway diff --output comment > FILE")
    return comments.post(top, model, request.number, text, progress=progress)


def _sanitized(data: bytes, limit: int) -> str:
    """The text, of at most `limit` characters; control characters other than tab and line end are replaced."""
    text = _CONTROLS.sub("\ufffd", data.decode(errors="replace").replace("\r\n", "\n"))
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT
