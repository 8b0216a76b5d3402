"""Escaping of untrusted text, so that no terminal, CI runner or forge acts on it.

One filter per destination: `log_line` for a terminal or a CI log, `commit_line` for a commit message or a title,
`as_json` for programs, `core.markdown` for a pull request's body. They escape with a backslash, leave harmless text
unchanged, and are idempotent.
"""

import json
import re
from typing import Any

_NOT_ASCII_PRINTABLE = re.compile("[^\x20-\x7e]")
_NOT_ASCII_TEXT = re.compile("[^\x20-\x7e\n\r\t]")
# Invisible letters and marks (Unicode's DerivedCoreProperties: Default_Ignorable_Code_Point) for which
# `str.isprintable` is true.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")

# Workflow commands: runners of GitHub, Gitea and Forgejo act on a line of stdout or stderr that begins with `::`, with
# or without blanks before it (actions/runner, ActionCommand.TryParseV2), GitHub's also on `##[` anywhere in a line
# (TryParse), and Azure's on `##vso[`.
_COLON_COMMAND = re.compile(r"^(\s*)::")
_HASH_COMMAND = re.compile(r"#(?=#\w*\[)")
_ANY_COMMAND = re.compile(rf"(?:^|[\n\r])\s*::|{_HASH_COMMAND.pattern}")

# `[skip ci]` in each order and spelling that a forge or CI system takes, `***NO_CI***` and `skip-checks: true`.
_SKIP_CI = re.compile(r"\[(?=\s*(?:\w+[\s_-]*skip|skip[\s_-]*\w+|no[\s_-]*ci)\s*\])", re.IGNORECASE)
_NO_CI = re.compile(r"\*\*\*(?=NO_CI)|skip-checks(?=\s*:)", re.IGNORECASE)
# Closing keywords (GitHub, Gitea, and GitLab's default pattern): a verb, then `#1`, `GH-1`, `KEY-1` or a URL.
_CLOSES = re.compile(
    r"\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?)"
    r"(?=:?\s+(?:issues?\s+)?\S*[-/#!]\d)",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"[#!](?=\d)")
# Behind a word it is an e-mail address or a digest (`image@sha256:…`). The backslash goes behind the `@`: forges still
# find a mention behind a backslash.
_MENTION = re.compile(r"(?<![A-Za-z0-9_])@(?=[^\s\\])")


def visible(text: str, keep: str = "") -> str:
    r"""Escape invisible characters, but those in `keep`, as `\x1b`, `\n`, `\u202e`, or `\xff` for an undecodable byte.

    Invisible are control characters, line ends, bidirectional marks, unassigned characters and lone surrogates.
    """
    if text.isascii() and text.isprintable():
        return text
    return _NOT_ASCII_PRINTABLE.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), text)


def log_line(text: str) -> str:
    """Escape one line for a terminal or a CI log: it stays one line and holds no workflow command."""
    return _COLON_COMMAND.sub(r"\1\\::", _HASH_COMMAND.sub(r"#\\", visible(text, keep="\t")))


def has_workflow_command(text: str) -> bool:
    """Whether a text has a line that a CI runner would take for a workflow command."""
    # Some runners ignore invisible characters, so they are removed first.
    shown = _NOT_ASCII_TEXT.sub(lambda match: match[0] if visible(match[0]) == match[0] else "", text)
    return bool(_ANY_COMMAND.search(shown))


def as_json(data: Any) -> str:
    """An indented JSON document in ASCII, in which no string is a workflow command."""
    return _HASH_COMMAND.sub(r"\\u0023", json.dumps(data, indent=2))


def yaml_without_commands(text: str) -> str:
    """Escape workflow commands in a YAML text, where each string that holds one is in double quotes."""
    return _HASH_COMMAND.sub(r"\\x23", text)


def without_keywords(text: str) -> str:
    """Escape keywords that skip a pipeline or close an issue, even after a forge has copied the text to a commit."""
    for pattern in (_SKIP_CI, _NO_CI, _CLOSES):
        text = pattern.sub(r"\g<0>\\", text)
    return text


def commit_line(text: str) -> str:
    """Escape one line of a commit message or a title: no mention, no reference, no keyword, no line break."""
    text = _HASH_COMMAND.sub(r"#\\", without_keywords(" ".join(visible(text).split())))
    return _MENTION.sub(r"\g<0>\\", _REFERENCE.sub(r"\g<0>\\", text))


def _escape(character: str) -> str:
    space = character.isspace() and character > "\x9f" and character not in "\u2028\u2029"  # such as U+3000
    if (character.isprintable() or space) and not _INVISIBLE.match(character):
        return character
    if "\udc80" <= character <= "\udcff":  # a byte of a file name that is not UTF-8 (os.fsdecode)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
