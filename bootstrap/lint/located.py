"""YAML documents that know the line of each of their values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

Path = Sequence[str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: its value as YAML 1.1 resolves it, and the nodes that it was read from."""

    value: Any
    node: yaml.Node

    def line(self, path: Path = ()) -> int:
        """The line (from 1) of a value; of the nearest parent that is there, where the path leads nowhere.

        The line of a mapping's value is that of its key.
        """
        node, line = self.node, self.node.start_mark.line
        for step in path:
            found = _step(node, step)
            if found is None:
                break
            node, line = found
        return line + 1

    def has(self, path: Path) -> bool:
        """Whether a value stands at this path."""
        node: yaml.Node = self.node
        for step in path:
            found = _step(node, step)
            if found is None:
                return False
            node = found[0]
        return True

    def duplicates(self) -> Iterator[tuple[str, int]]:
        """Each key that stands twice in one mapping, with the line of its second occurrence."""
        stack = [self.node]
        while stack:
            node = stack.pop()
            if isinstance(node, yaml.SequenceNode):
                stack.extend(node.value)
            if not isinstance(node, yaml.MappingNode):
                continue
            seen: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                    if key.value in seen:
                        yield key.value, key.start_mark.line + 1
                    seen.add(key.value)
                stack.append(value)


@lru_cache(maxsize=4096)
def documents(data: bytes) -> tuple[Document, ...]:
    """The documents of a YAML text; those before the first mistake, where it has one (`mistake` tells it)."""
    return _read(data)[0]


def mistake(data: bytes) -> tuple[int, str] | None:
    """The line and the reason of the first syntax error of a YAML text; None where there is none."""
    return _read(data)[1]


@lru_cache(maxsize=4096)
def _read(data: bytes) -> tuple[tuple[Document, ...], tuple[int, str] | None]:
    found: list[Document] = []
    try:
        loader = yaml.CSafeLoader(data)
    except yaml.YAMLError as err:
        return (), (1, str(err).splitlines()[0])
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                value = loader.construct_document(node)
                if value is not None:
                    found.append(Document(value=value, node=node))
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as err:
        mark = getattr(err, "problem_mark", None) or getattr(err, "context_mark", None)
        reason = getattr(err, "problem", None) or str(err).splitlines()[0]
        return tuple(found), (mark.line + 1 if mark else 1, str(reason))
    finally:
        loader.dispose()
    return tuple(found), None


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
