"""Edits of taxiway.yaml that change the lines of one environment and no other byte."""

import re
from collections.abc import Callable
from dataclasses import replace

from bootstrap.config import model
from bootstrap.config.hold import KEY, Hold
from bootstrap.config.model import Environment, Model
from bootstrap.core.errors import NotEditable
from bootstrap.yamltools import edit
from bootstrap.yamltools.text import editing, spell

_SECTION = re.compile(r"^environments:[^\S\n]*(?:#[^\n]*)?\r?\n", re.MULTILINE)
_NEXT_SECTION = re.compile(r"^[^\s#-]", re.MULTILINE)
_ANCHOR_OR_ALIAS = re.compile(r"[&*]")  # by which an entry may depend on another one


def insert(text: bytes, known: Model, after: str, new: Environment) -> bytes:
    """Add an environment directly after another one in promotion order. Raises BadTarget, like all edits here."""
    index = _index(known, after)
    entry: dict[str, str | int] = {"name": new.name, "namespace": new.namespace, "cluster": new.cluster}
    if new.node_port is not None:
        entry["nodePort"] = new.node_port
    if new.certificate is not None:
        entry["certificate"] = new.certificate
    result = (known.environments[index], new)
    return _edit(text, known, (index, index), lambda part: edit.insert_item(part, [], 1, entry), result)


def remove(text: bytes, known: Model, name: str) -> bytes:
    """Remove an environment, which must not be the first one."""
    index = _index(known, name)
    result = (known.environments[index - 1],)
    return _edit(text, known, (index - 1, index), lambda part: edit.remove(part, [1]), result)


def hold(text: bytes, known: Model, name: str, new: Hold | None) -> bytes:
    """Set or replace the hold of an environment; None removes it."""
    index = _index(known, name)
    before = known.environments[index]
    if before.hold == new:
        return text

    def change(part: str) -> str:
        if before.hold is not None:
            part = edit.remove_key(part, [0, KEY])
        if new is not None:
            fields = ", ".join(key + ": " + spell(value, '"') for key, value in new.fields.items())
            part = edit.add(part, [0, KEY], f"{{{fields}}}", dict(new.fields))
        return part

    return _edit(text, known, (index, index), change, (replace(before, hold=new),))


def _index(known: Model, name: str) -> int:
    return next(index for index, environment in enumerate(known.environments) if environment.name == name)


def _edit(
    text: bytes,
    known: Model,
    entries: tuple[int, int],
    change: Callable[[str], str],
    result: tuple[Environment, ...],
) -> bytes:
    """Edit the text from the first to the last of these entries, which must then parse as `result`.

    The other entries are complete blocks that keep every byte. They are not parsed again, as there may be many.
    """
    first, last = entries
    with editing(model.PATH):
        whole = text.decode()
        starts = _starts(whole)
        if len(starts) != len(known.environments) + 1:
            raise NotEditable("the environments are not a plain list of blocks")
        part = change(whole[starts[first] : starts[last + 1]])
        edited = whole[: starts[first]] + part + whole[starts[last + 1] :]
        if _ANCHOR_OR_ALIAS.search(whole):
            result = (*known.environments[:first], *result, *known.environments[last + 1 :])
            checked = edited
        else:
            checked = whole[: starts[0]] + part + whole[starts[-1] :]
        if Model.parse(checked.encode()) != replace(known, environments=result):
            raise NotEditable("the environments can't be changed without touching more")
    return edited.encode()


def _starts(text: str) -> list[int]:
    """The offsets at which each environment's lines begin, and the one at which the last one's end."""
    section = _SECTION.search(text)
    if section is None:
        return []
    following = _NEXT_SECTION.search(text, section.end())
    end = following.start() if following else len(text)
    first = re.compile(r"^( *)-\s", re.MULTILINE).search(text, section.end(), end)
    if first is None:
        return []
    item = re.compile(rf"^{first[1]}-\s", re.MULTILINE)
    return [*(match.start() for match in item.finditer(text, section.end(), end)), end]
