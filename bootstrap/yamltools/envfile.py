"""The env files of a configMapGenerator: read as kustomize reads them, edited byte by byte.

kustomize (api/kv): a byte order mark in front of the first line does not count, nor does white space in front of any;
`#` begins a comment, all behind the first `=` is the value as it stands.
"""

from dataclasses import dataclass

from bootstrap.core.errors import NotEditable


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A line that sets a name, from 1. `value` is all that follows the first `=`; None without one.

    In the text, the value stands from `begin` to `end`, and the line from `start` to `stop`, with its line end.
    """

    line: int
    key: str
    value: str | None
    start: int
    begin: int
    end: int
    stop: int


def settings(text: str) -> tuple[Setting, ...]:
    """The settings of an env file, in its order. Blank lines and comments set nothing."""
    result: list[Setting] = []
    stop = 0
    for number, raw in enumerate(text.split("\n"), 1):  # kustomize ends lines at LF alone
        start, end = stop, stop + len(raw.removesuffix("\r"))
        stop = min(start + len(raw) + 1, len(text))
        line = raw.removesuffix("\r").removeprefix("\ufeff" if number == 1 else "").lstrip()
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            result.append(
                Setting(
                    line=number,
                    key=key,
                    value=value if equals else None,
                    start=start,
                    begin=end - len(value),
                    end=end,
                    stop=stop,
                )
            )
    return tuple(result)


def read(text: str) -> dict[str, str]:
    """The settings, in their order. Raises NotEditable where one is set twice, which kustomize refuses."""
    return {key: setting.value or "" for key, setting in _by_key(text).items()}


def put(text: str, key: str, value: str) -> str:
    """Set a value in its place, or as the last line where the key is not there; nothing else changes."""
    if (setting := _by_key(text).get(key)) is not None:
        return text[: setting.begin] + value + text[setting.end :]
    newline = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        return f"{text}{newline}{key}={value}"
    return f"{text}{key}={value}{newline}"


def remove(text: str, key: str) -> str:
    """Take a setting's line away; the text as it is where there is none."""
    setting = _by_key(text).get(key)
    if setting is None:
        return text
    before, after = text[: setting.start], text[setting.stop :]
    # A text without a last line end stays one.
    return before + after if text[setting.end : setting.stop] else before.removesuffix("\n").removesuffix("\r")


def _by_key(text: str) -> dict[str, Setting]:
    """The settings that have a value of their own, by their key."""
    by_key: dict[str, Setting] = {}
    for setting in settings(text):
        if setting.value is not None:
            if setting.key in by_key:
                raise NotEditable(f"{setting.key} is set twice")
            by_key[setting.key] = setting
    return by_key
