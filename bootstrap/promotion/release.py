"""Release of an environment: the part of its overlay that a promotion carries."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bootstrap.config.model import Environment
from bootstrap.core.errors import BadTarget
from bootstrap.core.image import Image
from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import items
from bootstrap.promotion import images
from bootstrap.yamltools import edit, envfile
from bootstrap.yamltools.text import editing

FOLDER = "release"
KUSTOMIZATION = "release/kustomization.yaml"
RELEASE_ENV = "release/release.env"
SETTINGS_ENV = "release/airflow.env"
ID = "RELEASE"
DAGS = "DAGS_"
_BASE = "base"
_COMPONENTS = "components"
# Never promoted: they choose an environment's own database, storage, hosts and secrets, or are switched on for a while
# only. Every other component of the base is part of the release.
OWN_COMPONENTS = frozenset(
    {"debug-logging", "external-database", "external-object-store", "generated-secrets", "ingress"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Release of one environment in one tree.

    `files` are those of the folder `release/`, by path in the overlay. `base` is the base that the environment runs, at
    `base_folder` in the repo: its pinned copy, or `base/` itself. `kustomization` is the text of the overlay's
    kustomization.yaml, `listed` its components by name, in order: those of the base, and `release`.
    """

    overlay: str
    files: Tree
    base: Tree
    base_folder: str
    kustomization: str
    listed: tuple[str, ...]

    @property
    def components(self) -> tuple[str, ...]:
        """The listed components that a promotion carries."""
        return tuple(name for name in self.listed if _is_carried(name))

    @property
    def is_pinned(self) -> bool:
        """Whether the environment runs a pinned copy of the base."""
        return self.base_folder != _BASE

    def text(self, path: str) -> str:
        """A file of the overlay as text; empty where it is missing."""
        with editing(self.at(path)):
            return self.files.get(path, b"").decode()

    def at(self, path: str) -> str:
        """The path in the repo of a file of the overlay."""
        return f"{self.overlay}/{path}"

    def changed(self, files: Mapping[str, bytes], base: Tree, kustomization: str) -> "Release":
        """The release of the same environment with other content."""
        listed = _names(self.overlay, self.base_folder, kustomization)
        return replace(self, files=Tree(dict(files)), base=base, kustomization=kustomization, listed=listed)

    def images(self) -> dict[str, Image]:
        """The images by the name that the manifests use."""
        with editing(self.at(KUSTOMIZATION)):
            return images.read(self.text(KUSTOMIZATION))

    def settings(self, path: str) -> dict[str, str]:
        """The settings of an env file."""
        with editing(self.at(path)):
            return envfile.read(self.text(path))


def load(tree: Tree, environment: Environment) -> Release:
    """Read the release of an environment. Raises BadTarget where its overlay is missing or not in taxiway's form."""
    overlay = environment.overlay
    path = f"{overlay}/kustomization.yaml"
    for required in (path, f"{overlay}/{KUSTOMIZATION}"):
        if required not in tree:
            raise BadTarget(f"{required} is missing", hint="restore it from an earlier commit")
    with editing(path):
        text = tree[path].decode()
        resources = _paths(text, "resources")
    resolved = [posixpath.normpath(posixpath.join(overlay, resource)) for resource in resources]
    folder = next((base for base in (f"{overlay}/{_BASE}", _BASE) if base in resolved), None)
    if folder is None:
        raise BadTarget(f"{path}: lists neither its own base nor ../../base", hint="one of them has to be a resource")
    return Release(
        overlay=overlay,
        files=tree.under(f"{overlay}/{FOLDER}").at(FOLDER),
        base=tree.under(folder),
        base_folder=folder,
        kustomization=text,
        listed=_names(overlay, folder, text),
    )


def with_components(release: Release, components: Iterable[str], order: tuple[str, ...]) -> str:
    """The overlay's kustomization with exactly these components of the release; the environment's own ones stay.

    A new one is inserted after the components that precede it in `order`, else before those that follow it: order
    matters, since a component patches what the ones before it rendered.
    """
    text, names = release.kustomization, set(components)
    listed = [_component_name(release.overlay, release.base_folder, path) for path in _paths(text, _COMPONENTS)]
    for index, name in reversed([*enumerate(listed)]):
        if _is_carried(name) and name not in names:
            text = edit.remove(text, [_COMPONENTS, index])
            del listed[index]
    folder = posixpath.relpath(release.base_folder, release.overlay)
    for name in (name for name in order if name in names and name not in listed):
        position = order.index(name)
        after = [listed.index(other) + 1 for other in order[:position] if other in listed]
        before = [listed.index(other) for other in order[position:] if other in listed]
        index = max(after, default=min(before, default=len(listed)))
        text = edit.insert_item(text, [_COMPONENTS], index, f"{folder}/{_COMPONENTS}/{name}")
        listed.insert(index, name)
    return text


def _paths(kustomization: str, key: str) -> list[str]:
    return [str(path) for path in items(edit.read(kustomization), key)]


def _names(overlay: str, base: str, kustomization: str) -> tuple[str, ...]:
    names = (_component_name(overlay, base, path) for path in _paths(kustomization, _COMPONENTS))
    return tuple(name for name in names if name)


def _is_carried(name: str | None) -> bool:
    return name is not None and name != FOLDER and name not in OWN_COMPONENTS


def _component_name(overlay: str, base: str, path: str) -> str | None:
    """The name of a component of the base, `release` for the release itself, None for any other."""
    resolved = posixpath.normpath(posixpath.join(overlay, path))
    if resolved == f"{overlay}/{FOLDER}":
        return FOLDER
    folder, _, name = resolved.rpartition("/")
    return name if folder == f"{base}/{_COMPONENTS}" else None
