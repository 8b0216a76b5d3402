"""Rules about the AppProject: it allows what the environment is made of, and nothing more."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.kubernetes.objects import Object, identify
from bootstrap.lint import sync_objects
from bootstrap.lint.fleet import CLUSTER_SCOPED
from bootstrap.lint.references_mention import near
from bootstrap.lint.sync_objects import Synced
from bootstrap.lint.sync_source import namespace as agreed_namespace
from bootstrap.lint.sync_source import same_repository
from bootstrap.validate.context import Scene, dig, items
from bootstrap.validate.violation import Finding, Rule, Severity

PROJECT = Rule(
    name="sync/missing-project",
    severity=Severity.ERROR,
    title="The AppProject of an Application is there.",
    why="Argo CD refuses the Application: `Application referencing project … which does not exist`.",
    fix="Make spec.project and the AppProject's name the same.",
)
FORBIDDEN = Rule(
    name="sync/project-forbids",
    severity=Severity.ERROR,
    title="The AppProject allows the repository, the namespace and every object of its environment.",
    why="Argo CD refuses the whole sync: `resource … is not permitted in project …`.",
    fix="Allow it in the AppProject; the project's file is applied by hand, so it works once that is done.",
)
RULES = (PROJECT, FORBIDDEN)

_IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
_DEFAULT = "default"  # Argo CD makes this project itself


def check(scene: Scene) -> Iterator[Finding]:
    """All that the project keeps from the cluster."""
    if scene.model.controller is not Controller.ARGOCD:
        return
    projects = {each.name: each for each in sync_objects.of_kind(scene, "AppProject")}
    for root in sync_objects.roots(scene):
        name = root.get("spec", "project")
        project = projects.get(name) if isinstance(name, str) else None
        if project is not None:
            yield from _repository(scene, project)
            yield from _destination(scene, root, project)
            yield from _objects(scene, project)
        elif projects and name != _DEFAULT:  # without any, an administrator keeps them elsewhere
            message = f"{root} belongs to project {name}, which {root.path} does not hold"
            yield scene.finding(PROJECT, root.place("spec", "project"), message, near(str(name), projects))


def _repository(scene: Scene, project: Synced) -> Iterator[Finding]:
    url, patterns = scene.model.remote.url, items(project.get("spec", "sourceRepos"))
    if not any(_matches(url, each) or same_repository(each, scene.model.remote) for each in patterns):
        message = f"{project} does not allow the repository {url}"
        yield scene.finding(FORBIDDEN, project.place("spec", "sourceRepos"), message)


def _destination(scene: Scene, root: Synced, project: Synced) -> Iterator[Finding]:
    """The namespace is the environment's: where the Application says another one, that is told elsewhere."""
    server, name = root.get("spec", "destination", "server"), root.get("spec", "destination", "name")
    own_cluster = server in _IN_CLUSTER or name in _IN_CLUSTER
    namespace = agreed_namespace(scene)
    for each in items(project.get("spec", "destinations")):
        if _matches(namespace, dig(each, "namespace")) and (
            _matches(server, dig(each, "server"))
            or _matches(name, dig(each, "name"))
            or (own_cluster and (dig(each, "server") in _IN_CLUSTER or dig(each, "name") in _IN_CLUSTER))
        ):
            return
    message = f"{project} does not allow namespace {namespace} of {server or name}, where {root} goes"
    yield scene.finding(FORBIDDEN, project.place("spec", "destinations"), message)


def _objects(scene: Scene, project: Synced) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for each in scene.objects:
        group, kind = _group(each), str(each["kind"])
        if (group, kind) in told:
            continue
        scope = "cluster" if kind in CLUSTER_SCOPED or kind == "Namespace" else "namespace"
        allowed, denied = (f"{scope}ResourceWhitelist", f"{scope}ResourceBlacklist")
        listed = project.get("spec", allowed)
        # Left out, the cluster's list allows nothing, the namespace's everything.
        free = scope == "namespace" and not items(listed)
        field = ""
        if _lists(project.get("spec", denied), group, kind):
            field = denied
        elif not free and not _lists(listed, group, kind):
            field = allowed
        if field:
            told.add((group, kind))
            message = f"{project} does not allow {identify(each)}: its {field} says so"
            hint = f"group {group or repr('')}, kind {kind}"
            yield scene.finding(FORBIDDEN, project.place("spec", field), message, hint)


def _lists(entries: Any, group: str, kind: str) -> bool:
    return any(_matches(group, dig(each, "group")) and _matches(kind, dig(each, "kind")) for each in items(entries))


def _matches(value: Any, pattern: Any) -> bool:
    """Argo CD's patterns: `*` and `?`, over the whole text."""
    return isinstance(value, str) and isinstance(pattern, str) and fnmatchcase(value, pattern)


def _group(each: Object) -> str:
    group, slash, _ = str(each.get("apiVersion", "")).partition("/")
    return group if slash else ""
