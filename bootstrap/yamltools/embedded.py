"""Embedded documents: YAML or JSON in a string of an object, such as a pod template in a ConfigMap."""

from functools import lru_cache
from typing import Any

import yaml

from bootstrap.yamltools import loader


def mapping(text: Any) -> dict[str, Any] | None:
    """The only mapping in a multi-line or JSON text; None if there is none, or it has YAML aliases."""
    if not isinstance(text, str) or not ("\n" in text or text.startswith("{")):
        return None
    parsed = documents(text)
    # A change of an anchored value would be reported once for every alias.
    return parsed[0] if len(parsed) == 1 and not loader.repeats(text) else None


@lru_cache(maxsize=256)  # the same texts stand in many environments
def documents(text: str) -> tuple[dict[str, Any], ...]:
    """The mappings among the documents of a text; empty if it is invalid or exceeds a limit."""
    try:
        parsed = loader.load_all(text)
    except yaml.YAMLError:
        return ()
    return tuple(document for document in parsed if isinstance(document, dict))
