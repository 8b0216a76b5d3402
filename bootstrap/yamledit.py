"""Edits of YAML text that touch only the bytes that they mean to.

ruamel.yaml tells where a node stands; the text is spliced there and read again, to make sure that nothing else changed.
Its own round trip is not used to write, since it re-indents and re-quotes. Paths are keys and indexes from the root.
"""

import contextlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = Sequence[str | int]


class NotEditable(ValueError):
    """The text has no such place, or can't be changed there without touching other bytes."""


def read(text: str) -> Any:
    """The document's value, as YAML 1.1 resolves it, which is what the Kubernetes tools do."""
    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as err:
        raise NotEditable(f"not valid YAML: {getattr(err, 'problem', err)}") from None


def set_scalar(text: str, path: Path, value: str) -> str:
    """Replace one scalar by a string, in the quotes that it has."""
    parent, node = ([None, *_walk(text, path)])[-2:]
    if not isinstance(node, ScalarNode) or node.style in ("|", ">"):
        raise NotEditable(f"{_shown(path)} is not a plain or quoted scalar")
    written = _spell(
        value, node.style, in_flow=bool(isinstance(parent, MappingNode | SequenceNode) and parent.flow_style)
    )
    edited = text[: node.start_mark.index] + written + text[node.end_mark.index :]
    return _confirm(text, edited, path, value)


def append(text: str, path: Path, value: str) -> str:
    """Add a string at the end of a block sequence, indented as its other items are."""
    node = _find(text, path)
    if not isinstance(node, SequenceNode) or node.flow_style or not node.value:
        raise NotEditable(f"{_shown(path)} is not a block sequence with items")
    last = node.value[-1]
    end = _line_end(text, last.end_mark.index if isinstance(last, ScalarNode) else _content_end(last))
    newline = "\r\n" if "\r\n" in text else "\n"
    indent = " " * node.start_mark.column
    lead = "" if text[:end].endswith("\n") else newline
    edited = f"{text[:end]}{lead}{indent}- {_spell(value, None)}{newline if not lead else ''}{text[end:]}"
    before = read(text)
    return _confirm(text, edited, [*path, len(_get(before, path))], value)


def remove(text: str, path: Path) -> str:
    """Remove one scalar item of a block sequence, with its own line; comments stay."""
    *parent_path, index = path
    parent = _find(text, parent_path)
    node = _find(text, path)
    if not isinstance(parent, SequenceNode) or parent.flow_style or not isinstance(node, ScalarNode):
        raise NotEditable(f"{_shown(path)} is not an item of a block sequence")
    if len(parent.value) == 1:
        raise NotEditable(f"{_shown(path)} is the last item of its sequence")
    start = text.rfind("\n", 0, node.start_mark.index) + 1
    edited = text[:start] + text[_line_end(text, node.end_mark.index) :]
    wanted = read(text)
    del _get(wanted, parent_path)[index]
    if read(edited) != wanted:
        raise NotEditable(f"{_shown(path)} can't be removed without touching more")
    return edited


def insert_block(text: str, before: str, block: str) -> str:
    """Add a block of new keys to the root mapping, in front of another key and the comment that belongs to it."""
    root = _find(text, [])
    if not isinstance(root, MappingNode) or root.flow_style:
        raise NotEditable("the document is not a block mapping")
    names = [name.value for name, _ in root.value]
    if before not in names:
        raise NotEditable(f"there is no {before}")
    start = text.rfind("\n", 0, root.value[names.index(before)][0].start_mark.index) + 1
    while start and text[(line := text.rfind("\n", 0, start - 1) + 1) : start].startswith("#"):
        start = line
    newline = "\r\n" if "\r\n" in text else "\n"
    edited = text[:start] + block.replace("\n", newline) + text[start:]
    if read(edited) != {**read(text), **read(block)} or read(text).keys() & read(block).keys():
        raise NotEditable("the block can't be added without touching more")
    return edited


def _find(text: str, path: Path) -> Node:
    return _walk(text, path)[-1]


@lru_cache(maxsize=4)
def _compose(text: str) -> Node | None:
    try:
        node: Node | None = YAML(pure=True).compose(text)
    except YAMLError as err:
        raise NotEditable(f"not valid YAML: {getattr(err, 'problem', err)}") from None
    return node


def _walk(text: str, path: Path) -> list[Node]:
    """The nodes from the document's root to the path's end."""
    if text.startswith("\ufeff"):
        raise NotEditable("the text begins with a byte order mark")
    node = _compose(text)
    nodes = [node]
    for step in path:
        if isinstance(node, MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
        else:
            node = None
        if node is None:
            raise NotEditable(f"there is no {_shown(path)}")
        nodes.append(node)
    if nodes[0] is None:
        raise NotEditable("the text is empty")
    return [each for each in nodes if each is not None]


def _spell(value: str, style: str | None, *, in_flow: bool = False) -> str:
    if style == "'" and "\n" not in value:
        return "'" + value.replace("'", "''") + "'"
    plain_risk = in_flow and any(char in value for char in ",[]{}")
    if style is None and not plain_risk and value and "\n" not in value:
        # Plain only where YAML 1.1 and 1.2 both read it as this text: `yes` is a text in 1.2 alone, `0o7` in 1.1 alone.
        with contextlib.suppress(NotEditable, YAMLError):
            if read(f"- {value}\n") == YAML(typ="safe", pure=True).load(f"- {value}\n") == [value]:
                return value
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(escapes.get(char, char) for char in value) + '"'


def _content_end(node: Node) -> int:
    # A block collection's own end mark stands behind the blank lines and comments that follow it.
    while isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    return int(node.end_mark.index)


def _line_end(text: str, index: int) -> int:
    # The end mark of a plain scalar may already stand behind its line end.
    if index and text[index - 1] == "\n":
        return index
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _get(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _confirm(before: str, after: str, path: Path, value: str) -> str:
    """The edited text, if it reads as the old one with just this value set; else NotEditable."""
    wanted = read(before)
    *parent_path, last = path
    parent = _get(wanted, parent_path)
    if isinstance(parent, list) and last == len(parent):
        parent.append(value)
    else:
        parent[last] = value
    if read(after) != wanted:
        raise NotEditable(f"{_shown(path)} can't be set to this value without touching more")
    return after


def _shown(path: Path) -> str:
    return ".".join(str(step) for step in path) or "the document"
