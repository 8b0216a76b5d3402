"""Rules about the RBAC permissions of Airflow's components."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.kubernetes.objects import Object, dig, items, name_of
from bootstrap.validate.airflow_components import Component, Process, find_airflow
from bootstrap.validate.context import EnvironmentContext, shared
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Place, Violation

Right = tuple[str, str]
# (resource, verb) of the core group, measured by removing verb after verb on a cluster.
_NEEDS: Mapping[Process, tuple[tuple[str, tuple[str, ...]], ...]] = {
    Process.SCHEDULER: (("pods", ("create", "delete", "list", "patch", "watch")),),
    Process.API_SERVER: (("pods", ("list",)), ("pods/log", ("get",))),
    Process.WORKER: (
        ("pods", ("create", "delete", "get", "list", "patch")),
        ("pods/log", ("get",)),
        ("pods/exec", ("create", "get")),
        ("events", ("list",)),
    ),
    Process.TRIGGERER: (("pods", ("get",)), ("events", ("watch",))),
}
_FIELDS = ("apiGroups", "resources", "verbs")
_TOKEN = "automountServiceAccountToken"  # noqa: S105  (a field's name)


@rule("airflow/executor-rights", ERROR, fix="Grant pods: create, delete, list, patch, watch.")
def executor_rights(env: EnvironmentContext) -> Iterator[Violation]:
    """The scheduler's ServiceAccount may do with pods what the KubernetesExecutor does.

    Without create, list, watch and delete no task runs (403); without patch the workers of a scheduler that died
    cannot be adopted, and stay for ever.
    """
    yield from _missing_rights(env, Process.SCHEDULER)


@rule(
    "airflow/operator-rights", WARNING, fix="Grant what is missing, or switch this rule off where no DAG starts pods."
)
def operator_rights(env: EnvironmentContext) -> Iterator[Violation]:
    """Workers and the triggerer may do what the KubernetesPodOperator does.

    Its tasks fail with 403 where they make, find, watch or delete their pod, read its log or fetch its XCom.
    """
    yield from _missing_rights(env, Process.WORKER, Process.TRIGGERER)


@rule("airflow/log-rights", WARNING, fix="Grant pods: list, and pods/log: get.")
def log_rights(env: EnvironmentContext) -> Iterator[Violation]:
    """The api-server may find a worker's pod and read its log.

    The log of a task that is still running comes from its pod: in its place the UI shows a 403.
    """
    yield from _missing_rights(env, Process.API_SERVER)


@rule("airflow/no-api-token", ERROR, fix="Set automountServiceAccountToken: true in its pod.")
def no_api_token(env: EnvironmentContext) -> Iterator[Violation]:
    """A component that uses the Kubernetes API has its ServiceAccount's token.

    Without the token its client finds no configuration for the cluster, and the scheduler does not start.
    """
    for user in _api_users(env):
        if user.is_judged and (place := _token_refused(env, user)) is not None:
            yield Violation(place, f"{user.component} uses the Kubernetes API, and gets no token for it")


@rule(
    "airflow/wildcard-rights",
    WARNING,
    fix="Name the groups, resources and verbs; the scaffold's Roles list all that Airflow needs.",
)
def wildcard_rights(env: EnvironmentContext) -> Iterator[Violation]:
    """No Role of a component of Airflow grants `*`.

    A DAG is code that others write: what a worker may do, every DAG may do, reading every Secret included.
    """
    for user in _api_users(env):
        for role in user.roles:
            for number, grant in enumerate(items(role.get("rules"))):
                if fields := [field for field in _FIELDS if "*" in items(grant, field)]:
                    what = f"{role['kind']}/{name_of(role)} of {user.component}"
                    place = env.trace.field(role, ("rules", number, fields[0]))
                    yield Violation(place, f"{what} grants * as {', '.join(fields)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _ApiUser:
    """A component with its ServiceAccount and the Roles bound to it, all from the environment.

    `is_judged`: it needs permissions, and all of its Roles are in the repository.
    """

    component: Component
    account: Object
    roles: list[Object]
    is_judged: bool


@shared
def _api_users(env: EnvironmentContext) -> Iterator[_ApiUser]:
    """Components that may use the Kubernetes API, one per kind and ServiceAccount."""
    airflow = find_airflow(env)
    seen: set[tuple[str, str]] = set()
    for component in airflow.of_kind(*_NEEDS):
        name = component.pod.spec.get("serviceAccountName", component.pod.spec.get("serviceAccount"))
        account = env.find("ServiceAccount", name) if isinstance(name, str) else None
        if account is None or (component.kind, name) in seen:
            continue  # an account from outside, which may have any permission
        seen.add((component.kind, name))
        roles, are_all = _roles(env, account)
        # A worker or triggerer without a token is not meant to start pods.
        has_token = component.pod.spec.get(_TOKEN) is not False
        is_user = has_token if component.kind in (Process.WORKER, Process.TRIGGERER) else airflow.runs_pods
        yield _ApiUser(component=component, account=account, roles=roles, is_judged=is_user and are_all)


def _token_refused(env: EnvironmentContext, user: _ApiUser) -> Place | None:
    """Line that denies a scheduler its only API token; None if it has one."""
    pod = user.component.pod
    own = pod.spec.get(_TOKEN)
    volumes = items(pod.spec.get("volumes"))
    sources = (source for volume in volumes for source in items(volume, "projected", "sources"))
    is_mounted = any(dig(source, "serviceAccountToken") is not None for source in sources)
    if is_mounted or user.component.kind is not Process.SCHEDULER:
        return None
    if own is False:
        return pod.place(_TOKEN)
    return env.trace.field(user.account, (_TOKEN,)) if own is None and user.account.get(_TOKEN) is False else None


def _roles(env: EnvironmentContext, account: Object) -> tuple[list[Object], bool]:
    """Roles bound to an account, and whether these are all: not if a binding names a Role from outside."""
    roles: list[Object] = []
    are_all = True
    for binding in env.of_kind("RoleBinding", "ClusterRoleBinding"):
        subjects = items(binding.get("subjects"))
        are_all = are_all and not any(_is_outside(env, subject) for subject in subjects)
        if any(_is_subject(binding, subject, account) for subject in subjects):
            kind, name = dig(binding, "roleRef", "kind"), dig(binding, "roleRef", "name")
            role = env.find(kind, name) if isinstance(kind, str) and isinstance(name, str) else None
            are_all = are_all and role is not None
            roles.extend([role] if role else [])
    return roles, are_all


def _is_outside(env: EnvironmentContext, subject: Any) -> bool:
    """Whether a binding names a ServiceAccount outside of the repository, perhaps by mistake."""
    name = dig(subject, "name")
    made = isinstance(name, str) and env.find("ServiceAccount", name)
    return dig(subject, "kind") == "ServiceAccount" and not made


def _is_subject(binding: Object, subject: Any, account: Object) -> bool:
    kind, name = dig(subject, "kind"), dig(subject, "name")
    if kind == "Group":
        return isinstance(name, str) and name.startswith("system:serviceaccounts")
    namespace = dig(subject, "namespace") or dig(binding, "metadata", "namespace")
    is_here = namespace in (None, account["metadata"].get("namespace"))
    return kind == "ServiceAccount" and name == name_of(account) and is_here


def _missing_rights(env: EnvironmentContext, *kinds: Process) -> Iterator[Violation]:
    """Permissions that components of these kinds need and do not have."""
    for user in _api_users(env):
        if not user.is_judged or user.component.kind not in kinds:
            continue
        granted = {right for role in user.roles for grant in items(role.get("rules")) for right in _rights(grant)}
        for resource, verbs in _NEEDS[user.component.kind]:
            if missing := ", ".join(verb for verb in verbs if not _has(granted, resource, verb)):
                message = f"{name_of(user.account)} of {user.component} may not {missing} {resource}"
                yield Violation(_grant_place(env, user, resource), message, f"grant {resource}: {missing}")


def _rights(grant: Any) -> Iterator[Right]:
    """(resource, verb) pairs that a policy rule grants in the core group; rules with `resourceNames` do not count."""
    core = any(group in ("", "*") for group in items(grant, "apiGroups"))
    for resource in items(grant, "resources") if core and not items(grant, "resourceNames") else ():
        for verb in items(grant, "verbs"):
            yield str(resource), str(verb)


def _has(granted: set[Right], resource: str, verb: str) -> bool:
    _, slash, part = resource.partition("/")
    names = {resource, "*"} | ({f"*/{part}"} if slash else set())
    return any((name, one) in granted for name in names for one in (verb, "*"))


def _grant_place(env: EnvironmentContext, user: _ApiUser, resource: str) -> Place:
    """Line to add a permission at: the policy rule of the resource, else a Role, else the ServiceAccount."""
    for role in user.roles:
        for number, grant in enumerate(items(role.get("rules"))):
            for index, name in enumerate(items(grant, "resources")):
                if name == resource:
                    return env.trace.field(role, ("rules", number, "resources", index))
    return env.trace.field(user.roles[0], ("rules",)) if user.roles else env.trace.object(user.account)
