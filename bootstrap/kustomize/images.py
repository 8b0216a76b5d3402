"""The `images:` transformer: which images an entry matches, and what it changes them to."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from bootstrap.core.image import Image
from bootstrap.yamltools.positions import FieldPath


def is_named(image: str, pattern: str) -> bool:
    """Whether an `images:` entry with the name `pattern` matches an image.

    The name is a regular expression for the image without tag and digest (kustomize: api/internal/image, image.go).
    """
    expression = _expression(pattern)
    return expression is not None and expression.fullmatch(image) is not None


@lru_cache(maxsize=4096)
def _expression(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(f"{pattern}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?")
    except (re.error, OverflowError, RecursionError):
        return None


def changed(image: str, entry: Mapping[str, Any]) -> str:
    """The image as a matching entry of `images:` changes it."""
    old = Image.split(image)
    repository, tag, digest = (str(entry.get(field) or "") for field in ("newName", "newTag", "digest"))
    if not tag and not digest:
        tag, digest = old.tag or "", old.digest or ""
    return str(Image(repository=repository or old.repository, tag=tag, digest=digest))


def within(value: Any) -> Iterator[tuple[FieldPath, str]]:
    """The images of all containers at any depth of an object, with their paths."""
    stack: list[tuple[FieldPath, Any]] = [((), value)] if isinstance(value, dict | list) else []
    met: set[int] = set()
    while stack:
        path, node = stack.pop()
        if id(node) in met:
            continue
        met.add(id(node))
        for step, below in node.items() if isinstance(node, dict) else enumerate(node):
            if step in ("containers", "initContainers") and isinstance(below, list):
                for number, container in enumerate(below):
                    if isinstance(container, dict) and isinstance(container.get("image"), str):
                        yield (*path, str(step), number, "image"), container["image"]
            if isinstance(below, dict | list):
                stack.append(((*path, step), below))
