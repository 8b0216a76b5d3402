"""Title and body of a pull request: what moves, what can go wrong, what happens, then the rendered difference.

Nothing in it comes from a Secret or a ciphertext: `difference` tells their changes in words.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from bootstrap.config.remote import Remote
from bootstrap.core import markdown
from bootstrap.core.errors import BadOption
from bootstrap.core.escaping import commit_line
from bootstrap.core.markdown import code, sentence
from bootstrap.diff import formats
from bootstrap.diff import markdown as diff_markdown
from bootstrap.diff.consequences import SERIOUS
from bootstrap.forges.hosting import HostedRepository
from bootstrap.promotion.merge import Move, Part
from bootstrap.promotion.release import ID
from bootstrap.pullrequests.preview import Preview
from bootstrap.pullrequests.record import ChangeKind, ChangeRef

_LONGEST_TITLE = 120
_WHOLE = 100_000  # characters: a note is not cut by its own length
_REFERENCE = "DAGS_REFERENCE"
_ROWS = (40, 10, 3, 0)  # of each table, the fewer the less room there is
_VERBS = {
    ChangeKind.PROMOTE: "Promote",
    ChangeKind.ROLLBACK: "Roll back",
    ChangeKind.SET: "Set in",
    ChangeKind.ADD: "Add",
    ChangeKind.REMOVE: "Remove",
}


def title(ref: ChangeRef, moved: Sequence[Move]) -> str:
    """One line: which environment, and what moves first of all."""
    where = f"{ref.source} → {ref.target}" if ref.source else ref.target
    what = ", ".join(f"{name} {before} → {after}" for name, before, after in _changes(moved)) or _lesser(moved)
    whole = f"{_VERBS[ref.kind]} {where}" + (f": {what}" if what else "")
    whole = commit_line(whole)
    return whole if len(whole) <= _LONGEST_TITLE else f"{whole[: _LONGEST_TITLE - 1]}…"


def message(preview: Preview) -> str:
    """The commit's message; its last line is the record for later runs."""
    head = title(preview.record.ref, preview.plan.moved)
    lines = [f"- {commit_line(_plain(each))}" for each in preview.plan.moved[:40]]
    lines += [f"- {commit_line(note)}" for note in preview.notes]
    return "\n".join([head, "", *lines, *([""] if lines else []), preview.record.trailer, ""])


def render(preview: Preview, limit: int) -> str:
    """The body, in at most `limit` characters: what does not fit is cut, with the command that shows it all."""
    tail = f"\n\n{preview.record.html_comment}\n"
    risks = list(_risks(preview))
    for rows in _ROWS:
        head = "\n".join(_head(preview, rows, risks))
        room = limit - len(head) - len(tail)
        if room > 0 and (difference := _difference(preview, room)) is not None:
            return head + difference + tail
    # Not even the risks have room: they are counted, and told as far as there is room, the worst first.
    room = limit - len("\n".join(_head(preview, 0, ()))) - len(_nothing(preview)) - len(tail)
    found = [each for each in preview.diff.consequences if each.effect in SERIOUS]
    what = diff_markdown.summary(found)
    risks = diff_markdown.counted(risks, what, room, preview.command)
    text = "\n".join(_head(preview, 0, risks)) + _nothing(preview) + tail
    if len(text) > limit:
        raise ValueError(f"{limit} characters are too few for any body")
    return text


def _head(preview: Preview, rows: int, risks: Sequence[str]) -> Iterator[str]:
    yield _sentence(preview)
    yield from ("", "### Risks", "", *risks)
    cut = preview.command
    happens = [each for each in preview.diff.consequences if each.effect not in SERIOUS]
    happens_rows = [diff_markdown.row(each) for each in happens]
    yield from _section("What happens", ("", "object", ""), happens_rows, rows, cut)
    moves = [_moved(each) for each in preview.plan.moved]
    yield from _section("What moves", ("part", "what", "before", "after"), moves, rows, cut)
    kept = [(each.part.value, code(each.field), _value(each.target), _value(each.source)) for each in preview.plan.kept]
    ref = preview.record.ref
    yield from _section(
        "What stays, as the target's own choice", ("part", "what", sentence(ref.target), "source"), kept, rows, cut
    )


def _sentence(preview: Preview) -> str:
    ref, moved = preview.record.ref, preview.plan.moved
    pieces = [f"{code(name)} {code(before)} → {code(after)}" for name, before, after in _changes(moved, short=False)]
    if link := _compare(preview):
        pieces.append(f"[the DAGs' commits]({link})")
    pieces.extend(_counts(moved))
    target = code(ref.target)
    start = {
        ChangeKind.PROMOTE: f"Carries the release of {code(ref.source)} into {target}",
        ChangeKind.ROLLBACK: f"Restores an earlier release of {target} and puts it on hold",
        ChangeKind.SET: f"Changes {target}",
        ChangeKind.ADD: f"Adds the environment {target}",
        ChangeKind.REMOVE: f"Removes the environment {target}; Git's history keeps it",
    }[ref.kind]
    return f"{start}: {', '.join(pieces)}." if pieces else f"{start}."


def _risks(preview: Preview) -> Iterator[str]:
    found = [each for each in preview.diff.consequences if each.effect in SERIOUS]
    if not found and not preview.notes:
        yield "None that taxiway knows: nothing stored is deleted, nothing is migrated, nobody gets more rights."
    yield from (f"- {sentence(note, _WHOLE)}" for note in preview.notes)
    yield from map(diff_markdown.bullet, found)


def _section(name: str, head: Sequence[str], rows: Sequence[Sequence[str]], most: int, command: str) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"### {name}", "", *markdown.table(head, rows[:most]))
    if len(rows) > most:
        yield from (("",) if most else ()) + (f"… and {len(rows) - most} more: {code(command)}",)


def _difference(preview: Preview, room: int) -> str | None:
    """The rendered difference, folded, in this many characters; None where there is no room to say that it is cut."""
    diff = preview.diff
    if not diff.changes:
        return ""
    lines = formats.fenced(diff)
    # Halving finds a number of lines that fits; how long they get is only known once they are fenced.
    few, many = 0, len(lines)
    while few < many:
        middle = (few + many + 1) // 2
        few, many = (middle, many) if len(_folded(preview, lines, middle)) <= room else (few, middle - 1)
    text = _folded(preview, lines, few) if few else _nothing(preview)
    return text if len(text) <= room else None


def _nothing(preview: Preview) -> str:
    """What stands in place of the difference where it has no room."""
    if not preview.diff.changes:
        return ""
    number = len(preview.diff.changes)
    return f"\n\nCut: what is rendered, of {number} objects. It is shown by {code(preview.command)}"


def _folded(preview: Preview, lines: Sequence[str], number: int) -> str:
    count = len(preview.diff.changes)
    what = f"What is rendered: {count} object{'s' if count > 1 else ''}"
    out = ["", "", *markdown.details(what, lines[:number], "diff")]
    if number < len(lines):
        out.extend(("", f"Cut: {len(lines) - number} more lines. All of it: {code(preview.command)}"))
    return "\n".join(out)


def _changes(moved: Iterable[Move], *, short: bool = True) -> Iterator[tuple[str, str, str]]:
    """The images and the DAG reference that move, each with its name and both values, as short as they still differ."""
    for each in moved:
        before, after = each.before or "nothing", each.after or "nothing"
        if each.part is Part.IMAGES and each.field != ID:
            same = f"{each.field}:"
            if before.startswith(same) and after.startswith(same):
                before, after = before.removeprefix(same), after.removeprefix(same)
            name = each.field.rsplit("/", 1)[-1] if short else each.field
            yield name, _short(before), _short(after)
        elif each.part is Part.DAGS and each.field == _REFERENCE:
            yield "DAGs", _short(before), _short(after)


def _lesser(moved: Sequence[Move]) -> str:
    """What moves where neither an image nor the DAGs do: the one setting, or how much there is of each kind."""
    if len(moved) == 1 and moved[0].part is Part.SETTINGS:
        return _change(moved[0])
    return ", ".join(_counts(moved))


def _counts(moved: Sequence[Move]) -> Iterator[str]:
    """How many settings, and files and components of the base, move."""
    settings = sum(each.part is Part.SETTINGS for each in moved)
    components = sum(each.part is Part.BASE and each.field.startswith("component ") for each in moved)
    files = sum(each.part is Part.BASE for each in moved) - components
    for number, what, of in (
        (settings, "setting", ""),
        (files, "file", " of the base"),
        (components, "component", " of the base"),
    ):
        if number:
            yield f"{number} {what}{'s' * (number > 1)}{of}"


def _short(value: str) -> str:
    value = re.sub(r"sha256:([0-9a-f]{12})[0-9a-f]{52}", r"sha256:\1", value)
    return value[:12] if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", value) else value


def _compare(preview: Preview) -> str | None:
    """The page with the DAGs' commits; None where their forge is not known or the repository itself changes."""
    moves = {each.field: each for each in preview.plan.moved if each.part is Part.DAGS}
    move = moves.get(_REFERENCE)
    if not move or not move.before or not move.after or "DAGS_REPOSITORY" in moves:
        return None
    try:
        remote = Remote.parse(preview.dags_repository)
        ours = preview.model.remote.host == remote.host
        if not ours and remote.guess_forge().value not in remote.host and remote.host != "codeberg.org":
            return None
        forge = preview.model.forge if ours else remote.guess_forge()
        link = HostedRepository.of(remote, forge).compare_url(move.before, move.after)
    except BadOption:
        return None
    return link if re.fullmatch(r"https?://[A-Za-z0-9._~/%:-]+", link) else None


def _moved(each: Move) -> tuple[str, str, str, str]:
    return each.part.value, code(each.field), _value(each.before), _value(each.after)


def _value(value: str | None) -> str:
    return "nothing" if value is None else code(value) if value else "empty"


def _plain(each: Move) -> str:
    return f"{each.part.value}: {_change(each)}"


def _change(each: Move) -> str:
    values = " → ".join("nothing" if value is None else repr(value) for value in (each.before, each.after))
    return each.field + ("" if each.before is each.after is None else f": {values}")
