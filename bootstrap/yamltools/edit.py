"""Edit YAML text in place; comments, order, quotes and line ends of everything else stay.

Each edit splices the text at the marks of a node, and parses the result to confirm that no other value changed. All
functions return the new text and raise NotEditable.
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
    """Replace a scalar by a string; the quoting style stays."""
    parent, node = ([None, *walk(text, path)])[-2:]
    if not isinstance(node, ScalarNode) or node.style in ("|", ">"):
        raise NotEditable(f"{shown(path)} is not a plain or quoted scalar")
    in_flow = bool(isinstance(parent, MappingNode | SequenceNode) and parent.flow_style)
    written = spell(value, node.style, in_flow=in_flow)
    edited = text[: node.start_mark.index] + written + text[node.end_mark.index :]
    return confirm(text, edited, lambda document: _assign(document, path, value), path)


def put(text: str, path: FieldPath, value: str, *, quoted: bool = False) -> str:
    """Set a key of a block mapping to a string; a new key becomes the last line of the mapping."""
    *parent_path, key = path
    parent = find(text, parent_path)
    if isinstance(parent, MappingNode) and any(name.value == key for name, _ in parent.value):
        return set_scalar(text, path, value)
    return add(text, path, spell(value, '"' if quoted else None), value)


def add(text: str, path: FieldPath, spelled: str, value: Any) -> str:
    """Add a key after the last one of a block mapping. `spelled` is the value as one line of YAML."""
    *parent_path, key = path
    node = find(text, parent_path)
    if not is_block(node, MappingNode) or at(read(text), parent_path).keys() & {key}:
        raise NotEditable(f"{shown(parent_path)} is not a block mapping that lacks {key}")
    line = f"{' ' * node.value[-1][0].start_mark.column}{spell(str(key), None)}: {spelled}"
    edited = _with_lines(text, lines_end(text, node), line)
    return confirm(text, edited, lambda document: _assign(document, path, value), path)


def remove_key(text: str, path: FieldPath) -> str:
    """Remove a key of a block mapping with its lines, including comments between them."""
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
    """Insert a string, or a mapping of strings and numbers, before the item `index` of a block sequence, or at its end.

    The new lines follow the previous item, before the comment of the next one.
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
    """Remove one item of a block sequence with its lines, including comments between them; other comments stay."""
    parent, node = find(text, path[:-1]), find(text, path)
    if not is_block(parent, SequenceNode):
        raise NotEditable(f"{shown(path)} is not an item of a block sequence")
    if len(parent.value) == 1:
        raise NotEditable(f"{shown(path)} is the last item of its sequence")
    edited = _without_lines(text, line_start(text, node.start_mark.index), lines_end(text, node))
    return confirm(text, edited, lambda document: _delete(document, path), path)


def insert_block(text: str, before: str, block: str) -> str:
    """Insert new keys, as lines of YAML, into the root mapping before the key `before` and its comment."""
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
    """Replace the lines of a root key by `block`, which has only that key; a new key is appended to the text."""
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
    """The lines of a root key and its value, with LF line ends; empty if there is no such key."""
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
    """Insert lines at the start of a line. A text without a final line end stays without."""
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
