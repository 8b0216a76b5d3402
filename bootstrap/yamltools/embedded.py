"""Embedded documents: YAML or JSON that stands as a text inside of an object, such as a pod template."""

from functools import lru_cache
from typing import Any

import yaml

from bootstrap.yamltools import loader


def mapping(text: Any) -> dict[str, Any] | None:
    """The one mapping that a text of more than a line holds; None where it is none, or parts of it stand for others."""
    if not isinstance(text, str) or not ("\n" in text or text.startswith("{")):
        return None
    parsed = documents(text)
    # What stands there once and is meant in many places would be told in all of them.
    return parsed[0] if len(parsed) == 1 and not loader.repeats(text) else None


@lru_cache(maxsize=256)  # the same texts stand in many environments
def documents(text: str) -> tuple[dict[str, Any], ...]:
    """The mappings that a text holds; none where it can't be read, or is beyond a limit."""
    try:
        parsed = loader.load_all(text)
    except yaml.YAMLError:
        return ()
    return tuple(document for document in parsed if isinstance(document, dict))
