"""YAML documents that know the line of each of their values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import yaml

from bootstrap.yamltools import loader

FieldPath = Sequence[str | int]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a user would edit: a file of the repo, and a line of it, from 1."""

    path: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: its value as YAML 1.1 resolves it, and the nodes that it was read from.

    `above` counts the lines of the file before the text that it was read from. A text that is written on `one_line` of
    the file (in quotes, with escapes) has all its values there.
    """

    value: Any
    node: yaml.Node
    above: int = 0
    one_line: bool = False

    def line(self, path: FieldPath = ()) -> int:
        """The line (from 1) of a value; of the nearest parent that is there, where the path leads nowhere.

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
        """Whether a value stands at this path."""
        return self._at(path) is not None

    def inside(self, path: FieldPath) -> tuple["Document", ...]:
        """The documents of the YAML text that stands at this path, with the lines of this file."""
        node = self._at(path)
        if not isinstance(node, yaml.ScalarNode):
            return ()
        block = node.style in ("|", ">")
        first = self._shown(node.start_mark.line) - (0 if block else 1)
        flat = self.one_line or not block
        text = node.value.encode(errors="replace")
        return tuple(replace(document, above=first, one_line=flat) for document in documents(text))

    def lines_of(self, key: str) -> Iterator[int]:
        """The lines on which mappings have this key, in the order of the text."""
        for node in sorted(self._mappings(), key=lambda node: node.start_mark.index):
            for name, _ in node.value:
                if isinstance(name, yaml.ScalarNode) and name.value == key:
                    yield self._shown(name.start_mark.line)

    def duplicates(self) -> Iterator[tuple[str, int]]:
        """Each key that stands twice in one mapping, with the line of its second occurrence."""
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
        # An alias leads to a node that was met before, or even to one that is around it.
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
    """The documents of a YAML text; those before the first mistake, where it has one (`mistake` tells it)."""
    return _read(data)[0]


def mistake(data: bytes) -> tuple[int, str] | None:
    """The line and the reason of the first syntax error of a YAML text; None where there is none."""
    return _read(data)[1]


@lru_cache(maxsize=256)  # more than an environment has, and all that it shares with the next one
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
    """A child by its key or index, and the line where a user sees it."""
    if isinstance(node, yaml.MappingNode):
        # The last one wins, as in the value.
        for key, value in reversed(node.value):
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return value, key.start_mark.line
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and 0 <= step < len(node.value):
        value = node.value[step]
        return value, value.start_mark.line
    return None
