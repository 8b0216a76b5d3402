"""Rule that all files of an environment agree on its namespace."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from bootstrap.config.model import Controller
from bootstrap.kubernetes.objects import dig
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.sync import objects
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place, documents


@rule(
    "sync/wrong-namespace",
    ERROR,
    fix="Use one name in all of them. A namespace can't be renamed: another one starts with an empty database.",
    after=("sync/missing-overlay",),
)
def wrong_namespace(env: EnvironmentContext) -> Iterator[Violation]:
    """taxiway.yaml, the overlay, its Namespace and the controller agree on the environment's namespace.

    Objects land in another namespace than the project allows, or than the secrets were sealed for.
    """
    # Several files name the namespace; the minority is reported.
    right = namespace(env)
    for who, name, place in _namespaces(env):
        if name != right:
            yield Violation(place, f"{who} says namespace {name}, the others say {right}")


def namespace(env: EnvironmentContext) -> str:
    """Namespace that most of an environment's files name; in a tie, that of taxiway.yaml."""
    votes = Counter(name for _, name, _ in _namespaces(env))
    return max(votes, key=lambda name: (votes[name], name == env.environment.namespace))


def _namespaces(env: EnvironmentContext) -> Iterator[tuple[str, str, Place]]:
    yield "taxiway.yaml", env.environment.namespace, objects.entry(env, "namespace")
    overlay = next(
        (
            kustomization
            for kustomization in env.graph.kustomizations
            if kustomization.folder == env.environment.overlay
        ),
        None,
    )
    if overlay is not None and isinstance(name := overlay.data.get("namespace"), str):
        yield overlay.path, name, Place(overlay.path, overlay.line("namespace"))
    for path in env.graph.files:
        # Kustomize renames it silently, but people read the file.
        if path.startswith(f"{env.environment.overlay}/") and path.endswith(".yaml"):
            for document in documents(env.tree.files.get(path, b"")):
                name = dig(document.value, "metadata", "name")
                if dig(document.value, "kind") == "Namespace" and isinstance(name, str):
                    yield path, name, Place(path, document.line(("metadata", "name")))
    field = {Controller.ARGOCD: ("spec", "destination", "namespace"), Controller.FLUX: ("spec", "targetNamespace")}
    for root in objects.roots(env):
        place = partial(root.place, *field[env.model.controller])
        if isinstance(name := root.get(*field[env.model.controller]), str):
            yield str(root), name, place()
