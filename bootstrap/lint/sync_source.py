"""Rules about what the controller is told to sync: repository, branch, path and namespace."""

import posixpath
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from bootstrap.errors import BadOption
from bootstrap.finding import Finding, Place, Rule, Severity
from bootstrap.layout_of_repo import KUSTOMIZATIONS
from bootstrap.lint import sync_objects
from bootstrap.lint.located import documents
from bootstrap.lint.references_mention import near
from bootstrap.lint.scene import Scene, dig
from bootstrap.lint.sync_objects import Synced
from bootstrap.model import Controller
from bootstrap.remote import Remote

NO_OVERLAY = Rule(
    name="sync/missing-overlay",
    severity=Severity.ERROR,
    title="Every environment of taxiway.yaml has an overlay.",
    why="There is nothing to build, and every command that looks at all environments stops there.",
    fix="Add the overlay with its kustomization.yaml, or take the environment out of taxiway.yaml.",
)
NO_FILE = Rule(
    name="sync/missing-file",
    severity=Severity.ERROR,
    title="Every environment has its file in clusters/, which makes the controller sync it.",
    why="Nothing syncs the environment: what is merged stays in Git, and no error says so.",
    fix="Add the file clusters/<cluster>/<environment>.yaml, as another environment has it.",
)
PATH = Rule(
    name="sync/wrong-path",
    severity=Severity.ERROR,
    title="The controller builds the environment's own overlay.",
    why="It would stop at a path that is not there, or bring up another environment in this one's place.",
    fix="Set the path to overlays/<environment>.",
)
REPOSITORY = Rule(
    name="sync/wrong-repository",
    severity=Severity.ERROR,
    title="The controller reads the repository that taxiway.yaml names.",
    why="What is merged here never reaches the cluster.",
    fix="Make the URL in clusters/ and `repository` in taxiway.yaml the same.",
)
BRANCH = Rule(
    name="sync/wrong-branch",
    severity=Severity.ERROR,
    title="The controller follows the branch that taxiway.yaml names.",
    why="What is merged into that branch never reaches the cluster.",
    fix="Make the branch in clusters/ and `branch` in taxiway.yaml the same.",
)
NAMESPACE = Rule(
    name="sync/wrong-namespace",
    severity=Severity.ERROR,
    title="taxiway.yaml, the overlay, its Namespace and the controller agree on the environment's namespace.",
    why="Objects land in another namespace than the project allows, or than the secrets were sealed for.",
    fix="Use one name in all of them. A namespace can't be renamed: another one starts with an empty database.",
)
SOURCE = Rule(
    name="sync/missing-source",
    severity=Severity.ERROR,
    title="The source of a Flux Kustomization is there.",
    why="The Kustomization stays at `Source artifact not found, retrying`.",
    fix="Make sourceRef and the GitRepository's name the same.",
)
HALF = Rule(
    name="sync/switched-off",
    severity=Severity.WARNING,
    title="The controller syncs by itself, removes what is gone, and mends what was changed by hand.",
    why="The cluster is then no longer as Git says, and a revert does not take everything back.",
    fix="Switch it on again, or switch this rule off and say why.",
)
RULES = (NO_OVERLAY, NO_FILE, PATH, REPOSITORY, BRANCH, NAMESPACE, SOURCE, HALF)

# Made by `flux bootstrap`, in files that are its own.
_FLUX_SYSTEM = "flux-system"


def check(scene: Scene) -> Iterator[Finding]:
    """All that the controller is told wrongly."""
    overlay = scene.environment.overlay
    if not any(f"{overlay}/{name}" in scene.tree.files for name in KUSTOMIZATIONS):
        message = f"environment {scene.environment.name} has no {overlay}/kustomization.yaml"
        yield scene.finding(NO_OVERLAY, sync_objects.entry(scene), message)
        return
    yield from _namespaces(scene)
    file, roots = scene.environment.sync_file, sync_objects.roots(scene)
    if file not in scene.tree.files:
        message = f"{file} is not there, so nothing syncs environment {scene.environment.name}"
        yield scene.finding(NO_FILE, sync_objects.entry(scene, "cluster"), message)
    elif not roots:
        kind = sync_objects.ROOT[scene.model.controller]
        yield scene.finding(NO_FILE, Place(file), f"{file} holds no {kind}, so nothing syncs {scene.environment.name}")
    for root in roots:
        yield from (_application if scene.model.controller is Controller.ARGOCD else _kustomization)(scene, root)


def _application(scene: Scene, root: Synced) -> Iterator[Finding]:
    sources = list(sync_objects.sources(root))
    # Of several sources, such as a chart's values, only one has to be the overlay.
    ours = [each for each in sources if _path(root.get(*each, "path")) == scene.environment.overlay] or sources
    for source in ours[:1]:
        yield from _source_path(scene, root, *source, "path")
        yield from _repository(scene, root, *source, "repoURL")
        revision = root.get(*source, "targetRevision")
        if revision not in (None, "", "HEAD"):  # the default branch, which only the forge knows
            yield from _branch(scene, root, revision, *source, "targetRevision")
    policy = ("spec", "syncPolicy", "automated")
    automated = root.get(*policy)
    if not isinstance(automated, dict) or automated.get("enabled") is False:
        yield _half(scene, root, "does not sync by itself", *policy, "enabled")
        return
    for field, effect in (("prune", "leaves what is gone from Git"), ("selfHeal", "leaves what was changed by hand")):
        if automated.get(field) is not True:
            yield _half(scene, root, effect, *policy, field)


def _kustomization(scene: Scene, root: Synced) -> Iterator[Finding]:
    yield from _source_path(scene, root, "spec", "path")
    repositories = {each.name: each for each in sync_objects.of_kind(scene, "GitRepository")}
    name = root.get("spec", "sourceRef", "name")
    source = repositories.get(name) if isinstance(name, str) else None
    if root.get("spec", "sourceRef", "kind") == "GitRepository" and source is None and name != _FLUX_SYSTEM:
        message = f"{root} takes its files from GitRepository/{name}, which {root.path} does not hold"
        yield scene.finding(SOURCE, root.place("spec", "sourceRef", "name"), message, near(str(name), repositories))
    if source is not None:
        yield from _repository(scene, source, "spec", "url")
        reference = source.get("spec", "ref")
        for field in ("commit", "name", "semver", "tag", "branch"):  # the order in which they win over each other
            if dig(reference, field):
                yield from _branch(scene, source, dig(reference, field), "spec", "ref", field)
                break
        else:
            yield from _branch(scene, source, "master", "spec", "ref")  # Flux's default
        if source.get("spec", "suspend") is True:
            yield _half(scene, source, "is suspended", "spec", "suspend")
    if root.get("spec", "suspend") is True:
        yield _half(scene, root, "is suspended", "spec", "suspend")
    for field, effect in (("prune", "leaves what is gone from Git"), ("wait", "is Ready before Airflow is")):
        if root.get("spec", field) is not True and not (field == "wait" and root.get("spec", "healthChecks")):
            yield _half(scene, root, effect, "spec", field)


def _half(scene: Scene, each: Synced, effect: str, *path: str) -> Finding:
    return scene.finding(HALF, each.place(*path), f"{each} {effect}: {'.'.join(path)}")


def _source_path(scene: Scene, root: Synced, *path: str | int) -> Iterator[Finding]:
    said = _path(root.get(*path))
    if said != scene.environment.overlay:
        whose = next((each.name for each in scene.model.environments if each.overlay == said), None)
        what = f"environment {whose}'s overlay" if whose else "not the overlay of this environment"
        hint = f"its own is {scene.environment.overlay}"
        yield scene.finding(PATH, root.place(*path), f"{root} builds {said or 'no path'}, {what}", hint)


def _path(value: Any) -> str:
    return posixpath.normpath(value).lstrip("/") if isinstance(value, str) and value else ""


def _repository(scene: Scene, each: Synced, *path: str | int) -> Iterator[Finding]:
    said = each.get(*path)
    if not same_repository(said, scene.model.remote):
        message = f"{each} reads {said or 'no repository'}, but taxiway.yaml says {scene.model.remote.url}"
        yield scene.finding(REPOSITORY, each.place(*path), message)


def same_repository(said: Any, remote: Remote) -> bool:
    """Whether a URL leads to this repository; over HTTPS or SSH, with or without `.git`, it is the same one."""
    try:
        other = Remote.parse(str(said))
    except BadOption:
        return False
    return (other.host, other.path.removesuffix(".git")) == (remote.host, remote.path.removesuffix(".git"))


def _branch(scene: Scene, each: Synced, said: Any, *path: str | int) -> Iterator[Finding]:
    if str(said).removeprefix("refs/heads/") != scene.model.branch:
        message = f"{each} follows {said}, but taxiway.yaml says {scene.model.branch}"
        yield scene.finding(BRANCH, each.place(*path), message)


def _namespaces(scene: Scene) -> Iterator[Finding]:
    """Four files name the namespace; those are told that the others outvote."""
    right = namespace(scene)
    for who, name, place in _said(scene):
        if name != right:
            yield scene.finding(NAMESPACE, place, f"{who} says namespace {name}, the others say {right}")


def namespace(scene: Scene) -> str:
    """The namespace that most of an environment's files name; in a tie, what taxiway.yaml says."""
    votes = Counter(name for _, name, _ in _said(scene))
    return max(votes, key=lambda name: (votes[name], name == scene.environment.namespace))


def _said(scene: Scene) -> Iterator[tuple[str, str, Place]]:
    yield "taxiway.yaml", scene.environment.namespace, sync_objects.entry(scene, "namespace")
    overlay = next((each for each in scene.graph.kustomizations if each.folder == scene.environment.overlay), None)
    if overlay is not None and isinstance(name := overlay.data.get("namespace"), str):
        yield overlay.path, name, Place(overlay.path, overlay.line("namespace"))
    for path in scene.graph.files:
        # Kustomize renames it without a word, but people read it.
        if path.startswith(f"{scene.environment.overlay}/") and path.endswith(".yaml"):
            for each in documents(scene.tree.files.get(path, b"")):
                name = dig(each.value, "metadata", "name")
                if dig(each.value, "kind") == "Namespace" and isinstance(name, str):
                    yield path, name, Place(path, each.line(("metadata", "name")))
    field = {Controller.ARGOCD: ("spec", "destination", "namespace"), Controller.FLUX: ("spec", "targetNamespace")}
    for root in sync_objects.roots(scene):
        place = partial(root.place, *field[scene.model.controller])
        if isinstance(name := root.get(*field[scene.model.controller]), str):
            yield str(root), name, place()
