"""Positions: YAML documents with the line number of each value."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import yaml

from bootstrap.yamltools import loader

FieldPath = Sequence[str | int]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file: path relative to the repo, line from 1."""

    path: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document: its value by YAML 1.1, and its node tree.

    For a text embedded in a file, `above` is the number of lines before it; with `one_line` the text is a quoted
    scalar, so that all its values have the same line.
    """

    value: Any
    node: yaml.Node
    above: int = 0
    one_line: bool = False

    def line(self, path: FieldPath = ()) -> int:
        """Line (from 1) of a value, or of its nearest parent if the path does not exist.

        The line of a mapping's value is that of its key.
        """
        node, line = self.node, self.node.start_mark.line
        for step in path:
            child = _step(node, step)
            if child is None:
                break
            node, line = child
        return self._shown(line)

    def has(self, path: FieldPath) -> bool:
        """Whether the path exists."""
        return self._at(path) is not None

    def inside(self, path: FieldPath) -> tuple["Document", ...]:
        """The documents of the YAML text in the string at this path, with line numbers of this file."""
        node = self._at(path)
        if not isinstance(node, yaml.ScalarNode):
            return ()
        block = node.style in ("|", ">")
        first = self._shown(node.start_mark.line) - (0 if block else 1)
        flat = self.one_line or not block
        text = node.value.encode(errors="replace")
        return tuple(replace(document, above=first, one_line=flat) for document in documents(text))

    def lines_of(self, key: str) -> Iterator[int]:
        """Lines of all occurrences of a key, in the order of the text."""
        for node in sorted(self._mappings(), key=lambda node: node.start_mark.index):
            for name, _ in node.value:
                if isinstance(name, yaml.ScalarNode) and name.value == key:
                    yield self._shown(name.start_mark.line)

    def duplicates(self) -> Iterator[tuple[str, int]]:
        """Duplicate keys of mappings, with the line of the repetition."""
        for node in self._mappings():
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                    if key.value in seen:
                        yield key.value, self._shown(key.start_mark.line)
                    seen.add(key.value)

    def _shown(self, line: int) -> int:
        return self.above + (1 if self.one_line else line + 1)

    def _at(self, path: FieldPath) -> yaml.Node | None:
        node: yaml.Node = self.node
        for step in path:
            child = _step(node, step)
            if child is None:
                return None
            node = child[0]
        return node

    def _mappings(self) -> Iterator[yaml.MappingNode]:
        # An alias refers to a node that was visited already, or to one that contains it.
        stack, met = [self.node], {id(self.node)}
        while stack:
            node = stack.pop()
            below: list[yaml.Node] = []
            if isinstance(node, yaml.SequenceNode):
                below = node.value
            elif isinstance(node, yaml.MappingNode):
                yield node
                below = [value for _, value in node.value]
            for child in below:
                if id(child) not in met:
                    met.add(id(child))
                    stack.append(child)


def documents(data: bytes) -> tuple[Document, ...]:
    """The documents of a YAML text up to its first syntax error, which `mistake` returns."""
    return _read(data)[0]


def mistake(data: bytes) -> tuple[int, str] | None:
    """Line and reason of the first syntax error of a YAML text; None if it is valid."""
    return _read(data)[1]


@lru_cache(maxsize=256)  # more than the files of one environment
def _read(data: bytes) -> tuple[tuple[Document, ...], tuple[int, str] | None]:
    result: list[Document] = []
    try:
        for node, value in loader.nodes(data):
            if value is not None:
                result.append(Document(value=value, node=node))
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None) or getattr(err, "context_mark", None)
        return tuple(result), (mark.line + 1 if mark else 1, _reason(err))
    return tuple(result), None


def _reason(err: Exception) -> str:
    return str(getattr(err, "problem", None) or next(iter(str(err).splitlines()), "unreadable"))


def _step(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    """A child node by key or index, and its line (from 0)."""
    if isinstance(node, yaml.MappingNode):
        # The last of duplicate keys wins, as in the value.
        for key, value in reversed(node.value):
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return value, key.start_mark.line
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        value = node.value[step]
        return value, value.start_mark.line
    return None
