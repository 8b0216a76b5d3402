"""Escaping filters for text of others: what it says is shown as it is, and nothing that reads it acts on it.

One filter a place: `log_line` for a terminal or a CI log, `commit_line` for a commit message or a title, `as_json` for
programs; `markdown` has those of a pull request's body. All begin with `visible`. A backslash is what they add, and a
text that needs none comes out as it went in. Each is idempotent.
"""

import json
import re
from typing import Any

_DOUBTFUL = re.compile("[^\x20-\x7e]")
_ODD = re.compile("[^\x20-\x7e\n\r\t]")
# What Unicode calls letters or marks and yet shows nothing for (DerivedCoreProperties: Default_Ignorable_Code_Point);
# of the others, `str.isprintable` knows.
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")

# Runners of GitHub, Gitea and Forgejo act on a line that begins with `::`, blanks before it or not, in stdout and in
# stderr (actions/runner, ActionCommand.TryParseV2), and GitHub's on `##[` anywhere (TryParse); Azure's on `##vso[`.
_COMMAND = re.compile(r"^(\s*)::")
_MARKED = re.compile(r"#(?=#\w*\[)")
_ANY_COMMAND = re.compile(rf"(?:^|[\n\r])\s*::|{_MARKED.pattern}")

# `[skip ci]`, in every order and spelling that a forge or a CI system knows, `***NO_CI***` and `skip-checks: true`.
_SKIP = re.compile(r"\[(?=\s*(?:\w+[\s_-]*skip|skip[\s_-]*\w+|no[\s_-]*ci)\s*\])", re.IGNORECASE)
_NO_CI = re.compile(r"\*\*\*(?=NO_CI)|skip-checks(?=\s*:)", re.IGNORECASE)
# What closes an issue (GitHub, Gitea, and GitLab's default pattern): a verb, then `#1`, `GH-1`, `KEY-1` or an URL.
_CLOSES = re.compile(
    r"\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?)"
    r"(?=:?\s+(?:issues?\s+)?\S*[-/#!]\d)",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"[#!](?=\d)")
# No word before it, or it is an address or a digest (`image@sha256:…`). The backslash comes behind: before it, forges
# still take it for a mention.
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[^\s\\])")


def visible(text: str, keep: str = "") -> str:
    r"""The text with all that is not seen written out, but for these: `\x1b`, `\n`, `\u202e`, for a stray byte `\xff`.

    That is control characters, line ends, invisible and bidirectional marks, unassigned characters and lone surrogates.
    """
    if text.isascii() and text.isprintable():
        return text
    return _DOUBTFUL.sub(lambda match: match[0] if match[0] in keep else _written_out(match[0]), text)


def log_line(text: str) -> str:
    """One line for a terminal or a CI log: it stays one, and begins no command to the runner."""
    return _COMMAND.sub(r"\1\\::", _MARKED.sub(r"#\\", visible(text, keep="\t")))


def has_command(text: str) -> bool:
    """Whether a line of a text would be a command to a runner; some of them pass over what is not seen."""
    return bool(_ANY_COMMAND.search(_ODD.sub(lambda match: match[0] if visible(match[0]) == match[0] else "", text)))


def as_json(data: Any) -> str:
    """A JSON document in ASCII, in which no string is a command to a runner."""
    return _MARKED.sub(r"\\u0023", json.dumps(data, indent=2))


def in_quotes(text: str) -> str:
    """A YAML text whose strings stand in double quotes wherever they hold a command, without that command."""
    return _MARKED.sub(r"\\x23", text)


def passive(text: str) -> str:
    """A text that keeps no pipeline from running and closes no issue, wherever a forge may copy it to."""
    for pattern in (_SKIP, _NO_CI, _CLOSES):
        text = pattern.sub(r"\g<0>\\", text)
    return text


def commit_line(text: str) -> str:
    """One line of a commit message or a title: it mentions nobody, refers to nothing, and ends no paragraph."""
    text = _MARKED.sub(r"#\\", passive(" ".join(visible(text).split())))
    return _MENTION.sub(r"\g<0>\\", _REFERENCE.sub(r"\g<0>\\", text))


def _written_out(character: str) -> str:
    blank = character.isspace() and character > "\x9f" and character not in "\u2028\u2029"  # a wide space, say
    if (character.isprintable() or blank) and not _BLANK.match(character):
        return character
    if "\udc80" <= character <= "\udcff":  # a byte of a file name that is no UTF-8 (os.fsdecode)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
