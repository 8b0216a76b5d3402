"""Plan of a new environment repo: its files, from the scaffold and the model."""

from collections.abc import Mapping

from bootstrap.config.model import PATH, Environment, Model
from bootstrap.core.tree import Tree
from bootstrap.scaffold import ci, controllers, readme
from bootstrap.yamltools import edit

_SHARED_BASE = "../../base"
_PINNED_BASE = "base"
# Generates Secrets in the cluster, for overlays that are applied without taxiway.
_GENERATED_SECRETS = f"{_SHARED_BASE}/components/generated-secrets"
_NODE_PORT_PATCH = "patches/service.web.yaml"


def plan(source: Tree, model: Model, sealed: Mapping[str, Tree], tool: Tree = Tree()) -> Tree:  # noqa: B008  (frozen)
    """Every file of a new environment repo.

    `source` is the scaffold, `sealed` the `secrets/` folder of each environment, `tool` the folder that CI installs
    taxiway from. The first environment runs `base/` itself; every later one runs a pinned copy of its own.
    """
    base = source.under("base")
    trees = [base.at("base")]
    for number, environment in enumerate(model.environments):
        overlay, pinned = environment.overlay, number > 0
        trees.append(_overlay(source, environment, pinned=pinned).at(overlay))
        trees.append(sealed[environment.name].at(f"{overlay}/secrets"))
        if pinned:
            trees.append(base.at(f"{overlay}/{_PINNED_BASE}"))
    trees.extend((controllers.plan(model), ci.plan(model), tool))
    trees.append(Tree({PATH: model.render(), "README.md": readme.render(model)}))
    return Tree.union(trees)


def _overlay(source: Tree, environment: Environment, *, pinned: bool) -> Tree:
    """An environment's overlay, from the scaffold's of that name; else `dev` for the first, `complete` for others."""
    template = environment.name
    if not source.under(f"overlays/{template}"):
        template = "complete" if pinned else "dev"
    files = dict(source.under(f"overlays/{template}"))
    files["kustomization.yaml"] = _kustomization(files["kustomization.yaml"], environment, pinned=pinned)
    namespace = files["namespace.yaml"].decode()
    # The instance name that the UI shows.
    files["airflow.env"] = files["airflow.env"].replace(
        f"Airflow: {template}\n".encode(), f"Airflow: {environment.name}\n".encode()
    )
    files["namespace.yaml"] = edit.set_scalar(namespace, ["metadata", "name"], environment.namespace).encode()
    if environment.node_port is not None:
        files[_NODE_PORT_PATCH] = _node_port(environment.node_port)
    return Tree(files)


def _kustomization(text: bytes, environment: Environment, *, pinned: bool) -> bytes:
    # The scaffold's comment at the top says where its secrets come from, which differs here.
    body = text[text.index(b"apiVersion:") :].decode()
    edited = f"# Environment {environment.name}: what it is made of.\n{body}"
    edited = edit.set_scalar(edited, ["namespace"], environment.namespace)
    components = edit.read(edited)["components"]
    if _GENERATED_SECRETS in components:
        edited = edit.remove(edited, ["components", components.index(_GENERATED_SECRETS)])
    edited = edit.append(edited, ["resources"], "secrets")
    if pinned:
        data = edit.read(edited)
        for field in ("resources", "components"):
            for index, path in enumerate(data[field]):
                if path.startswith(_SHARED_BASE):
                    own = _PINNED_BASE + path.removeprefix(_SHARED_BASE)
                    edited = edit.set_scalar(edited, [field, index], own)
    if environment.node_port is not None:
        edited = edit.insert_block(edited, "replacements", f"patches:\n  - path: {_NODE_PORT_PATCH}\n")
    return edited.encode()


def _node_port(port: int) -> bytes:
    return (
        "# The UI's port on every node of the cluster.\n"
        "apiVersion: v1\n"
        "kind: Service\n"
        "metadata:\n"
        "  name: airflow-web\n"
        "spec:\n"
        "  ports:\n"
        "    - port: 8080\n"
        f"      nodePort: {port}\n"
    ).encode()
