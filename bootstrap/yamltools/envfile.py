"""The env files of a configMapGenerator: read as kustomize reads them, edited byte by byte.

kustomize (api/kv): white space in front of a line does not count, `#` begins a comment, all behind the first `=` is the
value as it stands.
"""

import re
from collections.abc import Iterator

from bootstrap.yamltools.text import NotEditable

_LINE = re.compile(r"\ufeff?\s*(?P<key>[^#\s=\ufeff][^=\n]*)=(?P<value>[^\n]*?)(?P<end>\r?\n|\r?$)")


def read(text: str) -> dict[str, str]:
    """The settings, in their order. Raises NotEditable where one is set twice, which kustomize refuses."""
    found: dict[str, str] = {}
    for _, match in _settings(text):
        if match["key"] in found:
            raise NotEditable(f"{match['key']} is set twice")
        found[match["key"]] = match["value"]
    return found


def put(text: str, key: str, value: str) -> str:
    """Set a value in its place, or as the last line where the key is not there; nothing else changes."""
    read(text)
    for start, match in _settings(text):
        if match["key"] == key:
            begin, end = start + match.start("value"), start + match.end("value")
            return text[:begin] + value + text[end:]
    newline = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        return f"{text}{newline}{key}={value}"
    return f"{text}{key}={value}{newline}"


def remove(text: str, key: str) -> str:
    """Take a setting's line away; the text as it is where there is none."""
    read(text)
    for start, match in _settings(text):
        if match["key"] == key:
            before, after = text[:start], text[start + match.end() :]
            # A text without a last line end stays one.
            return before + after if match["end"] else before.removesuffix("\n").removesuffix("\r")
    return text


def _settings(text: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Each setting's line: where it begins in the text, and its parts. kustomize ends lines at LF alone."""
    start = 0
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if match := _LINE.fullmatch(line):
            yield start, match
        start += len(line)
