"""Env files of a configMapGenerator: parsed as kustomize does, edited so that all other bytes stay.

Format (kustomize, api/kv): a byte order mark before the first line and white space at the start of a line are ignored;
`#` starts a comment line; the value is all after the first `=`, unquoted and unescaped.
"""

from dataclasses import dataclass

from bootstrap.core.errors import NotEditable


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A line that sets a key. `line` counts from 1; `value` is None if the line has no `=`.

    Offsets in the text: the value is `begin:end`, the line with its line end is `start:stop`.
    """

    line: int
    key: str
    value: str | None
    start: int
    begin: int
    end: int
    stop: int


def settings(text: str) -> tuple[Setting, ...]:
    """The settings of an env file, in its order, without blank lines and comments."""
    result: list[Setting] = []
    stop = 0
    for number, raw in enumerate(text.split("\n"), 1):  # kustomize splits lines at LF only
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
    """The values by key, in order. Raises NotEditable for a duplicate key, which kustomize refuses."""
    return {key: setting.value or "" for key, setting in _by_key(text).items()}


def put(text: str, key: str, value: str) -> str:
    """Set a value in place; a new key becomes the last line."""
    if (setting := _by_key(text).get(key)) is not None:
        return text[: setting.begin] + value + text[setting.end :]
    newline = "\r\n" if "\r\n" in text else "\n"
    if text and not text.endswith("\n"):
        return f"{text}{newline}{key}={value}"
    return f"{text}{key}={value}{newline}"


def remove(text: str, key: str) -> str:
    """Remove the line of a key; the text is unchanged if there is none."""
    setting = _by_key(text).get(key)
    if setting is None:
        return text
    before, after = text[: setting.start], text[setting.stop :]
    # A text without a final line end stays without.
    return before + after if text[setting.end : setting.stop] else before.removesuffix("\n").removesuffix("\r")


def _by_key(text: str) -> dict[str, Setting]:
    """The settings that have a value, by key."""
    by_key: dict[str, Setting] = {}
    for setting in settings(text):
        if setting.value is not None:
            if setting.key in by_key:
                raise NotEditable(f"{setting.key} is set twice")
            by_key[setting.key] = setting
    return by_key
