"""Rules about references of pods to ServiceAccounts, volume claims and volumes."""

from collections.abc import Iterator
from dataclasses import dataclass

from bootstrap.kubernetes.objects import dig, items
from bootstrap.validate import pods, references
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import Container, Pod
from bootstrap.validate.references import first, grouped, readers, suggest, unread
from bootstrap.validate.rule import ERROR, WARNING, rule
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import FieldPath


@rule(
    "references/missing-service-account",
    ERROR,
    fix="Correct the name, or add the ServiceAccount to the base's rbac folder.",
)
def missing_service_account(env: EnvironmentContext) -> Iterator[Violation]:
    """Every ServiceAccount that a pod runs as is part of its environment.

    The API server refuses the pod: `error looking up service account`, seen only in the events of its owner.
    """
    accounts = {account["metadata"]["name"] for account in env.of_kind("ServiceAccount")}
    for name, _, group in grouped(mention for pod in pods.of(env) for mention in references.accounts(pod)):
        if name not in accounts and name != "default" and not unread(env, "ServiceAccount", name):
            message = f"ServiceAccount {name} is not part of this environment; needed by {readers(group)}"
            yield Violation(first(group), message, suggest(name, accounts))


@rule("references/missing-claim", ERROR, fix="Correct the name, or add the PersistentVolumeClaim.")
def missing_claim(env: EnvironmentContext) -> Iterator[Violation]:
    """Every volume claim that a pod mounts is part of its environment.

    The pod stays Pending: `persistentvolumeclaim not found`.
    """
    claims = {claim["metadata"]["name"] for claim in env.of_kind("PersistentVolumeClaim")}
    for name, _, group in grouped(mention for pod in pods.of(env) for mention in references.claims(pod)):
        if name not in claims and not _templated(env, name) and not unread(env, "PersistentVolumeClaim", name):
            message = f"PersistentVolumeClaim {name} is not part of this environment; needed by {readers(group)}"
            yield Violation(first(group), message, suggest(name, claims))


@rule("references/missing-volume", ERROR, fix="Correct the name, or add the volume to the pod.")
def missing_volume(env: EnvironmentContext) -> Iterator[Violation]:
    """A container mounts volumes of its own pod.

    The API server refuses the object: `volumeMounts[].name: Not found`.
    """
    for pod in pods.of(env):
        for mount in _lost(pod):
            message = f"container {mount.container.name} of {pod} mounts {mount.name}, which is no volume of the pod"
            yield Violation(mount.container.place(*mount.path), message, suggest(mount.name, _volumes(pod)))


@rule("references/unused-volume", WARNING, fix="Mount it where its files are wanted, or remove it.")
def unused_volume(env: EnvironmentContext) -> Iterator[Violation]:
    """A pod's volume is mounted by a container of it.

    Nothing sees the volume's files, and yet the pod does not start before what the volume names is there.
    """
    for pod in pods.of(env):
        mounted = {mount.name for mount in _mounts(pod)}
        for name, number in _volumes(pod).items() if not _lost(pod) else ():  # a mistyped mount is one mistake, not two
            if name not in mounted:
                yield Violation(pod.place("volumes", number, "name"), f"no container of {pod} mounts its volume {name}")


def _templated(env: EnvironmentContext, claim: str) -> bool:
    """Whether a StatefulSet creates this claim: `<template>-<name>-<number>`."""
    start, _, number = claim.rpartition("-")
    made = (
        f"{dig(template, 'metadata', 'name')}-{stateful_set['metadata']['name']}"
        for stateful_set in env.of_kind("StatefulSet")
        for template in items(stateful_set, "spec", "volumeClaimTemplates")
    )
    return number.isdigit() and start in made


@dataclass(frozen=True, slots=True)
class _Mount:
    container: Container
    path: FieldPath
    name: str


def _mounts(pod: Pod) -> Iterator[_Mount]:
    for container in pod.containers:
        for field in ("volumeMounts", "volumeDevices"):
            for number, mount in enumerate(items(container.data.get(field))):
                if isinstance(name := dig(mount, "name"), str):
                    yield _Mount(container, (field, number, "name"), name)


def _volumes(pod: Pod) -> dict[str, int]:
    """Index of a pod's volumes by name."""
    names = [dig(volume, "name") for volume in items(pod.spec.get("volumes"))]
    return {name: number for number, name in enumerate(names) if isinstance(name, str)}


def _lost(pod: Pod) -> list[_Mount]:
    """Mounts of volumes that neither the pod nor its StatefulSet has."""
    claims = [dig(claim, "metadata", "name") for claim in items(pod.owner, "spec", "volumeClaimTemplates")]
    known = {*_volumes(pod), *claims}
    return [mount for mount in _mounts(pod) if mount.name not in known]
