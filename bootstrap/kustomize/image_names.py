"""Image references, and what a kustomization's `images:` makes of them."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

Path = tuple[str | int, ...]


def name_of(image: str) -> str:
    """An image without its tag and digest."""
    name = image.partition("@")[0]
    head, _, tail = name.rpartition("/")
    return f"{head}/{tail.partition(':')[0]}" if head else tail.partition(":")[0]


def tag_of(image: str) -> str | None:
    """The tag of an image; None where it has none."""
    tag = image.partition("@")[0].removeprefix(name_of(image))
    return tag.removeprefix(":") or None


def is_named(image: str, pattern: str) -> bool:
    """Whether an `images:` entry of this name takes an image.

    Its name is a regular expression for all but the tag and the digest (kustomize: api/internal/image, image.go).
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
    """The image after an entry of `images:` that takes it."""
    old = image.partition("@")
    name, tag, digest = name_of(image), tag_of(image), old[2]
    if new := entry.get("newName"):
        name = str(new)
    if new := entry.get("newTag"):
        tag, digest = str(new), ""
    if new := entry.get("digest"):
        tag, digest = (str(entry["newTag"]) if entry.get("newTag") else None), str(new)
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def within(value: Any) -> Iterator[tuple[Path, str]]:
    """The images of all containers at any depth of an object, with their paths."""
    stack: list[tuple[Path, Any]] = [((), value)] if isinstance(value, dict | list) else []
    met: set[int] = set()
    while stack:
        path, each = stack.pop()
        if id(each) in met:
            continue
        met.add(id(each))
        for step, below in each.items() if isinstance(each, dict) else enumerate(each):
            if step in ("containers", "initContainers") and isinstance(below, list):
                for number, container in enumerate(below):
                    if isinstance(container, dict) and isinstance(container.get("image"), str):
                        yield (*path, str(step), number, "image"), container["image"]
            if isinstance(below, dict | list):
                stack.append(((*path, step), below))
