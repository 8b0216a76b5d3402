"""Output formats of differences and consequences: text for a terminal, data for `-o json`."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from bootstrap.core.escaping import visible
from bootstrap.diff.compare import FieldChange, ObjectChange, Side
from bootstrap.diff.consequences import SERIOUS, Consequence, Effect

_SIGNS = {Side.ADDED: "+", Side.REMOVED: "-", Side.CHANGED: "~"}
_SHORT = 100
_MANY = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDiff:
    """Difference of one environment. `folded` counts the differences left out because each environment owns them."""

    environment: str
    changes: tuple[ObjectChange, ...]
    consequences: tuple[Consequence, ...]
    folded: int = 0

    @property
    def differs(self) -> bool:
        """Whether there are changes or consequences."""
        return bool(self.changes or self.consequences)


def lines(diff: EnvironmentDiff) -> list[str]:
    """One environment's difference as lines of text; `+` marks what is added, `-` what is removed, `~` a change."""
    if not diff.differs:
        return [f"{diff.environment}: no difference{folded(diff)}"]
    head = f"{diff.environment}: {counts(diff)}{folded(diff)}"
    follows = (f"  {told_line(consequence)}" for consequence in told(diff.consequences))
    return [visible(line) for line in (head, *follows, *_details(diff))]


def text(diffs: Sequence[EnvironmentDiff]) -> list[str]:
    """The differences of all environments as lines of text, with the serious consequences of all of them first."""
    out: list[str] = []
    if sum(diff.differs for diff in diffs) > 1 and (rows := serious(diffs)):
        out = ["what is serious, of all environments:"]
        out.extend(visible(f"  {told_line(consequence)} ({where(names, diffs)})") for consequence, names in rows)
    for diff in diffs:
        out.extend(([""] if out else []) + lines(diff))
    return out


def told(consequences: Iterable[Consequence]) -> list[Consequence]:
    """The consequences that say more than that an object is new, gone or changed."""
    return [
        consequence
        for consequence in consequences
        if consequence.effect not in (Effect.NEW, Effect.GONE, Effect.CHANGED)
    ]


def told_line(consequence: Consequence) -> str:
    """A consequence as a line of text."""
    mark = "! " if consequence.effect in SERIOUS else "• "
    label = "security: " if consequence.effect is Effect.SECURITY else ""
    return f"{mark}{label}{consequence.subject}: {consequence.what}"


def serious(diffs: Iterable[EnvironmentDiff]) -> list[tuple[Consequence, list[str]]]:
    """Serious consequences, worst first, each with the names of the environments that have it."""
    environments: dict[Consequence, list[str]] = {}
    for diff in diffs:
        for consequence in diff.consequences:
            if consequence.effect in SERIOUS:
                environments.setdefault(consequence, []).append(diff.environment)
    return sorted(environments.items(), key=lambda row: row[0].rank)


def fenced(diff: EnvironmentDiff) -> list[str]:
    """Objects and fields as lines for a Markdown `diff` block, which colours `!` as a change and does not know `~`."""
    body = [visible(line) for line in _details(diff)[1:]]
    return [line.replace("~ ", "! ", 1) if line.startswith("~ ") else line for line in body]


def data(diff: EnvironmentDiff) -> dict[str, Any]:
    """One environment's difference as JSON data."""
    return {
        "environment": diff.environment,
        "folded": diff.folded,
        "consequences": [
            {"effect": consequence.effect.value, "object": consequence.subject, "what": consequence.what}
            for consequence in diff.consequences
        ],
        "objects": [
            {
                "kind": change.identity.kind,
                "namespace": change.identity.namespace,
                "name": change.identity.name,
                "change": change.side.value,
                "rereads": list(change.rereads),
                "fields": [
                    {"path": f.path, "change": f.side.value, "before": f.before, "after": f.after}
                    for f in change.fields
                ],
            }
            for change in diff.changes
        ],
    }


def folded(diff: EnvironmentDiff) -> str:
    """A note of how many differences are folded; empty where there are none."""
    return f" ({diff.folded} of the environment's own folded away: --all shows them)" if diff.folded else ""


def counts(diff: EnvironmentDiff) -> str:
    """How many objects are added, removed and changed."""
    counts = ((side.value, sum(change.side is side for change in diff.changes)) for side in Side)
    return ", ".join(f"{number} {what}" for what, number in counts if number) or "nothing else differs"


def _details(diff: EnvironmentDiff) -> list[str]:
    out: list[str] = []
    for change in diff.changes:
        out.extend(("", f"{_SIGNS[change.side]} {change.identity}"))
        out.extend(f"    {line}" for field in change.fields for line in _field(field))
        if change.rereads:
            out.append(f"    reads the changed {', '.join(change.rereads)}")
    return out


def where(names: Sequence[str], diffs: Sequence[EnvironmentDiff], *, short: bool = False) -> str:
    """Names of environments; only their number above 10, if they are all environments or `short` is set."""
    if len(names) > _MANY and (short or len(names) == len(diffs)):
        return f"{'all ' if len(names) == len(diffs) else ''}{len(names)} environments"
    return ", ".join(names)


def _field(field: FieldChange) -> list[str]:
    if isinstance(field.before, str) and isinstance(field.after, str) and "\n" in field.before + field.after:
        old, new = field.before.splitlines(), field.after.splitlines()
        body = list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]
        return [f"{field.path}:", *(f"  {line}" for line in body)]
    if field.side is Side.CHANGED:
        if field.before is None:
            return [f"{field.path}: {field.after}"]
        return [f"{field.path}: {_value(field.before)} → {_value(field.after)}"]
    value = field.after if field.side is Side.ADDED else field.before
    shown = f": {_value(value)}" if value is not None else ""
    return [f"{_SIGNS[field.side]} {field.path}{shown}"]


def _value(value: Any) -> str:
    if isinstance(value, str):
        text = value
    else:
        text = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"
