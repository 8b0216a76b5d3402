"""An environment's release, as it stands in a tree: the part of an overlay that a promotion carries."""

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
# These say where an environment's data, traffic and secrets are, or are switched on for a while only: each environment
# has its own, as it has its own hosts, storage and secrets. Every other component of the base is part of the release.
OWN_COMPONENTS = frozenset(
    {"debug-logging", "external-database", "external-object-store", "generated-secrets", "ingress"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a promotion carries, of one environment in one tree.

    `files` are those of the folder `release/`, by their path in the overlay. `base` is what the environment runs: its
    pinned copy, or for the first environment the live `base/`; `base_folder` says where in the repo. `listed` are the
    overlay's components in its order, by name: those of the base, and `release` itself.
    """

    overlay: str
    files: Tree
    base: Tree
    base_folder: str
    kustomization: str
    listed: tuple[str, ...]

    @property
    def components(self) -> tuple[str, ...]:
        """The base's components that belong to the release."""
        return tuple(name for name in self.listed if _is_carried(name))

    @property
    def is_pinned(self) -> bool:
        """Whether the environment runs a copy of the base that is its own."""
        return self.base_folder != _BASE

    def text(self, path: str) -> str:
        """A file of the overlay as text; empty where there is none."""
        with editing(self.at(path)):
            return self.files.get(path, b"").decode()

    def at(self, path: str) -> str:
        """A file of the overlay, by its path in the repo."""
        return f"{self.overlay}/{path}"

    def changed(self, files: Mapping[str, bytes], base: Tree, kustomization: str) -> "Release":
        """The same environment's release with these files."""
        listed = _names(self.overlay, self.base_folder, kustomization)
        return replace(self, files=Tree(dict(files)), base=base, kustomization=kustomization, listed=listed)

    def images(self) -> dict[str, Image]:
        """The images, by the name that the manifests use."""
        with editing(self.at(KUSTOMIZATION)):
            return images.read(self.text(KUSTOMIZATION))

    def settings(self, path: str) -> dict[str, str]:
        """The settings of an env file."""
        with editing(self.at(path)):
            return envfile.read(self.text(path))


def of(tree: Tree, environment: Environment) -> Release:
    """The release of an environment. Raises BadTarget where the tree holds no overlay of it that taxiway can read."""
    overlay = environment.overlay
    path = f"{overlay}/kustomization.yaml"
    for each in (path, f"{overlay}/{KUSTOMIZATION}"):
        if each not in tree:
            raise BadTarget(f"{each} is missing", hint="restore it from an earlier commit")
    with editing(path):
        text = tree[path].decode()
        resources = _paths(text, "resources")
    places = [posixpath.normpath(posixpath.join(overlay, each)) for each in resources]
    folder = next((each for each in (f"{overlay}/{_BASE}", _BASE) if each in places), None)
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


def with_components(release: Release, wanted: Iterable[str], order: tuple[str, ...]) -> str:
    """The overlay's kustomization with just these components of the release, and all of the environment's own.

    A new one stands behind those that are before it in `order`, else in front of those behind it: a component that
    patches by name must see the names as the components before it left them.
    """
    text, names = release.kustomization, set(wanted)
    listed = [_component(release.overlay, release.base_folder, each) for each in _paths(text, _COMPONENTS)]
    for index, name in reversed([*enumerate(listed)]):
        if _is_carried(name) and name not in names:
            text = edit.remove(text, [_COMPONENTS, index])
            del listed[index]
    folder = posixpath.relpath(release.base_folder, release.overlay)
    for name in (each for each in order if each in names and each not in listed):
        place = order.index(name)
        before = [listed.index(each) + 1 for each in order[:place] if each in listed]
        behind = [listed.index(each) for each in order[place:] if each in listed]
        index = max(before, default=min(behind, default=len(listed)))
        text = edit.insert_item(text, [_COMPONENTS], index, f"{folder}/{_COMPONENTS}/{name}")
        listed.insert(index, name)
    return text


def _paths(kustomization: str, key: str) -> list[str]:
    return [str(path) for path in items(edit.read(kustomization), key)]


def _names(overlay: str, base: str, kustomization: str) -> tuple[str, ...]:
    named = (_component(overlay, base, each) for each in _paths(kustomization, _COMPONENTS))
    return tuple(name for name in named if name)


def _is_carried(name: str | None) -> bool:
    return name is not None and name != FOLDER and name not in OWN_COMPONENTS


def _component(overlay: str, base: str, listed: str) -> str | None:
    """The name of a component of the base, `release` for the release itself, None for any other."""
    place = posixpath.normpath(posixpath.join(overlay, listed))
    if place == f"{overlay}/{FOLDER}":
        return FOLDER
    folder, _, name = place.rpartition("/")
    return name if folder == f"{base}/{_COMPONENTS}" else None
