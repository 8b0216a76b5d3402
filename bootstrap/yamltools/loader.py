"""YAML loader with limits, so that untrusted text can't crash, block or exhaust the process.

PyYAML's C composer recurses without a limit, so deep nesting ends the process; nested aliases expand exponentially when
a program walks the value.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import yaml

from bootstrap.core import limits

# A text that matches none of these can't exceed a limit. Others are scanned, which takes as long as parsing them.
_RUN = re.compile(rb"[ \t?:-]{%d}" % (limits.YAML_DEPTH // 2))  # nested blocks need indentation
_ALIAS = re.compile(rb"[\s\[{,:-]\*[^\s*]")
_ANCHOR = re.compile(rb"(?:^|[\s\[{,:-])&[^\s&]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# What PyYAML's constructors raise for invalid values, such as a date of month 13, `!!int x` or `!!bool x`.
_NO_VALUE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class BeyondLimit(yaml.MarkedYAMLError):
    """The text exceeds a limit; `problem` says which."""


class Loader(yaml.CSafeLoader):
    """Loader for kustomize's output: invalid dates, invalid or very long numbers, `=` and `<<` become strings."""


def load(text: str | bytes, loader: type[Any] = Loader) -> Any:
    """The value of the only document of a text. Raises only yaml.YAMLError."""
    check(text)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506  (Loader, or a BaseLoader: safe)
    except _NO_VALUE as err:
        raise _unreadable(err) from None


def load_all(text: str | bytes) -> list[Any]:
    """The values of all documents of a text. Raises only yaml.YAMLError."""
    check(text)
    try:
        return list(yaml.load_all(text, Loader=Loader))
    except _NO_VALUE as err:
        raise _unreadable(err) from None


def nodes(data: bytes) -> Iterator[tuple[yaml.Node, Any]]:
    """Pairs of node and value of each document, up to the first error. Raises only yaml.YAMLError."""
    check(data)
    loader = Loader(data)
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield node, loader.construct_document(node)
    except _NO_VALUE as err:
        raise _unreadable(err) from None
    finally:
        loader.dispose()


def check(text: str | bytes) -> None:
    """Raise BeyondLimit if a text exceeds a limit. Invalid YAML may pass; the parser reports it."""
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if len(data) > limits.YAML_BYTES:
        raise BeyondLimit(problem=f"longer than {limits.mebibytes(limits.YAML_BYTES)}")
    if _suspicious(data):
        try:
            _scan(data)
        except BeyondLimit:
            raise
        except (yaml.YAMLError, ValueError) as err:  # the parser reports these
            if "nesting" in (getattr(err, "problem", "") or ""):  # a limit of libyaml's own, where it has one
                raise _beyond(
                    f"nested deeper than {limits.YAML_DEPTH} levels", getattr(err, "problem_mark", None)
                ) from err


def repeats(text: str) -> bool:
    """Whether a text has aliases, so that one value appears in several places."""
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=Loader))


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal and of the same types at all depths: 1 is not true."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(item, right[key]) for key, item in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def _suspicious(data: bytes) -> bool:
    return (
        len(data) > limits.YAML_NODES
        or data.count(b"[") + data.count(b"{") > limits.YAML_DEPTH
        or data.count(b"---") > limits.YAML_DOCUMENTS
        or data.startswith(_UTF16)
        or _RUN.search(data) is not None
        or (b"*" in data and _ALIAS.search(data) is not None and _ANCHOR.search(data) is not None)
    )


def _scan(data: bytes) -> None:
    scan = _Scan()
    loader = Loader(data)
    try:
        while event := loader.get_event():
            scan.take(event)
    finally:
        loader.dispose()


class _Scan:
    """Counts nodes and depth of a text as if each alias were expanded."""

    def __init__(self) -> None:
        self.documents = self.total = 0
        self.open: list[tuple[str | None, int, int]] = []  # anchor, total of nodes before it, height of its content
        self.known: dict[str, tuple[int, int]] = {}  # by anchor: nodes, height

    def take(self, event: yaml.Event) -> None:
        mark = event.start_mark
        if isinstance(event, yaml.CollectionStartEvent):
            self._add(1, mark)
            if event.anchor is not None:
                self.known.pop(event.anchor, None)
            self.open.append((event.anchor, self.total - 1, 1))
            self._deepen(0, mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before, height = self.open.pop()
            if anchor is not None:
                self.known[anchor] = (self.total - before, height)
            self._raise(height + 1)
        elif isinstance(event, yaml.ScalarEvent):
            self._add(1, mark)
            if event.anchor is not None:
                self.known[event.anchor] = (1, 0)
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _, _ in self.open) and event.anchor not in self.known:
                raise _beyond("an alias stands inside of what it stands for", mark)
            size, height = self.known.get(event.anchor or "", (1, 0))
            self._add(size, mark)
            self._deepen(height, mark)
            self._raise(height + 1)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.known.clear()
            self.documents += 1
            if self.documents > limits.YAML_DOCUMENTS:
                raise _beyond(f"more than {limits.YAML_DOCUMENTS:,} documents", mark)

    def _add(self, size: int, mark: Any) -> None:
        self.total += size
        if self.total > limits.YAML_NODES:
            raise _beyond(f"more than {limits.YAML_NODES:,} values, with each alias written out", mark)

    def _deepen(self, height: int, mark: Any) -> None:
        if len(self.open) + height > limits.YAML_DEPTH:
            raise _beyond(f"nested deeper than {limits.YAML_DEPTH} levels", mark)

    def _raise(self, height: int) -> None:
        if self.open:
            anchor, before, highest = self.open[-1]
            self.open[-1] = (anchor, before, max(highest, height))


def _beyond(problem: str, mark: Any) -> BeyondLimit:
    return BeyondLimit(problem=problem, problem_mark=mark)


def _unreadable(err: Exception) -> yaml.YAMLError:
    if isinstance(err, UnicodeError):
        return yaml.YAMLError("not a text")
    return yaml.constructor.ConstructorError(problem=next(iter(str(err).splitlines()), "") or "a value that is none")


def _number(loader: Loader, node: yaml.ScalarNode) -> Any:
    if len(node.value) <= limits.YAML_NUMBER:
        with contextlib.suppress(ValueError, OverflowError, IndexError):
            return (loader.construct_yaml_int if node.tag.endswith(":int") else loader.construct_yaml_float)(node)
    return node.value


def _date(loader: Loader, node: yaml.ScalarNode) -> Any:
    with contextlib.suppress(ValueError, AttributeError):
        return loader.construct_yaml_timestamp(node)
    return node.value


def _text(loader: Loader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


for _tag in ("int", "float"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _number)
for _tag in ("value", "merge"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _text)
Loader.add_constructor("tag:yaml.org,2002:timestamp", _date)
