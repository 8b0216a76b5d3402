"""Rule about files in an overlay or its base that kustomize does not read."""

import posixpath
from collections.abc import Iterator

from bootstrap.config.parts import KUSTOMIZATIONS
from bootstrap.kubernetes.objects import dig
from bootstrap.kustomize import graph
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place, documents

# Files for people and for taxiway.
_OTHERS = ("sealing-cert.pem",)
_PROSE = (".md", ".rst", ".adoc", ".txt")
_ROLES = {".env": "envs of a generator", ".py": "files of a generator", ".yaml": "resources, patches or components"}


@rule("kustomize/unread-file", ERROR, fix="Name it in the kustomization beside it, or remove it.")
def unread_file(env: EnvironmentContext) -> Iterator[Violation]:
    """Each file in an overlay and in its base is read by kustomize.

    What no kustomization names has no effect, however right it looks.
    """
    if env.failure is not None:
        return  # a mistyped name in a kustomization leaves the intended file unread
    overlay = env.environment.overlay
    read = set(env.graph.files)
    bases = [base for base in (f"{overlay}/base", "base") if any(path.startswith(f"{base}/") for path in read)]
    for base in bases:
        read |= _component_files(env, base)
    roots = (overlay, *(base for base in bases if base == "base"))
    unread = [
        path
        for path in env.tree
        if path not in read and any(path.startswith(f"{root}/") for root in roots) and not _is_for_people(path)
    ]
    folders = {posixpath.dirname(path) for path in unread if posixpath.basename(path) in KUSTOMIZATIONS}
    for path in unread:
        folder = posixpath.dirname(path)
        if posixpath.basename(path) in KUSTOMIZATIONS:
            message, hint = f"no kustomization names the folder {folder}", _hint(env, folder)
            yield Violation(Place(path), message, hint)
        elif not any(folder == other or folder.startswith(f"{other}/") for other in folders):
            yield Violation(Place(path), f"no kustomization reads {path}", _hint(env, path))


def _component_files(env: EnvironmentContext, base: str) -> set[str]:
    """Files of a base's optional components, whether an overlay uses them or not."""
    files: set[str] = set()
    prefix = f"{base}/components/"
    for path, data in env.tree.files.items():
        if path.startswith(prefix) and posixpath.basename(path) in KUSTOMIZATIONS and _is_component(data):
            files |= set(graph.read(env.tree, posixpath.dirname(path)).files)
    return files


def _is_component(data: bytes) -> bool:
    return any(dig(document.value, "kind") == "Component" for document in documents(data)[:1])


def _is_for_people(path: str) -> bool:
    name = posixpath.basename(path)
    hidden = any(part.startswith(".") for part in path.split("/"))
    return (
        hidden or name in _OTHERS or name.lower().endswith(_PROSE) or ("." not in name and name not in KUSTOMIZATIONS)
    )


def _hint(env: EnvironmentContext, path: str) -> str:
    """Hint with the entry to add, and the nearest kustomization that is read."""
    folder = posixpath.dirname(path)
    while folder:
        for owner in env.graph.kustomizations:
            if owner.folder == folder:
                name = path.removeprefix(f"{folder}/")
                role = _ROLES.get(
                    posixpath.splitext(path)[1], "resources" if "." not in name else "files of a generator"
                )
                return f"Name {name} in {owner.path}, under {role}; or remove it."
        folder = posixpath.dirname(folder)
    return ""
