"""Who owns what a change touches, by GitLab's CODEOWNERS.

GitHub, Gitea and Forgejo ask the owners for a review by themselves. GitLab knows them only as approvers, and only in
its paid tiers, so there it is taxiway that asks. Source: https://docs.gitlab.com/user/project/codeowners/reference/
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Where GitLab looks, in its order; the first one that is there counts.
PLACES = ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_SECTION = re.compile(r"\^?\[(?P<name>[^\]]+)\](?:\[\d+\])?(?P<owners>\s.*)?")
_PATTERN = re.compile(r"(?:\\.|\S)+")
_TOKEN = re.compile(r"\*\*/|\*\*|\*|\?|\[[!^]?[^\]]+\]|\\.|.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A line of a section. Without owners it takes its paths out again."""

    pattern: re.Pattern[str]
    owners: tuple[str, ...]


def owners(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """The users and groups who own these paths, in the order of the file: `user`, or `group/team`.

    In each section the last line that matches a path decides. Addresses of mail and roles are nobody who can be asked.
    """
    sections = _sections(text)
    found = {
        owner
        for path in paths
        for entries in sections
        for owner in next((each.owners for each in reversed(entries) if each.pattern.fullmatch(path)), ())
    }
    listed = (owner for entries in sections for entry in entries for owner in entry.owners)
    return tuple(each for each in dict.fromkeys(listed) if each in found)


def _sections(text: str) -> list[list[_Entry]]:
    """The entries of each section; sections of one name, whatever its case, are one."""
    found: dict[str, list[_Entry]] = {"": []}
    entries = found[""]
    default: tuple[str, ...] = ()
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue
        if section := _SECTION.fullmatch(line):
            entries, default = found.setdefault(section["name"].casefold(), []), _names(section["owners"] or "")
        elif pattern := _PATTERN.match(line):
            named, is_exclusion = line[pattern.end() :].strip(), line.startswith("!")
            chosen = () if is_exclusion else _names(named) if named else default
            entries.append(_Entry(pattern=_translate(pattern[0].removeprefix("!")), owners=chosen))
    return list(found.values())


def _names(text: str) -> tuple[str, ...]:
    return tuple(each[1:] for each in text.split() if each.startswith("@") and not each.startswith("@@"))


def _translate(pattern: str) -> re.Pattern[str]:
    """A pattern over the whole of a path: without a slash in front it matches in every folder.

    One that can't be, a range from `z` to `a`, matches nothing.
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
                # Of two hyphens the first makes a range, and the second one is where it ends.
                characters = re.sub(r"\\-(\\-)?", r"-\1", re.escape(token[1 + negated : -1]))
                yield f"[{'^' * negated}{characters}]"
            case _:
                yield re.escape(token.removeprefix("\\") or token)
