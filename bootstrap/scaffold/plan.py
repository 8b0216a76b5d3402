"""From the scaffold and the model to the files of an environment repo."""

from collections.abc import Mapping

from bootstrap.config import model
from bootstrap.config.model import Environment, Model
from bootstrap.core.tree import Tree
from bootstrap.scaffold import ci, controllers, readme
from bootstrap.yamltools import edit

_SHARED_BASE = "../../base"
_PINNED_BASE = "base"
# It makes the Secrets inside the cluster, for an overlay that is applied without taxiway.
_UNSEALED = f"{_SHARED_BASE}/components/generated-secrets"
_NODE_PORT_PATCH = "patches/service.web.yaml"


def plan(source: Tree, wanted: Model, sealed: Mapping[str, Tree], tool: Tree = Tree()) -> Tree:  # noqa: B008  (frozen)
    """Every file of a new environment repo.

    `source` is the scaffold; `sealed` holds, by environment, its `secrets/` folder; `tool` is what CI installs taxiway
    from. The first environment follows `base/`; every later one runs a pinned copy of its own.
    """
    base = source.under("base")
    trees = [base.at("base")]
    for number, each in enumerate(wanted.environments):
        pinned = number > 0
        trees.append(_overlay(source, each, pinned=pinned).at(each.overlay))
        trees.append(sealed[each.name].at(f"{each.overlay}/secrets"))
        if pinned:
            trees.append(base.at(f"{each.overlay}/{_PINNED_BASE}"))
    trees.extend((controllers.plan(wanted), ci.plan(wanted), tool))
    trees.append(Tree({model.PATH: wanted.render(), "README.md": readme.render(wanted)}))
    return Tree.union(trees)


def _overlay(source: Tree, environment: Environment, *, pinned: bool) -> Tree:
    """An environment's own overlay: the scaffold's one of that name, else the one that suits its place in the order."""
    name = environment.name
    if not source.under(f"overlays/{name}"):
        name = "complete" if pinned else "dev"
    files = dict(source.under(f"overlays/{name}"))
    files["kustomization.yaml"] = _kustomization(files["kustomization.yaml"], environment, pinned=pinned)
    namespace = files["namespace.yaml"].decode()
    # The scaffold's overlays name themselves in the UI.
    files["airflow.env"] = files["airflow.env"].replace(
        f"Airflow: {name}\n".encode(), f"Airflow: {environment.name}\n".encode()
    )
    files["namespace.yaml"] = edit.set_scalar(namespace, ["metadata", "name"], environment.namespace).encode()
    if environment.node_port is not None:
        files[_NODE_PORT_PATCH] = _node_port(environment.node_port)
    return Tree(files)


def _kustomization(text: bytes, environment: Environment, *, pinned: bool) -> bytes:
    # The comment on top says where the scaffold's own overlay takes its secrets from; here they are sealed.
    body = text[text.index(b"apiVersion:") :].decode()
    edited = f"# Environment {environment.name}: what it is made of.\n{body}"
    edited = edit.set_scalar(edited, ["namespace"], environment.namespace)
    components = edit.read(edited)["components"]
    if _UNSEALED in components:
        edited = edit.remove(edited, ["components", components.index(_UNSEALED)])
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
