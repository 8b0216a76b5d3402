"""Pod Security Standards: rules about pods that break the level enforced by their namespace.

Source: k8s.io/pod-security-admission v0.36.3, policy/check_*.go. Admission judges pods alone: a workload that breaks
the level is accepted, and its pods are never made.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.kubernetes import schemas
from bootstrap.kubernetes.objects import dig, entries, items, mapping
from bootstrap.validate import pods
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.objects import in_short
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes.field_checks import strings
from bootstrap.validate.rules.kubernetes.network import PROBES
from bootstrap.validate.rules.kubernetes.pods import volume_sources
from bootstrap.validate.violation import FieldViolation, Violation
from bootstrap.yamltools.positions import FieldPath, Place

_LABEL = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")
_CAPABILITIES = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"}
    | {"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
_VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim"}
    | {"projected", "secret"}
)
_SELINUX = frozenset({None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_SYSCTLS = (
    ((1, 0), "kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.tcp_syncookies net.ipv4.ping_group_range"),
    ((1, 0), "net.ipv4.ip_unprivileged_port_start"),
    ((1, 27), "net.ipv4.ip_local_reserved_ports"),
    ((1, 29), "net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl"),
    ((1, 29), "net.ipv4.tcp_keepalive_probes"),
    ((1, 32), "net.ipv4.tcp_rmem net.ipv4.tcp_wmem"),
)
_HANDLERS = (*((probe,) for probe in PROBES), ("lifecycle", "postStart"), ("lifecycle", "preStop"))

_Broken = tuple[FieldPath, str]


@rule(
    "kubernetes/pod-security",
    ERROR,
    fix="Mend the pod's security context; lower the namespace's level only if the pod can't do without.",
)
def pod_security(env: EnvironmentContext) -> Iterator[Violation]:
    """Every pod, a task's too, keeps the Pod Security level that the namespace enforces.

    The workload is accepted, and its pods are refused: violates PodSecurity. Tasks fail before they start.
    """
    level = _level(env.find("Namespace", env.environment.namespace), env.model.kubernetes)
    if level is None:
        return
    subjects: dict[tuple[Place, str], list[str]] = defaultdict(list)
    for pod in pods.of(env):
        for path, message in _pod(pod.spec, pod.metadata, level):
            subjects[pod.place(*path), f"{message} (Pod Security, level {level.name})"].append(f"{pod}")
    for (place, message), named in subjects.items():
        yield Violation(place, f"{in_short(named)}: {message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Level that a namespace enforces, and the minors whose policies apply (one if the version is pinned)."""

    name: str
    oldest: tuple[int, ...]
    newest: tuple[int, ...]


def _level(namespace: Mapping[str, Any] | None, oldest: str) -> Level | None:
    """Level of a Namespace; None if it enforces none."""
    labels = mapping(dig(namespace, "metadata", "labels"))
    name, version = labels.get(f"{_LABEL}enforce"), labels.get(f"{_LABEL}enforce-version")
    if name not in ("baseline", "restricted"):
        return None
    minors = schemas.minors(oldest)
    if isinstance(version, str) and re.fullmatch(r"v1\.\d+", version):
        minors = (version.removeprefix("v"),)
    return Level(name=name, oldest=schemas.number(minors[0]), newest=schemas.number(minors[-1]))


def bad_labels(namespace: Mapping[str, Any]) -> Iterator[FieldViolation]:
    """Labels of a Namespace that the admission plugin refuses (api.ParseLevel, api.ParseVersion)."""
    for key, value in strings(dig(namespace, "metadata", "labels")):
        path = ("metadata", "labels", key)
        if key.startswith(_LABEL) and key.endswith("-version"):
            if not re.fullmatch(r"latest|v1\.(0|[1-9]\d*)", value):
                hint = "write latest, or such as v1.31"
                yield FieldViolation(path, f"{value} is no version of Pod Security", hint)
        elif key.startswith(_LABEL) and value not in _LEVELS:
            yield FieldViolation(path, f"{value} is no level of Pod Security", f"choose one of {', '.join(_LEVELS)}")


def _pod(spec: Mapping[str, Any], metadata: Mapping[str, Any], level: Level) -> Iterator[_Broken]:
    """Fields of a pod that break a level. Paths start at its spec."""
    # With a user namespace, root in the pod is unprivileged on the node (policy/helpers.go, from 1.35 on).
    relaxed = spec.get("hostUsers") is False and level.oldest >= (1, 35)
    pod, where = mapping(spec.get("securityContext")), ("securityContext",)
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field) is True:
            yield (field,), f"{field} must not be true"
    yield from _setter(pod, where, level)
    yield from _sysctls(pod, where, level)
    yield from _volumes(spec, level)
    for key, value in mapping(metadata.get("annotations")).items():
        if str(key).startswith("container.apparmor.security.beta.kubernetes.io/"):
            profile = str(value)
            if profile and profile != "runtime/default" and not profile.startswith("localhost/"):
                yield (), f"the AppArmor profile {profile} is forbidden"
    for field in ("initContainers", "containers"):
        for path, container in entries(spec, (), field):
            if isinstance(container, dict):
                broken = [*_container(container, path, level, relaxed=relaxed)]
                if level.name == "restricted":
                    broken.extend(_restricted(container, pod, path, spec, relaxed=relaxed))
                yield from ((place, f"container {container.get('name')}: {message}") for place, message in broken)
    if level.name == "restricted" and not relaxed:
        yield from _root(pod, where)


def _sysctls(pod: Mapping[str, Any], path: FieldPath, level: Level) -> Iterator[_Broken]:
    allowed = {name for since, names in _SYSCTLS if since <= level.oldest for name in names.split()}
    for where, sysctl in entries(pod, path, "sysctls"):
        if isinstance(name := dig(sysctl, "name"), str) and name not in allowed:
            yield (*where, "name"), f"the sysctl {name} is forbidden"


def _volumes(spec: Mapping[str, Any], level: Level) -> Iterator[_Broken]:
    for path, volume in entries(spec, (), "volumes"):
        # A volume without a source is an emptyDir; an unknown source is reported by the schema rules.
        sources = volume_sources(volume)
        if "hostPath" in sources or (level.name == "restricted" and sources and not _VOLUMES & set(sources)):
            yield (*path, sources[0]), f"volume {dig(volume, 'name')}: {sources[0]} is forbidden"


def _setter(security: Mapping[str, Any], path: FieldPath, level: Level) -> Iterator[_Broken]:
    """Controls for fields of the securityContext that both pods and containers have."""
    for field in ("seccompProfile", "appArmorProfile"):
        kind = dig(security, field, "type")
        if isinstance(security.get(field), dict) and kind not in ("RuntimeDefault", "Localhost"):
            yield (*path, field, "type"), f"{field}.type must be RuntimeDefault or Localhost, and is {kind}"
    selinux, where = mapping(security.get("seLinuxOptions")), (*path, "seLinuxOptions")
    kind = selinux.get("type")
    newer = kind == "container_engine_t" and level.oldest < (1, 31)
    if isinstance(kind, str) and (kind not in _SELINUX or newer):
        yield (*where, "type"), f"the SELinux type {kind} is forbidden"
    for field in ("user", "role"):
        if selinux.get(field):
            yield (*where, field), f"the SELinux {field} must not be set"
    if dig(security, "windowsOptions", "hostProcess") is True:
        yield (*path, "windowsOptions", "hostProcess"), "hostProcess must not be true"


def _container(container: Mapping[str, Any], path: FieldPath, level: Level, *, relaxed: bool) -> Iterator[_Broken]:
    """Controls of the level baseline for a container."""
    security, where = mapping(container.get("securityContext")), (*path, "securityContext")
    yield from _setter(security, where, level)
    if security.get("privileged") is True:
        yield (*where, "privileged"), "privileged must not be true"
    allowed = _CAPABILITIES if level.name == "baseline" else frozenset({"NET_BIND_SERVICE"})
    for place, name in entries(security, where, "capabilities", "add"):
        if isinstance(name, str) and name not in allowed:
            yield place, f"the capability {name} must not be added"
    mount = security.get("procMount")
    if mount not in (None, "Default") and (level.name == "restricted" or not relaxed):
        yield (*where, "procMount"), f"procMount must not be {mount}"
    for place, port in entries(container, path, "ports"):
        if (taken := dig(port, "hostPort")) and isinstance(taken, int):
            yield (*place, "hostPort"), f"hostPort {taken} must not be used"
    if level.newest >= (1, 34):
        for handler in _HANDLERS:
            for kind in ("httpGet", "tcpSocket"):
                if host := dig(container, *handler, kind, "host"):
                    yield (*path, *handler, kind, "host"), f"{'.'.join(handler)} must not name the host {host}"


def _restricted(
    container: Mapping[str, Any], pod: Mapping[str, Any], path: FieldPath, spec: Mapping[str, Any], *, relaxed: bool
) -> Iterator[_Broken]:
    """Controls that the level restricted adds for a container; some do not apply to Windows."""
    security, where = mapping(container.get("securityContext")), (*path, "securityContext")
    if dig(spec, "os", "name") != "windows":
        if security.get("allowPrivilegeEscalation") is not False:
            yield (*where, "allowPrivilegeEscalation"), "allowPrivilegeEscalation must be false"
        if "ALL" not in items(dig(security, "capabilities", "drop")):
            yield (*where, "capabilities", "drop"), "capabilities.drop must hold ALL"
        profiled = isinstance(security.get("seccompProfile"), dict) or isinstance(pod.get("seccompProfile"), dict)
        if not profiled:
            yield (*where, "seccompProfile"), "seccompProfile.type must be set, here or for the pod"
    if not relaxed:
        yield from _root(security, where)
        if security.get("runAsNonRoot") is None and pod.get("runAsNonRoot") is None:
            yield (*where, "runAsNonRoot"), "runAsNonRoot must be true, here or for the pod"


def _root(security: Mapping[str, Any], path: FieldPath) -> Iterator[_Broken]:
    if security.get("runAsNonRoot") is False:
        yield (*path, "runAsNonRoot"), "runAsNonRoot must not be false"
    if security.get("runAsUser") == 0 and not isinstance(security.get("runAsUser"), bool):
        yield (*path, "runAsUser"), "runAsUser must not be 0"
