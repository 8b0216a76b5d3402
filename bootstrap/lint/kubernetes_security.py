"""Pod Security: every pod against the level that its namespace enforces.

Source: k8s.io/pod-security-admission v0.36.3, policy/check_*.go. Admission judges pods alone: a workload that breaks
the level is accepted, and its pods are never made.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap import schemas
from bootstrap.lint.kubernetes_flaw import REFUSED_VALUE, Flaw, Path, given
from bootstrap.validate.context import dig, items, mapping
from bootstrap.validate.violation import Rule, Severity

POD_SECURITY = Rule(
    name="kubernetes/pod-security",
    severity=Severity.ERROR,
    title="Every pod, a task's too, keeps the Pod Security level that the namespace enforces.",
    why="The workload is accepted, and its pods are refused: violates PodSecurity. Tasks fail before they start.",
    fix="Mend the pod's security context; lower the namespace's level only if the pod can't do without.",
)
RULES = (POD_SECURITY,)

_LABEL = "pod-security.kubernetes.io/"
_LEVELS = ("privileged", "baseline", "restricted")
_CAPABILITIES = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"}
    | {"SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What a namespace enforces: a level, of the policies of some minors (one, where it is pinned)."""

    name: str
    oldest: tuple[int, ...]
    newest: tuple[int, ...]


def level(namespace: Mapping[str, Any], oldest: str) -> Level | None:
    """The level of a Namespace; None where it enforces none."""
    labels = mapping(dig(namespace, "metadata", "labels"))
    name, version = labels.get(f"{_LABEL}enforce"), labels.get(f"{_LABEL}enforce-version")
    if name not in ("baseline", "restricted"):
        return None
    minors = schemas.minors(oldest)
    if isinstance(version, str) and re.fullmatch(r"v1\.\d+", version):
        minors = (version.removeprefix("v"),)
    return Level(name=name, oldest=schemas.number(minors[0]), newest=schemas.number(minors[-1]))


def labels(namespace: Mapping[str, Any]) -> Iterator[Flaw]:
    """The labels of a Namespace that the admission refuses (api.ParseLevel, api.ParseVersion)."""
    for key, value in mapping(dig(namespace, "metadata", "labels")).items():
        if isinstance(value, str) and str(key).startswith(_LABEL):
            path = ("metadata", "labels", str(key))
            if str(key).endswith("-version"):
                if not re.fullmatch(r"latest|v1\.(0|[1-9]\d*)", value):
                    what = f"{value} is no version of Pod Security"
                    yield Flaw(rule=REFUSED_VALUE, path=path, what=what, hint="write latest, or such as v1.31")
            elif value not in _LEVELS:
                what = f"{value} is no level of Pod Security"
                yield Flaw(rule=REFUSED_VALUE, path=path, what=what, hint=f"choose one of {', '.join(_LEVELS)}")


def check(spec: Mapping[str, Any], metadata: Mapping[str, Any], kept: Level) -> Iterator[Flaw]:
    """What of a pod's spec breaks a level. Paths begin at the spec."""
    # Where users have a namespace of their own, root inside is nobody outside (policy/helpers.go, from 1.35 on).
    relaxed = spec.get("hostUsers") is False and kept.oldest >= (1, 35)
    pod = mapping(spec.get("securityContext"))
    where: Path = ("securityContext",)
    yield from _told(kept, _host(spec))
    yield from _told(kept, _setter(pod, where, kept))
    yield from _told(kept, _sysctls(pod, where, kept))
    yield from _told(kept, _volumes(spec, kept))
    for key, value in mapping(metadata.get("annotations")).items():
        if str(key).startswith("container.apparmor.security.beta.kubernetes.io/"):
            text = str(value)
            if text and text != "runtime/default" and not text.startswith("localhost/"):
                yield from _told(kept, [((), f"the AppArmor profile {text} is forbidden")])
    for field in ("initContainers", "containers"):
        for number, each in enumerate(items(spec.get(field))):
            if isinstance(each, dict):
                found = _container(each, (field, number), kept, relaxed=relaxed)
                yield from _told(kept, found, f"container {each.get('name')}: ")
                if kept.name == "restricted":
                    strict = _restricted(each, pod, (field, number), spec, relaxed=relaxed)
                    yield from _told(kept, strict, f"container {each.get('name')}: ")
    if kept.name == "restricted" and not relaxed:
        if pod.get("runAsNonRoot") is False:
            yield from _told(kept, [((*where, "runAsNonRoot"), "runAsNonRoot must not be false")])
        if pod.get("runAsUser") == 0 and not isinstance(pod.get("runAsUser"), bool):
            yield from _told(kept, [((*where, "runAsUser"), "runAsUser must not be 0")])


_Broken = tuple[Path, str]


def _told(kept: Level, found: Iterator[_Broken] | list[_Broken], subject: str = "") -> Iterator[Flaw]:
    for path, what in found:
        yield Flaw(rule=POD_SECURITY, path=path, what=f"{subject}{what} (Pod Security, level {kept.name})")


def _host(spec: Mapping[str, Any]) -> Iterator[_Broken]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field) is True:
            yield (field,), f"{field} must not be true"


def _sysctls(pod: Mapping[str, Any], path: Path, kept: Level) -> Iterator[_Broken]:
    allowed = {name for since, names in _SYSCTLS if since <= kept.oldest for name in names.split()}
    for number, each in enumerate(items(pod.get("sysctls"))):
        if isinstance(name := dig(each, "name"), str) and name not in allowed:
            yield (*path, "sysctls", number, "name"), f"the sysctl {name} is forbidden"


def _volumes(spec: Mapping[str, Any], kept: Level) -> Iterator[_Broken]:
    for number, volume in enumerate(items(spec.get("volumes"))):
        kinds = [key for key in given(mapping(volume), *mapping(volume)) if key != "name"]
        # A volume without any source is an emptyDir; one of an unknown source is told by another rule.
        known = [key for key in kinds if key in schemas.definition("io.k8s.api.core.v1.Volume").fields]
        if "hostPath" in known or (kept.name == "restricted" and known and not _VOLUMES & set(known)):
            yield ("volumes", number, known[0]), f"volume {dig(volume, 'name')}: {known[0]} is forbidden"


def _setter(security: Mapping[str, Any], path: Path, kept: Level) -> Iterator[_Broken]:
    """What a pod and a container may both set."""
    for field in ("seccompProfile", "appArmorProfile"):
        kind = dig(security, field, "type")
        if isinstance(security.get(field), dict) and kind not in ("RuntimeDefault", "Localhost"):
            yield (*path, field, "type"), f"{field}.type must be RuntimeDefault or Localhost, and is {kind}"
    selinux, where = mapping(security.get("seLinuxOptions")), (*path, "seLinuxOptions")
    kind = selinux.get("type")
    newer = kind == "container_engine_t" and kept.oldest < (1, 31)
    if isinstance(kind, str) and (kind not in _SELINUX or newer):
        yield (*where, "type"), f"the SELinux type {kind} is forbidden"
    for field in ("user", "role"):
        if selinux.get(field):
            yield (*where, field), f"the SELinux {field} must not be set"
    if dig(security, "windowsOptions", "hostProcess") is True:
        yield (*path, "windowsOptions", "hostProcess"), "hostProcess must not be true"


def _container(each: Mapping[str, Any], path: Path, kept: Level, *, relaxed: bool) -> Iterator[_Broken]:
    """The controls of the level baseline."""
    security, where = mapping(each.get("securityContext")), (*path, "securityContext")
    yield from _setter(security, where, kept)
    if security.get("privileged") is True:
        yield (*where, "privileged"), "privileged must not be true"
    allowed = _CAPABILITIES if kept.name == "baseline" else frozenset({"NET_BIND_SERVICE"})
    for number, name in enumerate(items(dig(security, "capabilities", "add"))):
        if isinstance(name, str) and name not in allowed:
            yield (*where, "capabilities", "add", number), f"the capability {name} must not be added"
    mount = security.get("procMount")
    if mount not in (None, "Default") and (kept.name == "restricted" or not relaxed):
        yield (*where, "procMount"), f"procMount must not be {mount}"
    for number, port in enumerate(items(each.get("ports"))):
        if (taken := dig(port, "hostPort")) and isinstance(taken, int):
            yield (*path, "ports", number, "hostPort"), f"hostPort {taken} must not be used"
    if kept.newest >= (1, 34):
        for handler in _HANDLERS:
            for kind in ("httpGet", "tcpSocket"):
                if host := dig(each, *handler, kind, "host"):
                    yield (*path, *handler, kind, "host"), f"{'.'.join(handler)} must not name the host {host}"


_HANDLERS = (
    ("livenessProbe",),
    ("readinessProbe",),
    ("startupProbe",),
    ("lifecycle", "postStart"),
    ("lifecycle", "preStop"),
)


def _restricted(
    each: Mapping[str, Any], pod: Mapping[str, Any], path: Path, spec: Mapping[str, Any], *, relaxed: bool
) -> Iterator[_Broken]:
    """The controls of the level restricted beside those of baseline; Windows knows some of them not."""
    security, where = mapping(each.get("securityContext")), (*path, "securityContext")
    if dig(spec, "os", "name") != "windows":
        if security.get("allowPrivilegeEscalation") is not False:
            yield (*where, "allowPrivilegeEscalation"), "allowPrivilegeEscalation must be false"
        if "ALL" not in items(dig(security, "capabilities", "drop")):
            yield (*where, "capabilities", "drop"), "capabilities.drop must hold ALL"
        profiled = isinstance(security.get("seccompProfile"), dict) or isinstance(pod.get("seccompProfile"), dict)
        if not profiled:
            yield (*where, "seccompProfile"), "seccompProfile.type must be set, here or for the pod"
    if not relaxed:
        root = security.get("runAsNonRoot")
        if root is False:
            yield (*where, "runAsNonRoot"), "runAsNonRoot must not be false"
        elif root is None and pod.get("runAsNonRoot") is None:
            yield (*where, "runAsNonRoot"), "runAsNonRoot must be true, here or for the pod"
        if security.get("runAsUser") == 0 and not isinstance(security.get("runAsUser"), bool):
            yield (*where, "runAsUser"), "runAsUser must not be 0"
