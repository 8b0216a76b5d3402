"""Env files, as kustomize reads them (api/kv, kv.go)."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A line that sets a name. `value` is all that follows the first `=`; None without one."""

    line: int
    key: str
    value: str | None


@lru_cache(maxsize=256)
def settings(data: bytes) -> tuple[Setting, ...]:
    """The settings of an env file, in its order. Blank lines and comments set nothing."""
    found: list[Setting] = []
    for number, raw in enumerate(data.decode(errors="replace").removeprefix("\ufeff").split("\n"), 1):
        line = raw.removesuffix("\r").lstrip()
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            found.append(Setting(line=number, key=key, value=value if equals else None))
    return tuple(found)


def find(data: bytes, key: str) -> Setting | None:
    """The last line that sets a name."""
    return next((each for each in reversed(settings(data)) if each.key == key), None)
