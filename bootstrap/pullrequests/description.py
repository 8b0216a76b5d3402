"""Title, body and commit message of a change: risks first, then consequences, moved fields, the rendered difference.

No text comes from a Secret or a ciphertext: the diff describes their changes in words.
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
from bootstrap.diff.consequences import SERIOUS, Consequence
from bootstrap.forges.hosting import HostedRepository
from bootstrap.promotion.merge import Move, Part
from bootstrap.promotion.release import ID
from bootstrap.pullrequests.preview import Preview
from bootstrap.pullrequests.record import ChangeKind, ChangeRef

_MAX_TITLE = 120
_UNCUT = 100_000  # characters; a note has no limit of its own
_REFERENCE = "DAGS_REFERENCE"
_ROWS = (40, 10, 3, 0)  # of each table; fewer are tried until the body fits
_VERBS = {
    ChangeKind.PROMOTE: "Promote",
    ChangeKind.ROLLBACK: "Roll back",
    ChangeKind.SET: "Set in",
    ChangeKind.ADD: "Add",
    ChangeKind.REMOVE: "Remove",
}


def title(ref: ChangeRef, moved: Sequence[Move]) -> str:
    """One line: the environments, and the most important moves."""
    route = f"{ref.source} → {ref.target}" if ref.source else ref.target
    what = ", ".join(f"{name} {before} → {after}" for name, before, after in _version_moves(moved)) or _other_moves(
        moved
    )
    text = f"{_VERBS[ref.kind]} {route}" + (f": {what}" if what else "")
    text = commit_line(text)
    return text if len(text) <= _MAX_TITLE else f"{text[: _MAX_TITLE - 1]}…"


def message(preview: Preview) -> str:
    """The commit message; its trailer is the change record."""
    head = title(preview.record.ref, preview.plan.moved)
    lines = [f"- {commit_line(_move_line(move))}" for move in preview.plan.moved[:40]]
    lines += [f"- {commit_line(note)}" for note in preview.notes]
    return "\n".join([head, "", *lines, *([""] if lines else []), preview.record.trailer, ""])


def render(preview: Preview, limit: int) -> str:
    """The body, of at most `limit` characters; what does not fit is cut, and the command that shows it all is named."""
    tail = f"\n\n{preview.record.html_comment}\n"
    risks = list(_risks(preview))
    for rows in _ROWS:
        head = "\n".join(_sections(preview, rows, risks))
        room = limit - len(head) - len(tail)
        if room > 0 and (difference := _difference(preview, room)) is not None:
            return head + difference + tail
    # Not even the risks fit: give their number, and as many as fit, most severe first.
    room = limit - len("\n".join(_sections(preview, 0, ()))) - len(_cut_notice(preview)) - len(tail)
    counts = diff_markdown.summary(_serious(preview))
    risks = diff_markdown.counted(risks, counts, room, preview.command)
    text = "\n".join(_sections(preview, 0, risks)) + _cut_notice(preview) + tail
    if len(text) > limit:
        raise ValueError(f"{limit} characters are too few for any body")
    return text


def _sections(preview: Preview, rows: int, risks: Sequence[str]) -> Iterator[str]:
    yield _summary(preview)
    yield from ("", "### Risks", "", *risks)
    others = [consequence for consequence in preview.diff.consequences if consequence.effect not in SERIOUS]
    yield from _table("What happens", ("", "object", ""), [*map(diff_markdown.row, others)], rows, preview.command)
    moves = [*map(_move_row, preview.plan.moved)]
    yield from _table("What moves", ("part", "what", "before", "after"), moves, rows, preview.command)
    kept = [(kept.part.value, code(kept.field), _cell(kept.target), _cell(kept.source)) for kept in preview.plan.kept]
    head = ("part", "what", sentence(preview.record.ref.target), "source")
    yield from _table("What stays, as the target's own choice", head, kept, rows, preview.command)


def _summary(preview: Preview) -> str:
    ref, moved = preview.record.ref, preview.plan.moved
    pieces = [
        f"{code(name)} {code(before)} → {code(after)}" for name, before, after in _version_moves(moved, short=False)
    ]
    if link := _compare_link(preview):
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


def _serious(preview: Preview) -> list[Consequence]:
    return [consequence for consequence in preview.diff.consequences if consequence.effect in SERIOUS]


def _risks(preview: Preview) -> Iterator[str]:
    serious = _serious(preview)
    if not serious and not preview.notes:
        yield "None that taxiway knows: nothing stored is deleted, nothing is migrated, nobody gets more rights."
    yield from (f"- {sentence(note, _UNCUT)}" for note in preview.notes)
    yield from map(diff_markdown.bullet, serious)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], limit: int, command: str) -> Iterator[str]:
    if not rows:
        return
    yield from ("", f"### {title}", "", *markdown.table(head, rows[:limit]))
    if len(rows) > limit:
        yield from (("",) if limit else ()) + (f"… and {len(rows) - limit} more: {code(command)}",)


def _difference(preview: Preview, room: int) -> str | None:
    """The rendered difference as a folded block of at most `room` characters; None where not even a notice fits."""
    diff = preview.diff
    if not diff.changes:
        return ""
    lines = formats.fenced(diff)
    # Bisect for the number of lines that fit: escaping and fencing change their length.
    few, many = 0, len(lines)
    while few < many:
        middle = (few + many + 1) // 2
        few, many = (middle, many) if len(_details(preview, lines, middle)) <= room else (few, middle - 1)
    text = _details(preview, lines, few) if few else _cut_notice(preview)
    return text if len(text) <= room else None


def _cut_notice(preview: Preview) -> str:
    """The notice in place of a difference that does not fit."""
    if not preview.diff.changes:
        return ""
    number = len(preview.diff.changes)
    return f"\n\nCut: what is rendered, of {number} objects. It is shown by {code(preview.command)}"


def _details(preview: Preview, lines: Sequence[str], number: int) -> str:
    count = len(preview.diff.changes)
    what = f"What is rendered: {count} object{'s' if count > 1 else ''}"
    out = ["", "", *markdown.details(what, lines[:number], "diff")]
    if number < len(lines):
        out.extend(("", f"Cut: {len(lines) - number} more lines. All of it: {code(preview.command)}"))
    return "\n".join(out)


def _version_moves(moved: Iterable[Move], *, short: bool = True) -> Iterator[tuple[str, str, str]]:
    """(name, before, after) of each image and the DAG reference that moves, abbreviated; `short` cuts names too."""
    for move in moved:
        before, after = move.before or "nothing", move.after or "nothing"
        if move.part is Part.IMAGES and move.field != ID:
            same = f"{move.field}:"
            if before.startswith(same) and after.startswith(same):
                before, after = before.removeprefix(same), after.removeprefix(same)
            name = move.field.rsplit("/", 1)[-1] if short else move.field
            yield name, _abbreviated(before), _abbreviated(after)
        elif move.part is Part.DAGS and move.field == _REFERENCE:
            yield "DAGs", _abbreviated(before), _abbreviated(after)


def _other_moves(moved: Sequence[Move]) -> str:
    """The moves where neither an image nor the DAG reference does: a single setting, else counts."""
    if len(moved) == 1 and moved[0].part is Part.SETTINGS:
        return _move_text(moved[0])
    return ", ".join(_counts(moved))


def _counts(moved: Sequence[Move]) -> Iterator[str]:
    """Counts of the settings, and of the base's files and components, that move."""
    settings = sum(move.part is Part.SETTINGS for move in moved)
    components = sum(move.part is Part.BASE and move.field.startswith("component ") for move in moved)
    files = sum(move.part is Part.BASE for move in moved) - components
    for number, what, of in (
        (settings, "setting", ""),
        (files, "file", " of the base"),
        (components, "component", " of the base"),
    ):
        if number:
            yield f"{number} {what}{'s' * (number > 1)}{of}"


def _abbreviated(value: str) -> str:
    value = re.sub(r"sha256:([0-9a-f]{12})[0-9a-f]{52}", r"sha256:\1", value)
    return value[:12] if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", value) else value


def _compare_link(preview: Preview) -> str | None:
    """URL of the DAGs' commits on their forge; None where that is unknown or the repository changes."""
    moves = {move.field: move for move in preview.plan.moved if move.part is Part.DAGS}
    move = moves.get(_REFERENCE)
    if not move or not move.before or not move.after or "DAGS_REPOSITORY" in moves:
        return None
    try:
        remote = Remote.parse(preview.dags_repository)
        same_host = preview.model.remote.host == remote.host
        if not same_host and remote.guess_forge().value not in remote.host and remote.host != "codeberg.org":
            return None
        forge = preview.model.forge if same_host else remote.guess_forge()
        link = HostedRepository.of(remote, forge).compare_url(move.before, move.after)
    except BadOption:
        return None
    return link if re.fullmatch(r"https?://[A-Za-z0-9._~/%:-]+", link) else None


def _move_row(move: Move) -> tuple[str, str, str, str]:
    return move.part.value, code(move.field), _cell(move.before), _cell(move.after)


def _cell(value: str | None) -> str:
    return "nothing" if value is None else code(value) if value else "empty"


def _move_line(move: Move) -> str:
    return f"{move.part.value}: {_move_text(move)}"


def _move_text(move: Move) -> str:
    values = " → ".join("nothing" if value is None else repr(value) for value in (move.before, move.after))
    return move.field + ("" if move.before is move.after is None else f": {values}")
