"""Airflow's configuration options, release by release, as `AIRFLOW__SECTION__KEY` variables name them.

The data is generated from the released packages by tests/refresh/airflow_settings.py, one file per release.
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
# With these suffixes Airflow gets the value of a sensitive option from a command or from its secrets backend.
_INDIRECT_SUFFIXES = ("_cmd", "_secret")
# Each keyword argument of a secrets backend may have a variable of its own (`_collect_kwarg_env_vars`).
_KWARG_PREFIXES = {"secrets": "backend_kwarg__", "workers": "secrets_backend_kwarg__"}

OptionName = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A configuration option: the type of its value, and the allowed values where not all are."""

    kind: str
    values: tuple[str, ...] = ()
    sensitive: bool = False
    deprecated: str = ""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of one release. Names are (section, key) in lower case, with `_` for a dot in a section.

    `honoured` are deprecated names that are still read, each with its new name. `ignored` are names that are no longer
    read, each with its successor or None. `moved` are renamed sections. Sections of `free` take any key. (No slots:
    it caches.)
    """

    version: str
    options: Mapping[OptionName, Option]
    free: frozenset[str] = frozenset()
    honoured: Mapping[OptionName, OptionName] = field(default_factory=dict)
    ignored: Mapping[OptionName, OptionName | None] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def sections(self) -> frozenset[str]:
        """The sections that have options."""
        return frozenset(section for section, _ in self.options)

    @cached_property
    def _joined(self) -> Mapping[str, OptionName]:
        return {f"{section}_{key}": (section, key) for section, key in (*self.ignored, *self.honoured, *self.options)}

    def takes(self, name: OptionName) -> bool:
        """Whether Airflow reads a variable of this name: an option, with or without a suffix, or a backend's kwarg."""
        section, key = name
        return (
            name in self.options
            or section in self.free
            or bool(self.sensitive_option(name))
            or (section in _KWARG_PREFIXES and key.startswith(_KWARG_PREFIXES[section]))
        )

    def sensitive_option(self, name: OptionName) -> OptionName | None:
        """The sensitive option that a name with a suffix sets."""
        if (option := self.indirect_option(name)) and self.options[option].sensitive:
            return option
        return None

    def indirect_option(self, name: OptionName) -> OptionName | None:
        """The option of a name with a suffix; Airflow reads the suffix only where the option is sensitive."""
        section, key = name
        for suffix in _INDIRECT_SUFFIXES:
            if key.endswith(suffix) and (option := (section, key.removesuffix(suffix))) in self.options:
                return option
        return None

    def successor(self, name: OptionName) -> OptionName | None:
        """The new name of an option that is no longer read under this one."""
        section, key = name
        if new := self.ignored.get(name):
            return new
        if (moved := self.moved.get(section)) and (moved, key) in self.options:
            return moved, key
        return None

    def is_gone(self, name: OptionName) -> bool:
        """Whether an earlier release read this name and this one does not."""
        return name in self.ignored or name[0] in self.moved

    def nearest(self, name: OptionName) -> OptionName | None:
        """The most similar option: of the same section, else of the same key elsewhere, else of a similar name."""
        section, key = name
        keys = [option[1] for option in self.options if option[0] == section]
        if similar := get_close_matches(key, keys, 1, 0.75):
            return section, similar[0]
        elsewhere = [option for option in self.options if option[1] == key]
        if len(elsewhere) == 1:
            return elsewhere[0]
        similar = get_close_matches(f"{section}_{key}", self._joined, 1, 0.85)
        option = self._joined[similar[0]] if similar else None
        return option if option in self.options else None

    def find_misspelled(self, variable: str) -> OptionName | None:
        """The option of a variable with wrong case, underscores or prefix (`AIRFLOW_CORE_EXECUTOR`); else None."""
        head, _, tail = re.sub(r"_+", "_", variable.strip("_").lower()).partition("_")
        if head != "airflow" and not get_close_matches(head, ("airflow",), 1, 0.8):
            return None
        return self._joined.get(tail)


def parse_variable(variable: str) -> OptionName | None:
    """The option of `AIRFLOW__SECTION__KEY`, or of a team's `AIRFLOW__TEAM___SECTION__KEY`; else None."""
    if not variable.startswith(PREFIX) or variable != variable.upper():
        return None
    head, team, tail = variable.removeprefix(PREFIX).partition("___")
    section, double, key = (tail if team and head and "__" in tail else variable.removeprefix(PREFIX)).partition("__")
    return (section.lower(), key.lower()) if double and section and key else None


def variable(name: OptionName) -> str:
    """The environment variable of an option."""
    return f"{PREFIX}{name[0]}__{name[1]}".upper()


def parse_release(image: str) -> tuple[int, int, int] | None:
    """The release in an image's tag; None where there is none."""
    match = _VERSION.match(Image.split(image).tag or "")
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def load_settings(release: tuple[int, int, int] | None) -> Settings | None:
    """The settings of a release, or of the nearest known one with the same major version; None for another major.

    Without a release, those of the newest one.
    """
    known = {version: path for path in _DATA.glob("*.json") if (version := _parse_version(path.stem))}
    if release is None:
        return _load(known[max(known)])
    same_major = [version for version in known if version[0] == release[0]]
    if not same_major:
        return None
    _, minor, patch = release
    return _load(known[min(same_major, key=lambda version: (abs(version[1] - minor), abs(version[2] - patch)))])


def _parse_version(text: str) -> tuple[int, int, int] | None:
    match = _VERSION.fullmatch(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


@lru_cache(maxsize=4)
def _load(path: Path) -> Settings:
    data = json.loads(path.read_bytes())
    options: dict[OptionName, Option] = {}
    for section, entries in data["sections"].items():
        for key, value in entries.items():
            entry: dict[str, Any] = {"type": value} if isinstance(value, str) else value
            options[(section, key)] = Option(
                kind=entry["type"],
                values=tuple(entry.get("values", ())),
                sensitive=entry.get("sensitive", False),
                deprecated=entry.get("deprecated", ""),
            )
    return Settings(
        version=data["airflow"],
        options=options,
        free=frozenset(data["free"]),
        honoured={_split(old): _split(new) for old, new in data["honoured"].items()},
        ignored={_split(old): _split(new) if new else None for old, new in data["ignored"].items()},
        moved=data["moved"],
    )


def _split(text: str) -> OptionName:
    section, _, key = text.partition(".")
    return section, key
