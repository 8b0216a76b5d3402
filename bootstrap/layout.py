"""Differences and consequences as text: for a terminal, for Markdown, for programs."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from bootstrap.difference import FieldChange, ObjectChange, Side
from bootstrap.impact import Consequence, Effect
from bootstrap.markdown import code, folded, table, words

_SIGNS = {Side.ADDED: "+", Side.REMOVED: "-", Side.CHANGED: "~"}
_SHORT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentDiff:
    """What a change does to one environment."""

    environment: str
    changes: tuple[ObjectChange, ...]
    consequences: tuple[Consequence, ...]
    folded: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything to tell: a certificate or a rule may change where no object does."""
        return bool(self.changes or self.consequences)


def lines(diff: EnvironmentDiff) -> list[str]:
    """One environment's difference, for people; an added line begins with +, a removed one with -."""
    if not diff:
        return [f"{diff.environment}: no difference{_folded(diff)}"]
    counts = ", ".join(
        f"{number} {side.value}" for side in Side if (number := sum(change.side is side for change in diff.changes))
    )
    out = [f"{diff.environment}: {counts or 'no object changes'}{_folded(diff)}"]
    out.extend(f"  {_mark(each.effect)} {each.subject}: {each.what}" for each in told(diff.consequences))
    for change in diff.changes:
        out.append("")
        out.append(f"{_SIGNS[change.side]} {change.identity}")
        for field in change.fields:
            out.extend(f"    {line}" for line in _field(field))
        if change.rereads:
            out.append(f"    reads the changed {', '.join(change.rereads)}")
    return out


def told(consequences: Iterable[Consequence]) -> list[Consequence]:
    """The consequences that say more than the list of objects does."""
    return [each for each in consequences if each.effect not in (Effect.NEW, Effect.GONE, Effect.CHANGED)]


def fenced(diff: EnvironmentDiff) -> list[str]:
    """The objects and their fields alone, marked as Markdown's `diff` colours them."""
    body = lines(diff)[2 + len(told(diff.consequences)) :]
    return [line.replace("~ ", "! ", 1) if line.startswith("~ ") else line for line in body]


def markdown(diffs: Iterable[EnvironmentDiff], *, fields: bool = True) -> list[str]:
    """The differences for a pull request: consequences first, the fields folded away."""
    out: list[str] = []
    for diff in diffs:
        out.append(f"### {words(diff.environment)}")
        out.append("")
        if not diff:
            out.extend((f"No difference{_folded(diff)}.", ""))
            continue
        rows = [(each.effect.value, code(each.subject), words(each.what)) for each in told(diff.consequences)]
        if rows:
            out.extend((*table(("", "object", ""), rows), ""))
        if fields and diff.changes:
            out.extend((*folded(f"{len(diff.changes)} objects", fenced(diff), "diff"), ""))
    return out


def comment(diffs: Sequence[EnvironmentDiff], limit: int) -> str:
    """The same as one text of at most `limit` characters: the fields go first, then what does not fit."""
    if not any(map(bool, diffs)):
        return "No environment changes in the cluster.\n"
    changed = [diff for diff in diffs if diff]
    cut = "\n… cut here; all of it is shown by: taxiway diff\n"
    for fields in (True, False):
        text = "\n".join(markdown(changed, fields=fields))
        if len(text) <= limit:
            return text
    return text[: text.rfind("\n", 0, limit - len(cut))] + cut


def data(diff: EnvironmentDiff) -> dict[str, Any]:
    """One environment's difference, for programs."""
    return {
        "environment": diff.environment,
        "folded": diff.folded,
        "consequences": [
            {"effect": each.effect.value, "object": each.subject, "what": each.what} for each in diff.consequences
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


def _folded(diff: EnvironmentDiff) -> str:
    return f" ({diff.folded} of the environment's own folded away: --all shows them)" if diff.folded else ""


def _mark(effect: Effect) -> str:
    return "!" if effect in (Effect.SECURITY, Effect.LOST, Effect.REFUSED, Effect.MIGRATION, Effect.RBAC) else "•"


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
