"""Node positions in YAML text, and the splicing helpers of `edit`.

ruamel.yaml gives the marks of nodes; its round trip is not used, since it changes indentation and quotes. Paths are
keys and indexes from the root.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bootstrap.core import limits
from bootstrap.core.errors import BadTarget, NotEditable
from bootstrap.core.escaping import visible
from bootstrap.yamltools import loader
from bootstrap.yamltools.positions import FieldPath

# YAML 1.1 and 1.2 disagree on whether these end a line, so a splice at a line end could be wrong.
_ODD_LINE_END = re.compile("\r(?!\n)|[\x85\u2028\u2029]")
_ESCAPED = re.compile("[\x00-\x08\n-\x1f\x7f-\x9f\u2028\u2029\ufeff]")  # characters that need escapes in double quotes
_DEEPEST = 100


@contextlib.contextmanager
def editing(path: str) -> Iterator[None]:
    """Context manager that turns NotEditable and encoding errors into a BadTarget with the path of the file."""
    try:
        yield
    except NotEditable as err:
        raise BadTarget(f"{path}: {err}", hint="taxiway edits no byte besides: make this change by hand") from None
    except UnicodeDecodeError:
        raise BadTarget(f"{path}: is not UTF-8 text") from None


def read(text: str) -> Any:
    """The value of the document by YAML 1.1, as Kubernetes tools read it. Raises NotEditable."""
    try:
        return loader.load(text)
    except yaml.YAMLError as err:
        raise NotEditable(f"not valid YAML: {getattr(err, 'problem', err)}") from None


def find(text: str, path: FieldPath) -> Node:
    """The node at a path. Raises NotEditable if there is none."""
    return walk(text, path)[-1]


def walk(text: str, path: FieldPath) -> list[Node]:
    """The nodes on a path, from the root on. Raises NotEditable if the path does not exist."""
    if text.startswith("\ufeff"):
        raise NotEditable("the text begins with a byte order mark")
    if _ODD_LINE_END.search(text):
        raise NotEditable("the text has line ends other than LF and CRLF")
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
            raise NotEditable(f"there is no {shown(path)}")
        nodes.append(node)
    if nodes[0] is None:
        raise NotEditable("the text is empty")
    return [node for node in nodes if node is not None]


@lru_cache(maxsize=4)
def _compose(text: str) -> Node | None:
    if len(text) > limits.EDITED_BYTES:
        raise NotEditable(f"longer than {limits.mebibytes(limits.EDITED_BYTES)}")
    try:
        loader.check(text)
        node: Node | None = YAML(pure=True).compose(text)
    except (YAMLError, yaml.YAMLError) as err:
        raise NotEditable(f"not valid YAML: {getattr(err, 'problem', err)}") from None
    return node


def is_block(node: Node, kind: type[MappingNode] | type[SequenceNode]) -> bool:
    """Whether a node is a non-empty mapping or sequence in block style."""
    return isinstance(node, kind) and not node.flow_style and bool(node.value)


def spell(value: str, style: str | None, *, in_flow: bool = False) -> str:
    """Write a string as a YAML scalar in the given style; in double quotes if that style can't represent it."""
    fits = not _ESCAPED.search(value)
    if style == "'" and fits:
        return "'" + value.replace("'", "''") + "'"
    plain_risk = in_flow and any(char in value for char in ",[]{}")
    if style is None and not plain_risk and value and fits:
        # Plain only if YAML 1.1 and 1.2 both resolve it to this string: `yes` is one only in 1.2, `0o7` only in 1.1.
        with contextlib.suppress(NotEditable, YAMLError):
            if read(f"- {value}\n") == YAML(typ="safe", pure=True).load(f"- {value}\n") == [value]:
                return value
    escapes = {"\\": "\\\\", '"': '\\"', "\t": "\\t"}
    value = "".join(escapes.get(char, char) for char in value)
    return '"' + _ESCAPED.sub(lambda match: visible(match[0]), value) + '"'


def newline_of(text: str) -> str:
    """The line end of a text: CRLF if it has any, else LF."""
    return "\r\n" if "\r\n" in text else "\n"


def line_start(text: str, index: int) -> int:
    """Offset of the start of the line at an offset."""
    return text.rfind("\n", 0, index) + 1


def line_end(text: str, index: int) -> int:
    """Offset of the start of the next line; the end of the text if there is none."""
    # The end mark of a plain scalar may be after its line end.
    if index and text[index - 1] == "\n":
        return index
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def lines_end(text: str, node: Node) -> int:
    """Offset of the first line after a node, without the comments and blank lines that follow it."""
    # The end mark of a block collection is after the blank lines and comments that follow it.
    while isinstance(node, MappingNode | SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, MappingNode) else node.value[-1]
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return _block_scalar_end(text, node)
    return line_end(text, node.end_mark.index)


def _block_scalar_end(text: str, node: ScalarNode) -> int:
    # Its end mark, too, is after blank lines and sometimes after comments.
    end = start = line_end(text, node.start_mark.index)
    lines = text[start : node.end_mark.index].splitlines(keepends=True)
    full = [line for line in lines if line.strip()]
    indent = len(full[0]) - len(full[0].lstrip(" ")) if full else 0
    if not node.value.strip() or not indent:
        raise NotEditable("an empty or unindented block scalar stands there")
    for line in lines:
        start += len(line)
        if line.strip():
            if len(line) - len(line.lstrip(" ")) < indent:
                break
            end = start
    return end


def confirm(before: str, after: str, change: Callable[[Any], None], path: FieldPath) -> str:
    """Return `after` if its value is that of `before` with only `change` applied. Raises NotEditable if not."""
    expected = _unshared(read(before))
    try:
        change(expected)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise NotEditable(f"there is no {shown(path)}") from None
    if not loader.same(_unshared(read(after)), expected):
        raise NotEditable(f"{shown(path)} can't be changed without touching more")
    return after


def at(value: Any, path: FieldPath) -> Any:
    """The value at a path."""
    for step in path:
        value = value[step]
    return value


def shown(path: FieldPath) -> str:
    """A path in dotted form, for messages."""
    return ".".join(str(step) for step in path) or "the document"


def _unshared(value: Any, depth: int = 0) -> Any:
    """A copy without shared references, so that a change of an anchored value does not change its aliases."""
    if depth > _DEEPEST:
        raise NotEditable("the document is nested too deeply, or inside of itself")
    if isinstance(value, dict):
        return {key: _unshared(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_unshared(item, depth + 1) for item in value]
    return value
