"""An environment repo as a tree in memory, made by the real scaffold, and edits of it such as people make by hand."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml

from bootstrap.config.model import Controller, Environment, Model
from bootstrap.config.remote import Forge, Remote
from bootstrap.core.image import Image
from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import Object, parse
from bootstrap.promotion import images
from bootstrap.scaffold import plan as scaffold
from bootstrap.scaffold import sources
from bootstrap.system import files
from bootstrap.yamltools import envfile
from tests import rendering

NAMES = ("dev", "staging", "prod")
# What kustomize needs to see of a sealed secret; no test here opens one.
SEALED = Tree(
    {
        "kustomization.yaml": b"resources:\n  - sealedsecret.airflow-jwt.yaml\n",
        "sealedsecret.airflow-jwt.yaml": b"apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
        b"metadata:\n  name: airflow-jwt\nspec:\n  encryptedData:\n    AIRFLOW__API_AUTH__JWT_SECRET: AgBy\n",
    }
)


def model(*names: str) -> Model:
    """A model of environments with these names."""
    return Model(
        scaffold="0.1.0",
        remote=Remote.parse("https://git.example.com/acme/airflow-environments.git"),
        branch="main",
        forge=Forge.GITEA,
        controller=Controller.ARGOCD,
        environments=tuple(
            Environment(name=name, namespace=f"airflow-{name}", cluster="default") for name in names or NAMES
        ),
    )


@cache
def source() -> Tree:
    """The scaffold."""
    return sources.load()


@cache
def repo(*names: str) -> Tree:
    """The files that `init` writes for these environments."""
    known = model(*names)
    return scaffold.plan(source(), known, {each.name: SEALED for each in known.environments})


def render(tree: Tree, environment: str) -> tuple[Object, ...]:
    """What the real kustomize makes of an overlay."""
    with files.temporary_folder(tree) as folder:
        return parse(rendering.build(Path(folder) / "overlays" / environment))


def edited(tree: Tree, path: str, change: Callable[[str], str]) -> Tree:
    """The tree with one file's text changed; a file that is not there begins empty."""
    return Tree({**tree.files, path: change(tree.files.get(path, b"").decode()).encode()})


def without(tree: Tree, path: str) -> Tree:
    """The tree without a file."""
    return Tree({each: data for each, data in tree.files.items() if each != path})


def with_image(tree: Tree, environment: str, name: str, reference: str) -> Tree:
    """Another image in an environment's release, and nothing else."""
    path = f"overlays/{environment}/release/kustomization.yaml"
    return edited(tree, path, lambda text: images.put(text, name, Image.parse(reference)))


def with_setting(tree: Tree, path: str, key: str, value: str | None) -> Tree:
    """Another value in an env file, or without it none."""
    change = envfile.remove if value is None else lambda text, name: envfile.put(text, name, value)
    return edited(tree, path, lambda text: change(text, key))


def image_of(tree: Tree, environment: str, name: str = "apache/airflow") -> str:
    """The image that a release names, as one reference, read without any of our code."""
    data = yaml.safe_load(tree[f"overlays/{environment}/release/kustomization.yaml"])
    entry = next(each for each in data["images"] if each["name"] == name)
    digest = f"@{entry['digest']}" if "digest" in entry else ""
    return f"{entry.get('newName', name)}:{entry.get('newTag', '')}{digest}"


def setting_of(tree: Tree, path: str, key: str) -> str | None:
    """The value of a key in an env file, read without any of our code."""
    found = [line.partition("=")[2] for line in tree[path].decode().splitlines() if line.startswith(f"{key}=")]
    assert len(found) < 2
    return found[0] if found else None


def release_id(tree: Tree, environment: str) -> str | None:
    """RELEASE of an environment."""
    return setting_of(tree, f"overlays/{environment}/release/release.env", "RELEASE")
