"""Markdown of differences and consequences, for pull requests. Serious consequences are never dropped silently."""

from collections import Counter
from collections.abc import Iterable, Sequence

from bootstrap.core.markdown import code, details, sentence, table
from bootstrap.diff import formats
from bootstrap.diff.consequences import SERIOUS, Consequence, Effect
from bootstrap.diff.formats import EnvironmentDiff

_WHOLE = 1_000_000  # characters: a limit that no serious line reaches
# Size limit of a comment that one CI job passes to the next as base64 in a variable: Linux allows 128 KiB for one.
_HANDED_OVER = 90_000  # bytes
_KINDS = 12  # kinds that a summary lists before it counts the rest together


def markdown(diffs: Sequence[EnvironmentDiff], *, fields: bool = True, lesser: bool = True) -> list[str]:
    """Lines of Markdown: serious consequences of all environments, then each environment with fields collapsed."""
    out: list[str] = []
    if sum(diff.differs for diff in diffs) > 1 and (rows := formats.serious(diffs)):
        cells = [(*row(consequence), sentence(formats.where(names, diffs), _WHOLE)) for consequence, names in rows]
        out = ["### What is serious, of all environments", "", *table(("", "object", "", "environments"), cells), ""]
    alone = not out
    for diff in diffs:
        if not (lesser or alone):
            out.append(f"- {sentence(diff.environment)}: {formats.counts(diff)}")
            continue
        out.extend((f"### {sentence(diff.environment)}", ""))
        if not diff.differs:
            out.extend((f"No difference{formats.folded(diff)}.", ""))
            continue
        table_rows = [
            consequence for consequence in formats.told(diff.consequences) if lesser or consequence.effect in SERIOUS
        ]
        if table_rows:
            out.extend((*table(("", "object", ""), map(row, table_rows)), ""))
        if fields and diff.changes:
            out.extend((*details(f"{len(diff.changes)} objects", formats.fenced(diff), "diff"), ""))
    return out


def comment(diffs: Sequence[EnvironmentDiff], limit: int, command: str) -> str:
    """A comment of at most `limit` characters. Fields are dropped first, then lesser consequences; it says so.

    Where the serious consequences alone are too long, they are counted, and listed as far as there is room, the worst
    first. `command` is the command that shows all of it.
    """
    changed = [diff for diff in diffs if diff.differs]
    if not changed:
        return "No environment changes in the cluster.\n"
    objects = sum(len(diff.changes) for diff in changed)
    less = sum(consequence.effect not in SERIOUS for diff in changed for consequence in formats.told(diff.consequences))
    for cut in ("", f"the fields of {objects} objects", f"the fields of {objects} objects, and {less} lesser lines"):
        head = [f"Cut for want of room: {cut}. All of it: {code(command, _WHOLE)}", ""] if cut else []
        text = "\n".join([*head, *markdown(changed, fields=not cut, lesser="lesser" not in cut)])
        if len(text) <= limit:
            return text
    rows = formats.serious(changed)
    bullets = [
        f"{bullet(consequence)} ({sentence(formats.where(names, changed, short=True))})" for consequence, names in rows
    ]
    return "\n".join(counted(bullets, summary([consequence for consequence, _ in rows]), limit, command))


def portable(diffs: Sequence[EnvironmentDiff], limit: int, command: str) -> list[str]:
    """Lines of a comment of at most `limit` characters that also fits a CI variable."""
    while len(text := comment(diffs, limit, command).encode()) > _HANDED_OVER:
        limit = limit * _HANDED_OVER // len(text)  # few characters, of several bytes each
    return text.decode().rstrip("\n").split("\n")


def row(consequence: Consequence) -> tuple[str, str, str]:
    """A consequence as the cells of a table."""
    return consequence.effect.value, code(consequence.subject, _WHOLE), sentence(consequence.what, _WHOLE)


def bullet(consequence: Consequence) -> str:
    """A consequence as an item of a list."""
    return f"- **{consequence.effect.value}**: {code(consequence.subject, _WHOLE)} {sentence(consequence.what, _WHOLE)}"


def summary(rows: Iterable[Consequence]) -> str:
    """Count serious consequences by effect and kind of object, most serious first."""
    counts = Counter((consequence.effect, consequence.subject.partition("/")[0]) for consequence in rows)
    order = list(Effect)
    ranked = sorted(counts.items(), key=lambda entry: (order.index(entry[0][0]), -entry[1], entry[0][1]))
    counts_by_kind = [f"{number} {effect.value} of {sentence(kind)}" for (effect, kind), number in ranked[:_KINDS]]
    if rest := sum(number for _, number in ranked[_KINDS:]):
        counts_by_kind.append(f"{rest} of other kinds")
    return ", ".join(counts_by_kind)


def counted(bullets: Sequence[str], what: str, limit: int, command: str) -> list[str]:
    """A list cut to `limit` characters: how many bullets there are, those that fit, and how many were left out."""
    shown = code(command, _WHOLE)
    out = [f"**{len(bullets)} serious lines do not all have room here: {what}.** All of them: {shown}", ""]
    end = f"- **and {len(bullets)} more serious lines**: {shown}"
    room = limit - sum(len(line) + 1 for line in (*out, end))
    remaining = len(bullets)
    for consequence in bullets:
        if len(consequence) + 1 <= room:  # one that is longer than all the room must not hide those behind it
            out.append(consequence)
            room -= len(consequence) + 1
            remaining -= 1
    return [*out, f"- **and {remaining} more serious lines**: {shown}"]
