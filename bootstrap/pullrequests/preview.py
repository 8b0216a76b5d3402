"""Preview of a change: its plan, its rendered difference, and the problems that refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.config.model import Model
from bootstrap.core.errors import TaxiwayError
from bootstrap.core.escaping import visible
from bootstrap.diff import formats
from bootstrap.diff.consequences import Effect
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.promotion.plan import Plan
from bootstrap.pullrequests.record import ChangeKind, ChangeRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Preview of a change of one environment; it may be made only without `problems`.

    `model` is that of the base commit, `diff` the rendered difference, `notes` are remarks for the reviewer, `command`
    shows the whole change. `dags_repository` is the URL that the DAGs come from, if they move.
    """

    model: Model
    plan: Plan
    record: ChangeRecord
    diff: EnvironmentDiff
    command: str
    notes: tuple[str, ...] = ()
    problems: tuple[TaxiwayError, ...] = ()
    dags_repository: str = ""

    @property
    def consequences(self) -> list[str]:
        """The consequences, a line each; for an added or removed environment its size and the worst ones."""
        whole = self.record.ref.kind in (ChangeKind.ADD, ChangeKind.REMOVE)
        shown = [
            consequence
            for consequence in formats.told(self.diff.consequences)
            if not whole or consequence.effect in (Effect.SECURITY, Effect.LOST)
        ]
        size = [f"  {len(self.diff.changes)} objects"] if whole else []
        return [*(visible(f"  {formats.told_line(consequence)}") for consequence in shown), *size]

    @property
    def data(self) -> Mapping[str, Any]:
        """The change as JSON data."""
        ref, moved = self.record.ref, self.plan.moved
        return {
            "kind": ref.kind.value,
            "source": ref.source,
            "target": ref.target,
            "digest": self.record.digest,
            "moved": [
                {
                    "part": move.part.value,
                    "path": move.path,
                    "field": move.field,
                    "before": move.before,
                    "after": move.after,
                }
                for move in moved
            ],
        }
