"""Classes of consequence, and the ways to look into objects that nobody has checked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Effect(StrEnum):
    """A class of consequence, the most serious first. REPLACED is of the whole environment: all else hangs on it."""

    REPLACED = "replaced"
    SECURITY = "security"
    LOST = "lost"
    STOPS = "stops"
    REFUSED = "refused"
    MIGRATION = "migration"
    RBAC = "rbac"
    SECRET = "secret"  # noqa: S105  (a word, no password)
    RESTART = "restart"
    LATER = "later"
    RUNS = "runs"
    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    METADATA = "metadata"


# What is told before anything else, of all environments, and is never cut.
SERIOUS = frozenset(
    {Effect.REPLACED, Effect.SECURITY, Effect.LOST, Effect.STOPS, Effect.REFUSED, Effect.MIGRATION, Effect.RBAC}
)

# What of one class is told first, for it is the worst that there is.
_GRAVE = re.compile(
    r"full control|whom nothing is refused|everyone|is privileged|gives itself any right|gives any role|acts as others"
    r"|anything with everything|of the node \(hostPath\)|sees all processes of the node|the API server"
)

Told = tuple[Effect, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """One consequence of one object's change, in words, on one line."""

    effect: Effect
    subject: str
    what: str

    @property
    def rank(self) -> tuple[int, bool, str, str]:
        """Where it stands among others: the most serious first."""
        return list(Effect).index(self.effect), not _GRAVE.search(self.what), self.subject, self.what


def at(value: Any, *path: str) -> Any:
    """What stands at a path of keys; None where it is absent, or something on the way is no mapping."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def mapping(value: Any) -> dict[Any, Any]:
    """A mapping; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: Any, *path: str) -> list[Any]:
    """The list at a path of keys; an empty one where there is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def mappings(value: Any, *path: str) -> Iterator[dict[Any, Any]]:
    """The mappings in the list at a path of keys."""
    return (each for each in items(value, *path) if isinstance(each, dict))


def listed(names: Any) -> str:
    """Names in a row, sorted, each once."""
    return ", ".join(sorted({str(name) for name in names}))
