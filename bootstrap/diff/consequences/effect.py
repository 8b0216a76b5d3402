"""Classes of consequence."""

import re
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


def listed(names: Any) -> str:
    """Names in a row, sorted, each once."""
    return ", ".join(sorted({str(name) for name in names}))
