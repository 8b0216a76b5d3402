"""The settings that a release of Airflow knows, by the names that environment variables give them.

The data is made from the released packages (tests/refresh/airflow_settings.py), one file a release.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from bootstrap.core.image import Image

PREFIX = "AIRFLOW__"
_DATA = Path(__file__).parents[1] / "data" / "airflow"
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
# The suffixes that make Airflow run a command, or ask its secrets backend, for the value of a sensitive option.
_INDIRECT = ("_cmd", "_secret")
# A kwarg of a secrets backend has a variable of its own (`_collect_kwarg_env_vars`).
_KWARGS = {"secrets": "backend_kwarg__", "workers": "secrets_backend_kwarg__"}

Name = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: how its value is read, and which values are taken, where not all are."""

    kind: str
    values: tuple[str, ...] = ()
    sensitive: bool = False
    deprecated: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What one release knows. Names are (section, key), in lower case, with `_` for the dot of a section.

    `honoured` are old names under which it still looks, each with the new one; `ignored` are names that it no longer
    reads, each with its successor, or None. In a section of `free` any key may stand. (No slots: it caches.)
    """

    version: str
    options: Mapping[Name, Option]
    free: frozenset[str] = frozenset()
    honoured: Mapping[Name, Name] = field(default_factory=dict)
    ignored: Mapping[Name, Name | None] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def sections(self) -> frozenset[str]:
        """The sections that have options."""
        return frozenset(section for section, _ in self.options)

    @cached_property
    def _joined(self) -> Mapping[str, Name]:
        return {f"{section}_{key}": (section, key) for section, key in (*self.ignored, *self.honoured, *self.options)}

    def takes(self, name: Name) -> bool:
        """Whether a variable of this name does something, be it through one of the suffixes or a kwarg's own name."""
        section, key = name
        return (
            name in self.options
            or section in self.free
            or bool(self.indirect(name))
            or (section in _KWARGS and key.startswith(_KWARGS[section]))
        )

    def indirect(self, name: Name) -> Name | None:
        """The sensitive option whose value a name with a suffix points to."""
        if (plain := self.plain(name)) and self.options[plain].sensitive:
            return plain
        return None

    def plain(self, name: Name) -> Name | None:
        """The option, sensitive or not, that a name with a suffix would point to."""
        section, key = name
        for suffix in _INDIRECT:
            if key.endswith(suffix) and (plain := (section, key.removesuffix(suffix))) in self.options:
                return plain
        return None

    def successor(self, name: Name) -> Name | None:
        """What a name that is no longer read is called now."""
        section, key = name
        if new := self.ignored.get(name):
            return new
        if (moved := self.moved.get(section)) and (moved, key) in self.options:
            return moved, key
        return None

    def is_gone(self, name: Name) -> bool:
        """Whether an earlier release knew a name that this one no longer reads."""
        return name in self.ignored or name[0] in self.moved

    def nearest(self, name: Name) -> Name | None:
        """The option that a mistyped name most likely means: of its section, of that name elsewhere, or near it."""
        section, key = name
        keys = [other for of, other in self.options if of == section]
        if near := get_close_matches(key, keys, 1, 0.75):
            return section, near[0]
        homes = [each for each in self.options if each[1] == key]
        if len(homes) == 1:
            return homes[0]
        near = get_close_matches(f"{section}_{key}", self._joined, 1, 0.85)
        found = self._joined[near[0]] if near else None
        return found if found in self.options else None

    def meant(self, variable: str) -> Name | None:
        """The setting that a variable spells in another way than `AIRFLOW__SECTION__KEY`; None where it is none."""
        head, _, tail = re.sub(r"_+", "_", variable.strip("_").lower()).partition("_")
        if head != "airflow" and not get_close_matches(head, ("airflow",), 1, 0.8):
            return None
        return self._joined.get(tail)


def named(variable: str) -> Name | None:
    """The section and key of `AIRFLOW__SECTION__KEY`, or of a team's `AIRFLOW__TEAM___SECTION__KEY`; else None."""
    if not variable.startswith(PREFIX) or variable != variable.upper():
        return None
    head, team, tail = variable.removeprefix(PREFIX).partition("___")
    section, double, key = (tail if team and head and "__" in tail else variable.removeprefix(PREFIX)).partition("__")
    return (section.lower(), key.lower()) if double and section and key else None


def variable(name: Name) -> str:
    """The environment variable of an option."""
    return f"{PREFIX}{name[0]}__{name[1]}".upper()


def release(image: str) -> tuple[int, int, int] | None:
    """The release that an image's tag names; None where it names none."""
    match = _VERSION.match(Image.split(image).tag or "")
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def settings(wanted: tuple[int, int, int] | None) -> Settings | None:
    """What a release knows, or the nearest known one of the same major; None for another major.

    Without a release, what the newest one knows.
    """
    known = {number: path for path in _DATA.glob("*.json") if (number := _number(path.stem))}
    if wanted is None:
        return _load(known[max(known)])
    same = [number for number in known if number[0] == wanted[0]]
    if not same:
        return None
    return _load(known[min(same, key=lambda number: (abs(number[1] - wanted[1]), abs(number[2] - wanted[2])))])


def _number(text: str) -> tuple[int, int, int] | None:
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


@lru_cache(maxsize=4)
def _load(path: Path) -> Settings:
    data = json.loads(path.read_bytes())
    options: dict[Name, Option] = {}
    for section, entries in data["sections"].items():
        for key, said in entries.items():
            each: dict[str, Any] = {"type": said} if isinstance(said, str) else said
            options[(section, key)] = Option(
                kind=each["type"],
                values=tuple(each.get("values", ())),
                sensitive=each.get("sensitive", False),
                deprecated=each.get("deprecated", ""),
            )
    return Settings(
        version=data["airflow"],
        options=options,
        free=frozenset(data["free"]),
        honoured={_split(old): _split(new) for old, new in data["honoured"].items()},
        ignored={_split(old): _split(new) if new else None for old, new in data["ignored"].items()},
        moved=data["moved"],
    )


def _split(text: str) -> Name:
    section, _, key = text.partition(".")
    return section, key
