"""Rules about what Airflow's components may do with the Kubernetes API."""

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.kubernetes.objects import Object, name_of
from bootstrap.lint import airflow_components as parts
from bootstrap.lint.airflow_components import API_SERVER, SCHEDULER, TRIGGERER, WORKER, Airflow, Component
from bootstrap.validate.context import EnvironmentContext, dig, items
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

EXECUTOR = Rule(
    name="airflow/executor-rights",
    severity=Severity.ERROR,
    title="The scheduler's ServiceAccount may do with pods what the KubernetesExecutor does.",
    why="Without create, list, watch and delete no task runs (403); without patch the workers of a scheduler that died "
    "cannot be adopted, and stay for ever.",
    fix="Grant pods: create, delete, list, patch, watch.",
)
OPERATOR = Rule(
    name="airflow/operator-rights",
    severity=Severity.WARNING,
    title="Workers and the triggerer may do what the KubernetesPodOperator does.",
    why="Its tasks fail with 403 where they make, find, watch or delete their pod, read its log or fetch its XCom.",
    fix="Grant what is missing, or switch this rule off where no DAG starts pods.",
)
LOGS = Rule(
    name="airflow/log-rights",
    severity=Severity.WARNING,
    title="The api-server may find a worker's pod and read its log.",
    why="The log of a task that is still running comes from its pod: in its place the UI shows a 403.",
    fix="Grant pods: list, and pods/log: get.",
)
TOKEN = Rule(
    name="airflow/no-api-token",
    severity=Severity.ERROR,
    title="A component that uses the Kubernetes API has its ServiceAccount's token.",
    why="Without the token its client finds no configuration for the cluster, and the scheduler does not start.",
    fix="Set automountServiceAccountToken: true in its pod.",
)
WILDCARD = Rule(
    name="airflow/wildcard-rights",
    severity=Severity.WARNING,
    title="No Role of a component of Airflow grants `*`.",
    why="A DAG is code that others write: what a worker may do, every DAG may do, reading every Secret included.",
    fix="Name the groups, resources and verbs; the scaffold's Roles list all that Airflow needs.",
)
RULES = (EXECUTOR, OPERATOR, LOGS, TOKEN, WILDCARD)

Right = tuple[str, str]
# Measured by taking away verb by verb on a cluster (resource, verb), all in the core group.
_NEEDS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    SCHEDULER: (("pods", ("create", "delete", "list", "patch", "watch")),),
    API_SERVER: (("pods", ("list",)), ("pods/log", ("get",))),
    WORKER: (
        ("pods", ("create", "delete", "get", "list", "patch")),
        ("pods/log", ("get",)),
        ("pods/exec", ("create", "get")),
        ("events", ("list",)),
    ),
    TRIGGERER: (("pods", ("get",)), ("events", ("watch",))),
}
_RULES = {SCHEDULER: EXECUTOR, API_SERVER: LOGS, WORKER: OPERATOR, TRIGGERER: OPERATOR}
_FIELDS = ("apiGroups", "resources", "verbs")


def check(scene: EnvironmentContext) -> Iterator[Finding]:
    """What a component lacks or has too much of, as far as the repository makes its ServiceAccount."""
    airflow = parts.of(scene)
    examined: set[tuple[str, str]] = set()
    for component in airflow.all(*_NEEDS):
        account = component.pod.spec.get("serviceAccountName", component.pod.spec.get("serviceAccount"))
        made = scene.find("ServiceAccount", account) if isinstance(account, str) else None
        if made is None or (component.kind, str(account)) in examined:
            continue  # others make that account, and may grant it anything
        examined.add((component.kind, str(account)))
        roles, whole = _roles(scene, made)
        yield from _wildcards(scene, component, roles)
        if whole and _is_needed(airflow, component):
            if (place := _no_token(scene, component, made)) is not None:
                yield scene.finding(TOKEN, place, f"{component} uses the Kubernetes API, and gets no token for it")
            yield from _missing(scene, component, made, roles)


def _is_needed(airflow: Airflow, component: Component) -> bool:
    if component.kind in (SCHEDULER, API_SERVER):
        return airflow.runs_pods
    # A worker or triggerer without a token is not meant to start pods.
    return component.pod.spec.get("automountServiceAccountToken") is not False


def _no_token(scene: EnvironmentContext, component: Component, account: Object) -> Place | None:
    own = component.pod.spec.get("automountServiceAccountToken")
    if component.kind != SCHEDULER or _projects_token(component):
        return None
    if own is False:
        return component.pod.place("automountServiceAccountToken")
    if own is None and account.get("automountServiceAccountToken") is False:
        return scene.trace.field(account, ("automountServiceAccountToken",))
    return None


def _projects_token(component: Component) -> bool:
    sources = (items(dig(each, "projected", "sources")) for each in items(component.pod.spec.get("volumes")))
    return any(dig(source, "serviceAccountToken") is not None for each in sources for source in each)


def _roles(scene: EnvironmentContext, account: Object) -> tuple[list[Object], bool]:
    """The Roles bound to an account, and whether that is all: not where a binding leads nowhere."""
    found: list[Object] = []
    whole = True
    for binding in scene.of_kind("RoleBinding", "ClusterRoleBinding"):
        subjects = items(binding.get("subjects"))
        whole = whole and not any(_is_lost(scene, each) for each in subjects)
        if any(_is_subject(binding, each, account) for each in subjects):
            kind, name = dig(binding, "roleRef", "kind"), dig(binding, "roleRef", "name")
            role = scene.find(kind, name) if isinstance(kind, str) and isinstance(name, str) else None
            if role is None:
                whole = False
            else:
                found.append(role)
    return found, whole


def _is_lost(scene: EnvironmentContext, subject: Any) -> bool:
    """Whether a binding means an account that the repository does not make: perhaps it was to be another one."""
    name = dig(subject, "name")
    made = isinstance(name, str) and scene.find("ServiceAccount", name)
    return dig(subject, "kind") == "ServiceAccount" and not made


def _is_subject(binding: Object, subject: Any, account: Object) -> bool:
    kind, name = dig(subject, "kind"), dig(subject, "name")
    if kind == "Group":
        return isinstance(name, str) and name.startswith("system:serviceaccounts")
    namespace = dig(subject, "namespace") or dig(binding, "metadata", "namespace")
    return (
        kind == "ServiceAccount"
        and name == name_of(account)
        and namespace in (None, account["metadata"].get("namespace"))
    )


def _missing(
    scene: EnvironmentContext, component: Component, account: Object, roles: list[Object]
) -> Iterator[Finding]:
    granted = {right for role in roles for rule in items(role.get("rules")) for right in _rights(rule)}
    for resource, verbs in _NEEDS[component.kind]:
        missing = [verb for verb in verbs if not _has(granted, resource, verb)]
        if missing:
            message = f"{account['metadata']['name']} of {component} may not {', '.join(missing)} {resource}"
            place = _home(scene, account, roles, resource)
            yield scene.finding(_RULES[component.kind], place, message, f"grant {resource}: {', '.join(missing)}")


def _rights(rule: Any) -> Iterator[Right]:
    """What a rule grants in the core group; rights to single objects do not count."""
    core = any(each in ("", "*") for each in items(dig(rule, "apiGroups")))
    for resource in items(dig(rule, "resources")) if core and not items(dig(rule, "resourceNames")) else ():
        for verb in items(dig(rule, "verbs")):
            yield str(resource), str(verb)


def _has(granted: set[Right], resource: str, verb: str) -> bool:
    _, slash, part = resource.partition("/")
    names = {resource, "*"} | ({f"*/{part}"} if slash else set())
    return any((name, one) in granted for name in names for one in (verb, "*"))


def _home(scene: EnvironmentContext, account: Object, roles: list[Object], resource: str) -> Place:
    """Where the right would be added: the rule about the resource, else a Role, else the account."""
    for role in roles:
        for number, rule in enumerate(items(role.get("rules"))):
            for index, each in enumerate(items(dig(rule, "resources"))):
                if each == resource:
                    return scene.trace.field(role, ("rules", number, "resources", index))
    return scene.trace.field(roles[0], ("rules",)) if roles else scene.trace.object(account)


def _wildcards(scene: EnvironmentContext, component: Component, roles: list[Object]) -> Iterator[Finding]:
    for role in roles:
        for number, rule in enumerate(items(role.get("rules"))):
            fields = [field for field in _FIELDS if "*" in items(dig(rule, field))]
            if fields:
                message = f"{role['kind']}/{role['metadata']['name']} of {component} grants * as {', '.join(fields)}"
                yield scene.finding(WILDCARD, scene.trace.field(role, ("rules", number, fields[0])), message)
