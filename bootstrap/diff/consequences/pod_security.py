"""Security properties of a pod: those that the Pod Security Standards restrict, and some more."""

from collections.abc import Iterator, Mapping
from typing import Any

from bootstrap.diff.consequences.sides import Pod
from bootstrap.kubernetes.objects import dig, items, mapping, mappings

_HOST = {
    "hostNetwork": "shares the node's network (hostNetwork)",
    "hostPID": "sees all processes of the node (hostPID)",
    "hostIPC": "shares the node's memory segments (hostIPC)",
    "shareProcessNamespace": "its containers see each other's processes (shareProcessNamespace)",
}
# Volume types that the Pod Security level `restricted` allows.
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "name",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
_CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
# Environment variables that make an unchanged program load other code.
_LOADED = frozenset(
    {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PATH", "ENV", "BASH_ENV", "PERL5OPT", "RUBYOPT", "NODE_OPTIONS"}
    | {"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "JAVA_TOOL_OPTIONS", "GIT_SSH_COMMAND"}
    | {"AIRFLOW__CORE__PLUGINS_FOLDER"}
)


def facts(pod: Pod) -> set[str]:
    """Weaknesses that the manifest sets explicitly, in words."""
    return {*_of_pod(pod)} | {
        f"container {container.get('name')} {what}"
        for _, container in pod.containers()
        for what in _of_container(container)
    }


def omissions(pod: Pod) -> set[str]:
    """Weaknesses that come from defaults, where the manifest lacks the field that prevents them."""
    missing: set[str] = set()
    spec = pod.spec
    whole = mapping(spec.get("securityContext"))
    if spec.get("automountServiceAccountToken") is not False:
        missing.add("gets the token of its service account (automountServiceAccountToken)")
    for _, container in pod.containers():
        security = mapping(container.get("securityContext"))
        name = f"container {container.get('name')}"
        if security.get("allowPrivilegeEscalation") is not False:
            missing.add(f"{name} may gain more rights than it starts with (allowPrivilegeEscalation)")
        if not {"ALL", "all"} & {str(capability) for capability in items(security, "capabilities", "drop")}:
            missing.add(f"{name} keeps capabilities that it does not need (capabilities.drop)")
        if security.get("runAsNonRoot", whole.get("runAsNonRoot")) not in (True, False):
            missing.add(f"{name} may run as root (runAsNonRoot)")
        if not (security.get("seccompProfile") or whole.get("seccompProfile")):
            missing.add(f"{name} has no seccomp profile")
    return missing


def writable(pod: Pod) -> set[str]:
    """Names of the containers whose root file system is writable."""
    return {
        str(container.get("name"))
        for _, container in pod.containers()
        if dig(container, "securityContext", "readOnlyRootFilesystem") is not True
    }


def secrets(pod: Pod) -> set[str]:
    """Names of the Secrets that it reads, as variables or as volumes."""
    secret_names: set[Any] = set()
    for _, container in pod.containers():
        secret_names |= {dig(variable, "valueFrom", "secretKeyRef", "name") for variable in mappings(container, "env")}
        secret_names |= {dig(source, "secretRef", "name") for source in mappings(container, "envFrom")}
    for volume in mappings(pod.spec, "volumes"):
        secret_names |= {dig(volume, "secret", "secretName"), dig(volume, "csi", "nodePublishSecretRef", "name")}
        secret_names |= {dig(projection, "secret", "name") for projection in mappings(volume, "projected", "sources")}
    return {str(name) for name in secret_names if name}


def _of_pod(pod: Pod) -> Iterator[str]:
    spec = pod.spec
    yield from (words for field, words in _HOST.items() if spec.get(field))
    for volume in mappings(spec, "volumes"):
        if "hostPath" in volume:
            yield f"mounts {dig(volume, 'hostPath', 'path')} of the node (hostPath)"
        yield from (f"mounts a volume of the kind {kind}" for kind in volume.keys() - _VOLUMES - {"hostPath"})
        for source in mappings(volume, "projected", "sources"):
            if "serviceAccountToken" in source:
                audience = dig(source, "serviceAccountToken", "audience") or "the API server"
                yield f"mounts a token of its service account, for {audience}"
    for alias in mappings(spec, "hostAliases"):
        for name in items(alias, "hostnames"):
            yield f"takes {name} to be at {alias.get('ip')} (hostAliases)"
    for server in items(spec, "dnsConfig", "nameservers"):
        yield f"asks {server} for all names (dnsConfig)"
    for toleration in mappings(spec, "tolerations"):
        if (not toleration.get("key") and toleration.get("operator") == "Exists") or toleration.get(
            "key"
        ) in _CONTROL_PLANE:
            yield "may run on the nodes of the control plane (tolerations)"
    if spec.get("nodeName"):
        yield f"is put on the node {spec['nodeName']}, past the scheduler (nodeName)"
    if str(spec.get("priorityClassName")).startswith("system-"):
        yield f"pushes other pods aside ({spec['priorityClassName']})"
    for sysctl in mappings(spec, "securityContext", "sysctls"):
        yield f"sets {sysctl.get('name')} of the kernel (sysctls)"
    if {"0"} & {str(group) for group in items(spec, "securityContext", "supplementalGroups")}:
        yield "belongs to the group root (supplementalGroups)"
    for key, value in pod.metadata.get("annotations", {}).items() if mapping(pod.metadata.get("annotations")) else ():
        if str(key).startswith(_APPARMOR) and value == "unconfined":
            yield f"container {str(key).removeprefix(_APPARMOR)} has no AppArmor profile (unconfined)"
    yield from _of_context(mapping(spec.get("securityContext")))


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    security = mapping(container.get("securityContext"))
    if security.get("privileged"):
        yield "is privileged: it may do all that root of the node may"
    if security.get("allowPrivilegeEscalation"):
        yield "may gain more rights than it starts with (allowPrivilegeEscalation)"
    for name in items(security, "capabilities", "add"):
        yield f"has the added capability {name}"
    if security.get("procMount") not in (None, "Default"):
        yield f"sees all of /proc (procMount {security['procMount']})"
    for port in mappings(container, "ports"):
        if port.get("hostPort"):
            yield f"listens on port {port['hostPort']} of the node (hostPort)"
    for variable in mappings(container, "env"):
        if variable.get("name") in _LOADED:
            value = variable.get("value") if "value" in variable else "a value from elsewhere"
            yield f"runs with {variable['name']}={value}"
    for hook in ("postStart", "preStop"):
        if action := dig(container, "lifecycle", hook):
            yield f"does more at {'its start' if hook == 'postStart' else 'its end'} ({hook}: {_action(action)})"
    yield from _of_context(security)


def _of_context(security: Mapping[str, Any]) -> Iterator[str]:
    """Weaknesses in a securityContext, of a pod or of a container."""
    if str(security.get("runAsUser")) == "0":
        yield "runs as root (runAsUser 0)"
    if security.get("runAsNonRoot") is False:
        yield "may run as root (runAsNonRoot)"
    for field, name in (("seccompProfile", "seccomp"), ("appArmorProfile", "AppArmor")):
        if dig(security, field, "type") == "Unconfined":
            yield f"has no {name} profile (Unconfined)"
    if options := mapping(security.get("seLinuxOptions")):
        yield f"runs under its own SELinux options ({', '.join(f'{k} {v}' for k, v in sorted(options.items()))})"
    if dig(security, "windowsOptions", "hostProcess"):
        yield "runs as a process of the node (hostProcess)"


def _action(action: Any) -> str:
    command = items(action, "exec", "command")
    return " ".join(map(str, command)) if command else ", ".join(sorted(map(str, mapping(action))))
