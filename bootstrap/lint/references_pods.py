"""Rules about what pods name: ConfigMaps, Secrets, keys of both, ServiceAccounts, claims and volumes."""

from collections.abc import Iterator
from typing import Any

from bootstrap.core.certificates import CERTIFICATE
from bootstrap.kubernetes.objects import identify
from bootstrap.lint import references_reads as reads
from bootstrap.lint.references_mention import first, grouped, near, readers
from bootstrap.lint.references_unread import unread
from bootstrap.validate import pods
from bootstrap.validate.context import Scene, dig, items
from bootstrap.validate.pods import Pod
from bootstrap.validate.violation import Finding, Rule, Severity

MISSING_CONFIG = Rule(
    name="references/missing-configmap",
    severity=Severity.ERROR,
    title="Every ConfigMap that a pod reads is part of its environment.",
    why="The kubelet starts no container without it: the pod stays in CreateContainerConfigError or ContainerCreating.",
    fix="Correct the name, or add a configMapGenerator that makes it.",
)
MISSING_CONFIG_KEY = Rule(
    name="references/missing-configmap-key",
    severity=Severity.ERROR,
    title="Every key that a pod reads from a ConfigMap is in it.",
    why="The kubelet starts no container without it, unless the reference says `optional: true`.",
    fix="Correct the key, or add it to the file that the configMapGenerator reads.",
)
MISSING_SECRET = Rule(
    name="references/missing-secret",
    severity=Severity.ERROR,
    title="Every Secret that a pod reads is made by its environment.",
    why="The kubelet starts no container without it: the pod stays in CreateContainerConfigError.",
    fix="Correct the name, or seal the Secret into the environment's secrets folder.",
)
MISSING_SECRET_KEY = Rule(
    name="references/missing-secret-key",
    severity=Severity.ERROR,
    title="Every key that a pod reads from a Secret is in it.",
    why="The kubelet starts no container without it, unless the reference says `optional: true`.",
    fix="Correct the key, or seal a value for it.",
)
MISSING_PULL_SECRET = Rule(
    name="references/missing-pull-secret",
    severity=Severity.WARNING,
    title="Every Secret in imagePullSecrets is made by its environment.",
    why="The kubelet pulls without it, and a private registry then refuses: ImagePullBackOff.",
    fix="Seal it into the environment's secrets folder; switch the rule off where something else brings it.",
)
MISSING_ACCOUNT = Rule(
    name="references/missing-service-account",
    severity=Severity.ERROR,
    title="Every ServiceAccount that a pod runs as is part of its environment.",
    why="The API server refuses the pod: `error looking up service account`, seen only in the events of its owner.",
    fix="Correct the name, or add the ServiceAccount to the base's rbac folder.",
)
MISSING_CLAIM = Rule(
    name="references/missing-claim",
    severity=Severity.ERROR,
    title="Every volume claim that a pod mounts is part of its environment.",
    why="The pod stays Pending: `persistentvolumeclaim not found`.",
    fix="Correct the name, or add the PersistentVolumeClaim.",
)
MISSING_VOLUME = Rule(
    name="references/missing-volume",
    severity=Severity.ERROR,
    title="A container mounts volumes of its own pod.",
    why="The API server refuses the object: `volumeMounts[].name: Not found`.",
    fix="Correct the name, or add the volume to the pod.",
)
UNUSED_VOLUME = Rule(
    name="references/unused-volume",
    severity=Severity.WARNING,
    title="A pod's volume is mounted by a container of it.",
    why="Nothing sees the volume's files, and yet the pod does not start before what the volume names is there.",
    fix="Mount it where its files are wanted, or remove it.",
)
RULES = (
    MISSING_CONFIG,
    MISSING_CONFIG_KEY,
    MISSING_SECRET,
    MISSING_SECRET_KEY,
    MISSING_PULL_SECRET,
    MISSING_ACCOUNT,
    MISSING_CLAIM,
    MISSING_VOLUME,
    UNUSED_VOLUME,
)


def check(scene: Scene) -> Iterator[Finding]:
    """All that pods name and that is not there."""
    found = pods.of(scene)
    yield from _configs(scene, found)
    yield from _secrets(scene, found)
    yield from _names(scene, found)
    for pod in found:
        yield from _volumes(scene, pod)


def _configs(scene: Scene, found: tuple[Pod, ...]) -> Iterator[Finding]:
    for name, key, group in grouped(each for pod in found for each in reads.entries(pod, "ConfigMap")):
        entries = pods.held(scene, "ConfigMap", name)
        config = scene.find("ConfigMap", name)
        if entries is None and not key:
            # With a hash it is there, which a text can't know: kustomize's rules tell that.
            if scene.called("ConfigMap", name) is None and not unread(scene, "ConfigMap", name):
                message = f"ConfigMap {name} is not part of this environment; needed by {readers(group)}"
                known = (identify(each).name for each in scene.of_kind("ConfigMap"))
                yield scene.finding(MISSING_CONFIG, first(group), message, near(name, known))
        elif entries is not None and config is not None and key and key not in entries:
            message = f"{identify(config)} has no key {key}; needed by {readers(group)}"
            yield scene.finding(MISSING_CONFIG_KEY, first(group), message, near(key, entries))


def _secrets(scene: Scene, found: tuple[Pod, ...]) -> Iterator[Finding]:
    folder = f"{scene.environment.overlay}/secrets"
    made = {each["metadata"]["name"] for each in scene.of_kind("SealedSecret", "Secret")}
    mentions = [each for pod in found for each in reads.entries(pod, "Secret")]
    for name, key, group in grouped(mentions):
        keys = pods.held(scene, "Secret", name)
        if keys is None and not key:
            if not brought(scene, name) and scene.called("Secret", name) is None and not unread(scene, "Secret", name):
                wanted = sorted({each.key for each in mentions if each.name == name} - {""})
                message = f"Secret {name} is made by nothing in {folder}; needed by {readers(group)}"
                hint = "; ".join(filter(None, (near(name, made), seal(scene, name, wanted or ["KEY"]))))
                yield scene.finding(MISSING_SECRET, first(group), message, hint)
        elif keys is not None and key and key not in keys:
            message = f"Secret {name} of {folder} has no key {key}; needed by {readers(group)}"
            hint = "; ".join(filter(None, (near(key, keys), seal_key(scene, name, key))))
            yield scene.finding(MISSING_SECRET_KEY, first(group), message, hint)
    for name, _, group in grouped(each for pod in found for each in reads.pull_secrets(pod)):
        if name not in made and not brought(scene, name) and not unread(scene, "Secret", name):
            message = f"Secret {name} is made by nothing in {folder}; images are pulled with it by {readers(group)}"
            yield scene.finding(MISSING_PULL_SECRET, first(group), message, near(name, made))


def brought(scene: Scene, name: str) -> bool:
    """Whether something that the environment holds makes the cluster bring this Secret, with keys of its own."""
    certificates = (dig(each, "spec", "secretName") for each in scene.of_kind("Certificate"))
    external = (
        dig(each, "spec", "target", "name") or each["metadata"]["name"] for each in scene.of_kind("ExternalSecret")
    )
    return any(each == name for each in (*certificates, *external))


def seal(scene: Scene, name: str, keys: list[str]) -> str:
    """How to seal a whole Secret."""
    folder, namespace = f"{scene.environment.overlay}/secrets", scene.environment.namespace
    values = " ".join(f"--from-file={key}=FILE" for key in keys)
    return (
        f"seal it: kubectl -n {namespace} create secret generic {name} {values} --dry-run=client -o yaml"
        f" | kubeseal --cert {folder}/{CERTIFICATE} -o yaml > {folder}/sealedsecret.{name}.yaml,"
        f" and list that file in {folder}/kustomization.yaml"
    )


def seal_key(scene: Scene, name: str, key: str) -> str:
    """How to seal one more value of a Secret."""
    folder, namespace = f"{scene.environment.overlay}/secrets", scene.environment.namespace
    return (
        f"seal a value: kubeseal --raw --cert {folder}/{CERTIFICATE} --namespace {namespace} --name {name}"
        f" --from-file=FILE, and put the answer into encryptedData as {key}"
    )


def _names(scene: Scene, found: tuple[Pod, ...]) -> Iterator[Finding]:
    accounts = {each["metadata"]["name"] for each in scene.of_kind("ServiceAccount")}
    for name, _, group in grouped(each for pod in found for each in reads.accounts(pod)):
        if name not in accounts and name != "default" and not unread(scene, "ServiceAccount", name):
            message = f"ServiceAccount {name} is not part of this environment; needed by {readers(group)}"
            yield scene.finding(MISSING_ACCOUNT, first(group), message, near(name, accounts))
    claims = {each["metadata"]["name"] for each in scene.of_kind("PersistentVolumeClaim")}
    for name, _, group in grouped(each for pod in found for each in reads.claims(pod)):
        if name not in claims and not _templated(scene, name) and not unread(scene, "PersistentVolumeClaim", name):
            message = f"PersistentVolumeClaim {name} is not part of this environment; needed by {readers(group)}"
            yield scene.finding(MISSING_CLAIM, first(group), message, near(name, claims))


def _templated(scene: Scene, claim: str) -> bool:
    """Whether a StatefulSet makes this claim: `<template>-<name>-<number>`."""
    start, _, number = claim.rpartition("-")
    made = (
        f"{dig(template, 'metadata', 'name')}-{each['metadata']['name']}"
        for each in scene.of_kind("StatefulSet")
        for template in items(dig(each, "spec", "volumeClaimTemplates"))
    )
    return number.isdigit() and start in made


def _volumes(scene: Scene, pod: Pod) -> Iterator[Finding]:
    volumes = {dig(each, "name"): number for number, each in enumerate(items(pod.spec.get("volumes"))) if _named(each)}
    claims = [dig(each, "metadata", "name") for each in items(dig(pod.owner, "spec", "volumeClaimTemplates"))]
    mounted: set[str] = set()
    lost = False
    for container in pod.containers:
        for field in ("volumeMounts", "volumeDevices"):
            for number, each in enumerate(items(container.data.get(field))):
                if not _named(each):
                    continue
                name = each["name"]
                mounted.add(name)
                if name not in volumes and name not in claims:
                    lost = True
                    message = f"container {container.name} of {pod} mounts {name}, which is no volume of the pod"
                    place = container.place(field, number, "name")
                    yield scene.finding(MISSING_VOLUME, place, message, near(name, volumes))
    for name, number in volumes.items():
        if name not in mounted and not lost:  # a mistyped mount is one mistake, not two
            place = pod.place("volumes", number, "name")
            yield scene.finding(UNUSED_VOLUME, place, f"no container of {pod} mounts its volume {name}")


def _named(value: Any) -> bool:
    return isinstance(dig(value, "name"), str)
