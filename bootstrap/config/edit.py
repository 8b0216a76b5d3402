"""Edits of taxiway.yaml: the lines of one environment change and no other byte, however many there are."""

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
_SHARED = re.compile(r"[&*]")  # what may be an anchor or an alias, by which one entry reaches into another


def insert(text: bytes, known: Model, after: str, new: Environment) -> bytes:
    """Add an environment right behind another one in promotion order."""
    place = _index(known, after)
    entry: dict[str, str | int] = {"name": new.name, "namespace": new.namespace, "cluster": new.cluster}
    if new.node_port is not None:
        entry["nodePort"] = new.node_port
    if new.certificate is not None:
        entry["certificate"] = new.certificate
    wanted = (known.environments[place], new)
    return _edit(text, known, (place, place), lambda part: edit.insert_item(part, [], 1, entry), wanted)


def remove(text: bytes, known: Model, name: str) -> bytes:
    """Take an environment out. It must not be the first one."""
    place = _index(known, name)
    wanted = (known.environments[place - 1],)
    return _edit(text, known, (place - 1, place), lambda part: edit.remove(part, [1]), wanted)


def hold(text: bytes, known: Model, name: str, wanted: Hold | None) -> bytes:
    """Give an environment this hold in place of any that it has, or release it."""
    place = _index(known, name)
    before = known.environments[place]
    if before.hold == wanted:
        return text

    def change(part: str) -> str:
        if before.hold is not None:
            part = edit.remove_key(part, [0, KEY])
        if wanted is not None:
            fields = ", ".join(key + ": " + spell(value, '"') for key, value in wanted.fields.items())
            part = edit.add(part, [0, KEY], f"{{{fields}}}", dict(wanted.fields))
        return part

    return _edit(text, known, (place, place), change, (replace(before, hold=wanted),))


def _index(known: Model, name: str) -> int:
    return next(number for number, each in enumerate(known.environments) if each.name == name)


def _edit(
    text: bytes,
    known: Model,
    entries: tuple[int, int],
    change: Callable[[str], str],
    wanted: tuple[Environment, ...],
) -> bytes:
    """Edit the text of these entries alone, the first and the last; what comes out must read as the wanted ones.

    All others are whole blocks of which no byte changes, so they are not read again: there may be many.
    """
    first, last = entries
    with editing(model.PATH):
        whole = text.decode()
        starts = _starts(whole)
        if len(starts) != len(known.environments) + 1:
            raise NotEditable("the environments are not a plain list of blocks")
        part = change(whole[starts[first] : starts[last + 1]])
        edited = whole[: starts[first]] + part + whole[starts[last + 1] :]
        if _SHARED.search(whole):
            wanted = (*known.environments[:first], *wanted, *known.environments[last + 1 :])
            read = edited
        else:
            read = whole[: starts[0]] + part + whole[starts[-1] :]
        if Model.parse(read.encode()) != replace(known, environments=wanted):
            raise NotEditable("the environments can't be changed without touching more")
    return edited.encode()


def _starts(text: str) -> list[int]:
    """Where the lines of each environment begin, and where those of the last one end."""
    section = _SECTION.search(text)
    if section is None:
        return []
    behind = _NEXT_SECTION.search(text, section.end())
    end = behind.start() if behind else len(text)
    first = re.compile(r"^( *)-\s", re.MULTILINE).search(text, section.end(), end)
    if first is None:
        return []
    item = re.compile(rf"^{first[1]}-\s", re.MULTILINE)
    return [*(match.start() for match in item.finditer(text, section.end(), end)), end]
