"""Edits of YAML text that touch only the bytes that they mean to.

The text is spliced where a node stands and read again, to make sure that nothing else changed.
"""

from collections.abc import Mapping
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bootstrap.core.errors import NotEditable
from bootstrap.yamltools.positions import FieldPath
from bootstrap.yamltools.text import (
    at,
    confirm,
    find,
    is_block,
    line_start,
    lines_end,
    newline_of,
    read,
    shown,
    spell,
    walk,
)

__all__ = [
    "add", "append", "block_of", "insert_block", "insert_item", "put", "put_block", "read",
    "remove", "remove_key", "set_scalar",
]  # fmt: skip


def set_scalar(text: str, path: FieldPath, value: str) -> str:
    """Replace one scalar by a string, in the quotes that it has."""
    parent, node = ([None, *walk(text, path)])[-2:]
    if not isinstance(node, ScalarNode) or node.style in ("|", ">"):
        raise NotEditable(f"{shown(path)} is not a plain or quoted scalar")
    in_flow = bool(isinstance(parent, MappingNode | SequenceNode) and parent.flow_style)
    written = spell(value, node.style, in_flow=in_flow)
    edited = text[: node.start_mark.index] + written + text[node.end_mark.index :]
    return confirm(text, edited, lambda document: _assign(document, path, value), path)


def put(text: str, path: FieldPath, value: str, *, quoted: bool = False) -> str:
    """Set a key of a block mapping to a string: in place where the key is there, else as the mapping's last line."""
    *parent_path, key = path
    parent = find(text, parent_path)
    if isinstance(parent, MappingNode) and any(name.value == key for name, _ in parent.value):
        return set_scalar(text, path, value)
    return add(text, path, spell(value, '"' if quoted else None), value)


def add(text: str, path: FieldPath, spelled: str, value: Any) -> str:
    """Add a key, behind the last one of a block mapping. `spelled` is the value as YAML, on one line."""
    *parent_path, key = path
    node = find(text, parent_path)
    if not is_block(node, MappingNode) or at(read(text), parent_path).keys() & {key}:
        raise NotEditable(f"{shown(parent_path)} is not a block mapping that lacks {key}")
    line = f"{' ' * node.value[-1][0].start_mark.column}{spell(str(key), None)}: {spelled}"
    edited = _with_lines(text, lines_end(text, node), line)
    return confirm(text, edited, lambda document: _assign(document, path, value), path)


def remove_key(text: str, path: FieldPath) -> str:
    """Remove a key of a block mapping and its value, with their own lines; comments between those go with them."""
    *parent_path, key = path
    parent = find(text, parent_path)
    if not is_block(parent, MappingNode):
        raise NotEditable(f"{shown(parent_path)} is not a block mapping")
    name, node = next(((name, node) for name, node in parent.value if name.value == key), (None, None))
    if name is None or node is None:
        raise NotEditable(f"there is no {shown(path)}")
    if len(parent.value) == 1:
        raise NotEditable(f"{shown(path)} is the last key of its mapping")
    edited = _without_lines(text, line_start(text, name.start_mark.index), lines_end(text, node))
    return confirm(text, edited, lambda document: _delete(document, path), path)


def append(text: str, path: FieldPath, value: str) -> str:
    """Add a string at the end of a block sequence, indented as its other items are."""
    node = find(text, path)
    return insert_item(text, path, len(node.value) if isinstance(node, SequenceNode) else 0, value)


def insert_item(text: str, path: FieldPath, index: int, value: str | Mapping[str, str | int]) -> str:
    """Put a string, or a mapping of strings and numbers, in front of an item of a block sequence, or at its end.

    It stands below the item before it, above the comment of the next one.
    """
    node = find(text, path)
    if not is_block(node, SequenceNode) or not 0 <= index <= len(node.value):
        raise NotEditable(f"{shown(path)} is not a block sequence with items")
    indent = " " * node.start_mark.column
    if isinstance(value, str):
        lines = [f"{indent}- {spell(value, None)}"]
    else:
        shape = next((item for item in node.value if is_block(item, MappingNode)), None)
        inner = " " * (shape.start_mark.column if shape else len(indent) + 2)
        lines = [
            f"{inner}{spell(key, None)}: {spell(inner_value, None) if isinstance(inner_value, str) else inner_value}"
            for key, inner_value in value.items()
        ]
        lines[0] = f"{indent}-{lines[0][len(indent) + 1 :]}"
    place = lines_end(text, node.value[index - 1]) if index else line_start(text, node.value[0].start_mark.index)
    edited = _with_lines(text, place, *lines)
    item = value if isinstance(value, str) else dict(value)
    return confirm(text, edited, lambda document: at(document, path).insert(index, item), [*path, index])


def remove(text: str, path: FieldPath) -> str:
    """Remove one item of a block sequence, with its own lines; comments between those go with it, all others stay."""
    parent, node = find(text, path[:-1]), find(text, path)
    if not is_block(parent, SequenceNode):
        raise NotEditable(f"{shown(path)} is not an item of a block sequence")
    if len(parent.value) == 1:
        raise NotEditable(f"{shown(path)} is the last item of its sequence")
    edited = _without_lines(text, line_start(text, node.start_mark.index), lines_end(text, node))
    return confirm(text, edited, lambda document: _delete(document, path), path)


def insert_block(text: str, before: str, block: str) -> str:
    """Add a block of new keys to the root mapping, in front of another key and the comment that belongs to it."""
    root = _root(text)
    names = [name.value for name, _ in root.value]
    if before not in names:
        raise NotEditable(f"there is no {before}")
    if read(text).keys() & read(block).keys():
        raise NotEditable("a key of the block is there already")
    start = line_start(text, root.value[names.index(before)][0].start_mark.index)
    while start and text[(line := line_start(text, start - 1)) : start].startswith("#"):
        start = line
    edited = text[:start] + block.replace("\n", newline_of(text)) + text[start:]
    return confirm(text, edited, lambda document: document.update(read(block)), [before])


def put_block(text: str, key: str, block: str) -> str:
    """Make a root key's lines these, which hold that key alone; at the end of the text where the key is not there."""
    new_value = read(block)
    if not isinstance(new_value, dict) or list(new_value) != [key]:
        raise NotEditable(f"the block does not hold {key} alone")
    lines = block.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if place := _block_place(text, key):
        start, end = place
        written = newline_of(text).join(lines) + (newline_of(text) if text[:end].endswith("\n") else "")
        edited = text[:start] + written + text[end:]
    else:
        edited = _with_lines(text, len(text), *lines)
    return confirm(text, edited, lambda document: document.update(new_value), [key])


def block_of(text: str, key: str) -> str:
    """The lines of a root key and its value, with LF line ends; empty where the key is not there."""
    place = _block_place(text, key)
    return text[slice(*place)].replace("\r\n", "\n") if place else ""


def _block_place(text: str, key: str) -> tuple[int, int] | None:
    for name, node in _root(text).value:
        if name.value == key:
            return line_start(text, name.start_mark.index), lines_end(text, node)
    return None


def _root(text: str) -> Node:
    root = find(text, [])
    if not is_block(root, MappingNode):
        raise NotEditable("the document is not a block mapping")
    return root


def _with_lines(text: str, place: int, *lines: str) -> str:
    """The text with lines put in at a line's begin. A text without a last line end stays one."""
    newline = newline_of(text)
    if place and text[place - 1] != "\n":
        return text[:place] + "".join(newline + line for line in lines) + text[place:]
    return text[:place] + "".join(line + newline for line in lines) + text[place:]


def _without_lines(text: str, start: int, end: int) -> str:
    before, after = text[:start], text[end:]
    if not text.endswith("\n") and not after:  # the line before becomes the last one, without its end
        before = before.removesuffix("\n").removesuffix("\r")
    return before + after


def _assign(value: Any, path: FieldPath, new: Any) -> None:
    *parent_path, last = path
    at(value, parent_path)[last] = new


def _delete(value: Any, path: FieldPath) -> None:
    *parent_path, last = path
    del at(value, parent_path)[last]
