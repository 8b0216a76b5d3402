"""Rules about the AppProject: it exists, and allows the environment's repository, destination and kinds."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.kubernetes.objects import Object, dig, identify, items
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.references import suggest
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.fleet.claims import CLUSTER_SCOPED
from bootstrap.validate.rules.sync import objects
from bootstrap.validate.rules.sync.namespace import namespace as agreed_namespace
from bootstrap.validate.rules.sync.objects import Synced
from bootstrap.validate.rules.sync.source import same_repository
from bootstrap.validate.violation import Violation

_IN_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")
_DEFAULT = "default"  # Argo CD makes this project itself


@rule("sync/missing-project", ERROR, fix="Make spec.project and the AppProject's name the same.")
def missing_project(env: EnvironmentContext) -> Iterator[Violation]:
    """The AppProject of an Application is there.

    Argo CD refuses the Application: `Application referencing project … which does not exist`.
    """
    projects = _projects(env)
    for root, project in _roots(env):
        name = root.get("spec", "project")
        if project is None and projects and name != _DEFAULT:  # without any, an administrator manages them elsewhere
            message = f"{root} belongs to project {name}, which {root.path} does not hold"
            yield Violation(root.place("spec", "project"), message, suggest(str(name), projects))


@rule(
    "sync/project-forbids",
    ERROR,
    fix="Allow it in the AppProject; the project's file is applied by hand, so it works once that is done.",
)
def project_forbids(env: EnvironmentContext) -> Iterator[Violation]:
    """The AppProject allows the repository, the namespace and every object of its environment.

    Argo CD refuses the whole sync: `resource … is not permitted in project …`.
    """
    for root, project in _roots(env):
        if project is not None:
            yield from _repository(env, project)
            yield from _destination(env, root, project)
            yield from _objects(env, project)


def _projects(env: EnvironmentContext) -> dict[str, Synced]:
    return {project.name: project for project in objects.of_kind(env, "AppProject")}


def _roots(env: EnvironmentContext) -> Iterator[tuple[Synced, Synced | None]]:
    """Applications with their AppProject, if it is in the sync file."""
    projects = _projects(env)
    for root in objects.roots(env) if env.model.controller is Controller.ARGOCD else ():
        name = root.get("spec", "project")
        yield root, projects.get(name) if isinstance(name, str) else None


def _repository(env: EnvironmentContext, project: Synced) -> Iterator[Violation]:
    url, patterns = env.model.remote.url, items(project.get("spec", "sourceRepos"))
    if not any(_matches(url, pattern) or same_repository(pattern, env.model.remote) for pattern in patterns):
        message = f"{project} does not allow the repository {url}"
        yield Violation(project.place("spec", "sourceRepos"), message)


def _destination(env: EnvironmentContext, root: Synced, project: Synced) -> Iterator[Violation]:
    """Uses the environment's namespace: another one in the Application is reported by sync/wrong-namespace."""
    server, name = root.get("spec", "destination", "server"), root.get("spec", "destination", "name")
    own_cluster = server in _IN_CLUSTER or name in _IN_CLUSTER
    namespace = agreed_namespace(env)
    for destination in items(project.get("spec", "destinations")):
        if _matches(namespace, dig(destination, "namespace")) and (
            _matches(server, dig(destination, "server"))
            or _matches(name, dig(destination, "name"))
            or (own_cluster and (dig(destination, "server") in _IN_CLUSTER or dig(destination, "name") in _IN_CLUSTER))
        ):
            return
    message = f"{project} does not allow namespace {namespace} of {server or name}, where {root} goes"
    yield Violation(project.place("spec", "destinations"), message)


def _objects(env: EnvironmentContext, project: Synced) -> Iterator[Violation]:
    reported: set[tuple[str, str]] = set()
    for obj in env.objects:
        group, kind = _group(obj), str(obj["kind"])
        if (group, kind) in reported:
            continue
        scope = "cluster" if kind in CLUSTER_SCOPED or kind == "Namespace" else "namespace"
        allowed, denied = (f"{scope}ResourceWhitelist", f"{scope}ResourceBlacklist")
        listed = project.get("spec", allowed)
        # If left out, the list for cluster-scoped kinds allows nothing, the one for namespaced kinds everything.
        free = scope == "namespace" and not items(listed)
        field = ""
        if _lists(project.get("spec", denied), group, kind):
            field = denied
        elif not free and not _lists(listed, group, kind):
            field = allowed
        if field:
            reported.add((group, kind))
            message = f"{project} does not allow {identify(obj)}: its {field} says so"
            hint = f"group {group or repr('')}, kind {kind}"
            yield Violation(project.place("spec", field), message, hint)


def _lists(entries: Any, group: str, kind: str) -> bool:
    return any(_matches(group, dig(entry, "group")) and _matches(kind, dig(entry, "kind")) for entry in items(entries))


def _matches(value: Any, pattern: Any) -> bool:
    """Match a pattern of Argo CD: `*` and `?`, over the whole text."""
    return isinstance(value, str) and isinstance(pattern, str) and fnmatchcase(value, pattern)


def _group(obj: Object) -> str:
    group, slash, _ = str(obj.get("apiVersion", "")).partition("/")
    return group if slash else ""
