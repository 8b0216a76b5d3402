"""What lies beside the environment's files and is in none of its kustomizations."""

import posixpath
from collections.abc import Iterator

from bootstrap.validate.context import EnvironmentContext, dig
from bootstrap.yamltools.positions import documents


def unread(env: EnvironmentContext, kind: str, name: str) -> bool:
    """Whether a file defines this object and kustomize does not read it: `kustomize/unread-file` tells that, once."""
    return (kind, name) in env.once("unread", lambda: frozenset(_defined(env)))


def _defined(env: EnvironmentContext) -> Iterator[tuple[str, str]]:
    read = env.graph.files
    used = {posixpath.dirname(path) for path in read}
    roots = [env.environment.overlay, *(["base"] if any(path.startswith("base/") for path in read) else [])]
    for path, data in env.tree.files.items():
        near = path.endswith((".yaml", ".yml")) and any(path.startswith(f"{root}/") for root in roots)
        # Components that are not in use are a menu.
        menu = "/components/" in path and posixpath.dirname(path) not in used
        if near and not menu and path not in read:
            for document in documents(data):
                kind, name = dig(document.value, "kind"), dig(document.value, "metadata", "name")
                if isinstance(kind, str) and isinstance(name, str):
                    yield "Secret" if kind == "SealedSecret" else kind, name
