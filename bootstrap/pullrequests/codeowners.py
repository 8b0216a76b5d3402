"""CODEOWNERS in GitLab's syntax: the owners of the files that a change touches.

GitHub, Gitea and Forgejo request reviews from code owners themselves. GitLab has them only as approvers, and only in
its paid tiers, so there taxiway requests the reviews. Source: https://docs.gitlab.com/user/project/codeowners/reference/
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# In GitLab's order: the first file that exists is used.
PLACES = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<owners>\s.*)?")
_PATTERN = re.compile(r"(?:\\.|\S)+")
_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?[^\]]+\]|\\.|.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One line of a section; without owners it excludes its paths."""

    pattern: re.Pattern[str]
    owners: tuple[str, ...]


def owners(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """The owners of these paths as `user` or `group/team`, in the order of the file.

    In each section the last matching line decides. E-mail addresses and roles are left out: no review can be requested
    from them.
    """
    sections = _sections(text)
    owning = {
        owner
        for path in paths
        for entries in sections
        for owner in next((entry.owners for entry in reversed(entries) if entry.pattern.fullmatch(path)), ())
    }
    listed = (owner for entries in sections for entry in entries for owner in entry.owners)
    return tuple(owner for owner in dict.fromkeys(listed) if owner in owning)


def _sections(text: str) -> list[list[_Entry]]:
    """The entries of each section; sections whose names differ only in case are one."""
    sections: dict[str, list[_Entry]] = {"": []}
    entries = sections[""]
    default: tuple[str, ...] = ()
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if section := _SECTION.fullmatch(line):
            entries, default = sections.setdefault(section["name"].casefold(), []), _names(section["owners"] or "")
        elif pattern := _PATTERN.match(line):
            names, is_exclusion = line[pattern.end() :].strip(), line.startswith("!")
            chosen = () if is_exclusion else _names(names) if names else default
            entries.append(_Entry(pattern=_translate(pattern[0].removeprefix("!")), owners=chosen))
    return list(sections.values())


def _names(text: str) -> tuple[str, ...]:
    return tuple(word[1:] for word in text.split() if word.startswith("@") and not word.startswith("@@"))


def _translate(pattern: str) -> re.Pattern[str]:
    """A regular expression for whole paths; a pattern without a leading slash matches in every folder.

    An invalid pattern, such as a range from `z` to `a`, matches nothing.
    """
    whole = f"{pattern}**" if pattern.endswith("/") else pattern
    text = "".join(_expressions(whole.removeprefix("/")))
    try:
        return re.compile(text if pattern.startswith("/") else f"(?:.*/)?{text}")
    except re.error:
        return re.compile("(?!)")


def _expressions(pattern: str) -> Iterator[str]:
    for token in _TOKEN.findall(pattern):
        match token:
            case "**/":
                yield "(?:.*/)?"
            case "**":
                yield ".*"
            case "*":
                yield "[^/]*"
            case "?":
                yield "[^/]"
            case str() if token.startswith("[") and len(token) > 1:
                negated = token[1] in "!^"
                # Unescape hyphens, so that they make ranges; the second of two is the end of its range.
                characters = re.sub(r"\\-(\\-)?", r"-\1", re.escape(token[1 + negated : -1]))
                yield f"[{'^' * negated}{characters}]"
            case _:
                yield re.escape(token.removeprefix("\\") or token)
