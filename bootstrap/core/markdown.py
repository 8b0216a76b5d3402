"""Markdown in which a value is only ever a value, whatever it says: no mention, link, HTML, or end of a table cell."""

import re
from collections.abc import Iterable, Sequence

from bootstrap.core.escaping import passive, visible

_LONGEST = 120
_HARMLESS = re.compile(r"[A-Za-z0-9 ,;.()'/→…-]*")


def code(value: object, longest: int = _LONGEST) -> str:
    """A value as code on one line, cut where it is too long; it may stand in a table, too."""
    text = _line(str(value))
    text = text if len(text) <= longest else f"{text[:longest]}…"
    if not text:
        return "` `"
    # A table splits its cells before anything else is read, in code too, and takes no backslash back out of HTML.
    if "|" in text:
        return f"<code>{_escaped(text)}</code>"
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def words(text: str, longest: int = 4 * _LONGEST) -> str:
    """A sentence of ours in which names of others stand; as code, cut where it is too long, if those could be more.

    Escaping would not do: forges look for mentions and links in the text that comes out, where no escape is left.
    """
    text = _line(text)
    return text if _HARMLESS.fullmatch(text) and "www." not in text else code(text, longest)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines] if lines else []


def folded(title: str, lines: Sequence[str], language: str = "") -> list[str]:
    """Lines of text behind a title of ours that unfolds, in a fence that none of them closes."""
    clean = [passive(visible(part, keep="\t")) for line in lines for part in line.split("\n")]
    longest = max((len(run) for line in clean for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"<details><summary>{title}</summary>", "", fence + language, *clean, fence, "", "</details>"]


def _line(text: str) -> str:
    """One line, in which nothing is hidden and which may become a commit's message, as squashed pull requests do."""
    return passive(" ".join(visible(text, keep="\t\n").split()))


def _escaped(text: str) -> str:
    # As numbers: Markdown reads those, but never as its own marks, and finds no address in them.
    return re.sub(r"[&<>|`*_\[\]\\@#~!:.$]", lambda match: f"&#{ord(match[0])};", text)
