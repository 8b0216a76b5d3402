"""The values of Airflow's settings: references to other variables, and lists of executors."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\((\w+)\)|\$\{(\w+)\}|\$(\w+)")
_DEPTH = 3  # of references to references: one may lead back to itself


def expand(value: str, known: Mapping[str, str | None], depth: int = _DEPTH) -> str | None:
    """A value as Airflow reads it, with `$NAME` replaced; None where it refers to what only the cluster knows."""
    unknown = False

    def replace(match: re.Match[str]) -> str:
        nonlocal unknown
        name = match[1] or match[2] or match[3]
        if name not in known:
            return match[0]
        inner = known[name]
        text = expand(inner, known, depth - 1) if inner is not None and depth else None
        unknown = unknown or text is None
        return text or ""

    text = _REFERENCE.sub(replace, value) if "$" in value else value
    return None if unknown else text


def references(value: str) -> list[str]:
    """The names that a value refers to, each once."""
    return list(dict.fromkeys(match[1] or match[2] or match[3] for match in _REFERENCE.finditer(value)))


def executor_names(value: str) -> tuple[str, ...]:
    """The executors of a value: names, `alias:module.Class`, or a team's, `team=Name;Name`."""
    names = [name.strip().rpartition("=")[2] for name in re.split(r"[,;]", value)]
    return tuple(name.rpartition(":")[2] if "." in name else name for name in names)
