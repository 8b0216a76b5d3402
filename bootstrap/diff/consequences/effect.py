"""Consequence and Effect: what a change does to one object, and the class that ranks it."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Effect(StrEnum):
    """Class of a consequence, most serious first. REPLACED concerns the whole environment, so it ranks above all."""

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


# Shown first, for all environments, and never dropped from a comment.
SERIOUS = frozenset(
    {Effect.REPLACED, Effect.SECURITY, Effect.LOST, Effect.STOPS, Effect.REFUSED, Effect.MIGRATION, Effect.RBAC}
)

# Texts that come first within their class, because they are the worst of it.
_GRAVE = re.compile(
    r"full control|whom nothing is refused|everyone|is privileged|gives itself any right|gives any role|acts as others"
    r"|anything with everything|of the node \(hostPath\)|sees all processes of the node|the API server"
)

Told = tuple[Effect, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """One consequence of one object's change. `subject` is `Kind/name`, `what` the text; both are one line."""

    effect: Effect
    subject: str
    what: str

    @property
    def rank(self) -> tuple[int, bool, str, str]:
        """Sort key: the most serious first."""
        return list(Effect).index(self.effect), not _GRAVE.search(self.what), self.subject, self.what


def listed(names: Any) -> str:
    """Names joined by commas, sorted, without duplicates."""
    return ", ".join(sorted({str(name) for name in names}))
