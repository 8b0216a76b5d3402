"""Values of Airflow's options: references to other variables, and lists of executors."""

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\((\w+)\)|\$\{(\w+)\}|\$(\w+)")
_DEPTH = 3  # nested references: they may be circular


def expand(value: str, known: Mapping[str, str | None], depth: int = _DEPTH) -> str | None:
    """Expand `$NAME` as Airflow does. None where a variable's value is known to the cluster alone (None in `known`)."""
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
    """The variables that a value refers to, each once."""
    return list(dict.fromkeys(match[1] or match[2] or match[3] for match in _REFERENCE.finditer(value)))


def executor_names(value: str) -> tuple[str, ...]:
    """The executors in a value: names, `alias:module.Class`, or a team's list `team=Name;Name`."""
    names = [name.strip().rpartition("=")[2] for name in re.split(r"[,;]", value)]
    return tuple(name.rpartition(":")[2] if "." in name else name for name in names)
