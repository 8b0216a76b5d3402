"""Markdown of untrusted values: none becomes a mention, a link, HTML, or the end of a table cell."""

import re
from collections.abc import Iterable, Sequence

from bootstrap.core.escaping import visible, without_keywords

_MAX_LENGTH = 120  # characters
_HARMLESS = re.compile(r"[A-Za-z0-9 ,;.()'/→…-]*")


def code(value: object, max_length: int = _MAX_LENGTH) -> str:
    """Inline code on one line, cut at `max_length` characters; also valid in a table cell."""
    text = _line(str(value))
    text = text if len(text) <= max_length else f"{text[:max_length]}…"
    if not text:
        return "` `"
    # Markdown splits table cells at `|` even in code, and shows a backslash before it in HTML.
    if "|" in text:
        return f"<code>{_escaped(text)}</code>"
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def sentence(text: str, max_length: int = 4 * _MAX_LENGTH) -> str:
    """A sentence of taxiway's that quotes untrusted names; as `code` where it has any character with a meaning.

    Escaping is not enough: forges look for mentions and links in the rendered text, where no escape is left.
    """
    text = _line(text)
    return text if _HARMLESS.fullmatch(text) and "www." not in text else code(text, max_length)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already; no line where there is no row."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines] if lines else []


def details(title: str, lines: Sequence[str], language: str = "") -> list[str]:
    """A `<details>` block with a trusted title and untrusted lines, in a fence longer than any backticks in them."""
    clean = [without_keywords(visible(part, keep="\t")) for line in lines for part in line.split("\n")]
    longest = max((len(run) for line in clean for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"<details><summary>{title}</summary>", "", fence + language, *clean, fence, "", "</details>"]


def _line(text: str) -> str:
    """One line, without keywords: a squash merge may copy it into a commit message."""
    return without_keywords(" ".join(visible(text, keep="\t\n").split()))


def _escaped(text: str) -> str:
    # As numeric references: Markdown never takes those for markup, and finds no link in them.
    return re.sub(r"[&<>|`*_\[\]\\@#~!:.$]", lambda match: f"&#{ord(match[0])};", text)
