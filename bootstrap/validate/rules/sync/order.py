"""Rules about sync order: hooks, sync waves and dependencies that would deadlock."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.kubernetes.objects import Object, dig, identify, items, mapping
from bootstrap.validate import pods, references
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import GENERATOR, Pod
from bootstrap.validate.references import suggest
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.sync import objects
from bootstrap.validate.violation import Violation
from bootstrap.yamltools.positions import Place

_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_WAVE = "argocd.argoproj.io/sync-wave"
_PHASES = {"PreSync": -1, "pre-install": -1, "pre-upgrade": -1, "PostSync": 1, "post-install": 1, "post-upgrade": 1}
_MIGRATE = "airflow-migrate"
_AWAITED = (_MIGRATE, "airflow-create-user", GENERATOR)
_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_FLUX_SYSTEM = "flux-system"
Turn = tuple[int, int]


@rule(
    "sync/hook",
    ERROR,
    fix="Remove the annotation: a plain Job, named by RELEASE, runs once for each release under both controllers.",
)
def hook(env: EnvironmentContext) -> Iterator[Violation]:
    """The Jobs that an environment waits for are no Argo CD hooks.

    As PostSync the migration waits for pods that wait for it; in any phase, an interrupted sync deletes the hook
    and then waits for ever for its completion. A hook's change alone starts no sync either.
    """
    for job in _hooked(env):
        field = str(_hook(job))
        message = f"{identify(job)} is an Argo CD hook ({_annotations(job)[field]})"
        yield Violation(env.trace.field(job, ("metadata", "annotations", field)), message)


@rule(
    "sync/waits-for-later",
    ERROR,
    fix="Put both into one wave; Airflow's own waiting for its database and migration is all the order that it needs.",
)
def waits_for_later(env: EnvironmentContext) -> Iterator[Violation]:
    """Nothing waits for an object of a later sync wave or phase.

    Argo CD begins a wave when all of the one before is healthy: this one never is, and the sync stands still.
    """
    # Pairs in the wrong order are reported once per annotation that causes it.
    turns = {id(obj): _turn(obj) for obj in env.objects}
    if env.model.controller is not Controller.ARGOCD or len(set(turns.values())) < 2:
        return
    hooked = {id(job) for job in _hooked(env)}
    groups: dict[tuple[Place, str], list[tuple[Object, Object]]] = defaultdict(list)
    for waiting, awaited in _pairs(env):
        if turns[id(waiting)] < turns[id(awaited)] and not hooked & {id(waiting), id(awaited)}:
            # Report the object that was moved out of the default wave.
            moved, why = (awaited, "later") if turns[id(awaited)] > (0, 0) else (waiting, "earlier")
            field = next((annotation for annotation in (_WAVE, *_HOOKS) if annotation in _annotations(moved)), _WAVE)
            groups[env.trace.field(moved, ("metadata", "annotations", field)), why].append((waiting, awaited))
    for (place, why), pairs in groups.items():
        before = sorted({str(identify(waiting)) for waiting, _ in pairs})
        after = sorted({str(identify(awaited)) for _, awaited in pairs})
        shown = ", ".join(before[:3]) + (f" and {len(before) - 3} more" if len(before) > 3 else "")
        message = f"{shown} can't get ready without {', '.join(after[:3])}, which Argo CD applies only after it"
        yield Violation(place, message, f"its turn is {why} than the others'")


@rule("sync/job-ttl", ERROR, fix="Remove it: the next release's sync prunes the Job.")
def job_ttl(env: EnvironmentContext) -> Iterator[Violation]:
    """A Job has no ttlSecondsAfterFinished.

    The cluster deletes the finished Job, and the controller, which finds it missing, runs it again and again.
    """
    for job in env.of_kind("Job"):
        if dig(job, "spec", "ttlSecondsAfterFinished") is not None:
            place = env.trace.field(job, ("spec", "ttlSecondsAfterFinished"))
            yield Violation(place, f"{identify(job)} is deleted when it has finished, and then made again")


@rule("sync/unknown-dependency", ERROR, fix="Correct the name in dependsOn, or remove the entry.")
def unknown_dependency(env: EnvironmentContext) -> Iterator[Violation]:
    """A Flux Kustomization depends on ones that are there.

    It waits for ever: `dependency … not found`.
    """
    # dependsOn may name Kustomizations of this file and of the cluster's other environments.
    if env.model.controller is not Controller.FLUX:
        return
    roots = objects.roots(env)
    cluster = env.environment.cluster
    known = {environment.sync_name for environment in env.model.environments if environment.cluster == cluster}
    known |= {root.name for root in roots} | {_FLUX_SYSTEM}
    for root in roots:
        for number, dependency in enumerate(items(root.get("spec", "dependsOn"))):
            name, namespace = dig(dependency, "name"), dig(dependency, "namespace")
            here = namespace is None or namespace == root.get("metadata", "namespace")
            if isinstance(name, str) and here and name not in known:
                message = f"{root} depends on Kustomization/{name}, which is not there"
                yield Violation(root.place("spec", "dependsOn", number, "name"), message, suggest(name, known))


def _hooked(env: EnvironmentContext) -> list[Object]:
    """Awaited Jobs that are Argo CD hooks; empty under Flux."""
    jobs = env.of_kind("Job") if env.model.controller is Controller.ARGOCD else ()
    return [job for job in jobs if identify(job).name in _AWAITED and _hook(job)]


def _pairs(env: EnvironmentContext) -> Iterator[tuple[Object, Object]]:
    """(waiting, awaited) pairs: an object without which the other can't be created, start or become ready."""
    namespace = env.find("Namespace", env.environment.namespace)
    for obj in env.objects:
        inside = dig(obj, "metadata", "namespace") == env.environment.namespace
        if namespace is not None and obj is not namespace and inside:
            yield obj, namespace
    for pod in pods.of(env):
        if pod.key is None and pod.owner["kind"] != "CronJob":
            for awaited in _awaited(env, pod):
                if awaited is not None and awaited is not pod.owner:
                    yield pod.owner, awaited


def _awaited(env: EnvironmentContext, pod: Pod) -> Iterator[Object | None]:
    for mention in references.entries(pod, "ConfigMap"):
        yield env.find("ConfigMap", mention.name)
    for mention in references.entries(pod, "Secret"):
        sealed = env.find("SealedSecret", mention.name) or env.find("Secret", mention.name)
        yield sealed or (env.find_original("Job", GENERATOR) if pods.data_of(env, "Secret", mention.name) else None)
    for mention in references.accounts(pod):
        yield env.find("ServiceAccount", mention.name)
    for mention in references.claims(pod):
        yield env.find("PersistentVolumeClaim", mention.name)
    texts = [
        text
        for container in pod.containers
        for field in ("command", "args")
        for text in items(container.data.get(field))
    ]
    if any("check-migrations" in text for text in texts if isinstance(text, str)):
        yield env.find_original("Job", _MIGRATE)
    if any(_DATABASE in container.settings for container in pod.containers):
        yield env.find("StatefulSet", "airflow-pg")
        yield env.find("Service", "airflow-pg")


def _turn(obj: Object) -> Turn:
    """Sync phase and wave; Argo CD orders by phase first."""
    annotations = _annotations(obj)
    phases = str(next((annotations[field] for field in _HOOKS if field in annotations), "")).split(",")
    wave = str(annotations.get(_WAVE, "0")).strip()
    number = int(wave) if re.fullmatch(r"[+-]?[0-9]{1,9}", wave) else 0
    return next((_PHASES[phase.strip()] for phase in phases if phase.strip() in _PHASES), 0), number


def _hook(obj: Object) -> str | None:
    return next((field for field in _HOOKS if field in _annotations(obj)), None)


def _annotations(obj: Object) -> dict[str, Any]:
    return mapping(obj, "metadata", "annotations")
