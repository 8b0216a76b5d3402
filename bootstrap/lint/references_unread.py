"""What lies beside the environment's files and is in none of its kustomizations."""

import posixpath
from collections.abc import Iterator

from bootstrap.validate.context import Scene, dig
from bootstrap.yamltools.positions import documents


def unread(scene: Scene, kind: str, name: str) -> bool:
    """Whether a file defines this object and kustomize does not read it: `kustomize/unread-file` tells that, once."""
    return (kind, name) in scene.once("unread", lambda: frozenset(_defined(scene)))


def _defined(scene: Scene) -> Iterator[tuple[str, str]]:
    read = scene.graph.files
    used = {posixpath.dirname(path) for path in read}
    roots = [scene.environment.overlay, *(["base"] if any(path.startswith("base/") for path in read) else [])]
    for path, data in scene.tree.files.items():
        near = path.endswith((".yaml", ".yml")) and any(path.startswith(f"{root}/") for root in roots)
        # Components that are not in use are a menu.
        menu = "/components/" in path and posixpath.dirname(path) not in used
        if near and not menu and path not in read:
            for document in documents(data):
                kind, name = dig(document.value, "kind"), dig(document.value, "metadata", "name")
                if isinstance(kind, str) and isinstance(name, str):
                    yield "Secret" if kind == "SealedSecret" else kind, name
