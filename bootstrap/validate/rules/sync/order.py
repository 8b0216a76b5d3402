"""Rules about order: nothing that comes up first may wait for something that comes later."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.kubernetes.objects import Object, dig, identify, items, mapping
from bootstrap.validate import pods, references
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.pods import GENERATOR, Pod
from bootstrap.validate.references import near
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
    for each in _hooked(env):
        field = str(_hook(each))
        message = f"{identify(each)} is an Argo CD hook ({_annotations(each)[field]})"
        yield Violation(env.trace.field(each, ("metadata", "annotations", field)), message)


@rule(
    "sync/waits-for-later",
    ERROR,
    fix="Put both into one wave; Airflow's own waiting for its database and migration is all the order that it needs.",
)
def waits_for_later(env: EnvironmentContext) -> Iterator[Violation]:
    """Nothing waits for an object of a later sync wave or phase.

    Argo CD begins a wave when all of the one before is healthy: this one never is, and the sync stands still.
    """
    # Pairs in the wrong order, told once for each annotation that puts them so.
    turns = {id(each): _turn(each) for each in env.objects}
    if env.model.controller is not Controller.ARGOCD or len(set(turns.values())) < 2:
        return
    hooked = {id(each) for each in _hooked(env)}
    groups: dict[tuple[Place, str], list[tuple[Object, Object]]] = defaultdict(list)
    for waiting, awaited in _pairs(env):
        if turns[id(waiting)] < turns[id(awaited)] and not hooked & {id(waiting), id(awaited)}:
            # The one that was moved out of the usual turn is the one to look at.
            moved, why = (awaited, "later") if turns[id(awaited)] > (0, 0) else (waiting, "earlier")
            field = next((each for each in (_WAVE, *_HOOKS) if each in _annotations(moved)), _WAVE)
            groups[env.trace.field(moved, ("metadata", "annotations", field)), why].append((waiting, awaited))
    for (place, why), pairs in groups.items():
        before = sorted({str(identify(each)) for each, _ in pairs})
        after = sorted({str(identify(each)) for _, each in pairs})
        shown = ", ".join(before[:3]) + (f" and {len(before) - 3} more" if len(before) > 3 else "")
        message = f"{shown} can't get ready without {', '.join(after[:3])}, which Argo CD applies only after it"
        yield Violation(place, message, f"its turn is {why} than the others'")


@rule("sync/job-ttl", ERROR, fix="Remove it: the next release's sync prunes the Job.")
def job_ttl(env: EnvironmentContext) -> Iterator[Violation]:
    """A Job has no ttlSecondsAfterFinished.

    The cluster deletes the finished Job, and the controller, which finds it missing, runs it again and again.
    """
    for each in env.of_kind("Job"):
        if dig(each, "spec", "ttlSecondsAfterFinished") is not None:
            place = env.trace.field(each, ("spec", "ttlSecondsAfterFinished"))
            yield Violation(place, f"{identify(each)} is deleted when it has finished, and then made again")


@rule("sync/unknown-dependency", ERROR, fix="Correct the name in dependsOn, or remove the entry.")
def unknown_dependency(env: EnvironmentContext) -> Iterator[Violation]:
    """A Flux Kustomization depends on ones that are there.

    It waits for ever: `dependency … not found`.
    """
    # Names in dependsOn that neither this file nor another environment of the cluster has.
    if env.model.controller is not Controller.FLUX:
        return
    roots = objects.roots(env)
    cluster = env.environment.cluster
    known = {each.sync_name for each in env.model.environments if each.cluster == cluster}
    known |= {each.name for each in roots} | {_FLUX_SYSTEM}
    for root in roots:
        for number, each in enumerate(items(root.get("spec", "dependsOn"))):
            name, namespace = dig(each, "name"), dig(each, "namespace")
            here = namespace is None or namespace == root.get("metadata", "namespace")
            if isinstance(name, str) and here and name not in known:
                message = f"{root} depends on Kustomization/{name}, which is not there"
                yield Violation(root.place("spec", "dependsOn", number, "name"), message, near(name, known))


def _hooked(env: EnvironmentContext) -> list[Object]:
    """The awaited Jobs that are hooks, where Argo CD syncs."""
    jobs = env.of_kind("Job") if env.model.controller is Controller.ARGOCD else ()
    return [each for each in jobs if identify(each).name in _AWAITED and _hook(each)]


def _pairs(env: EnvironmentContext) -> Iterator[tuple[Object, Object]]:
    """What waits, and what for: objects without which a pod does not start, or its program not go on."""
    namespace = env.find("Namespace", env.environment.namespace)
    for each in env.objects:
        inside = dig(each, "metadata", "namespace") == env.environment.namespace
        if namespace is not None and each is not namespace and inside:
            yield each, namespace
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
        yield sealed or (env.called("Job", GENERATOR) if pods.held(env, "Secret", mention.name) else None)
    for mention in references.accounts(pod):
        yield env.find("ServiceAccount", mention.name)
    for mention in references.claims(pod):
        yield env.find("PersistentVolumeClaim", mention.name)
    texts = [text for each in pod.containers for field in ("command", "args") for text in items(each.data.get(field))]
    if any("check-migrations" in text for text in texts if isinstance(text, str)):
        yield env.called("Job", _MIGRATE)
    if any(_DATABASE in each.settings for each in pod.containers):
        yield env.find("StatefulSet", "airflow-pg")
        yield env.find("Service", "airflow-pg")


def _turn(each: Object) -> Turn:
    """Phase and wave: Argo CD goes by phase first, then by wave."""
    annotations = _annotations(each)
    phases = str(next((annotations[field] for field in _HOOKS if field in annotations), "")).split(",")
    wave = str(annotations.get(_WAVE, "0")).strip()
    number = int(wave) if re.fullmatch(r"[+-]?[0-9]{1,9}", wave) else 0
    return next((_PHASES[phase.strip()] for phase in phases if phase.strip() in _PHASES), 0), number


def _hook(each: Object) -> str | None:
    return next((field for field in _HOOKS if field in _annotations(each)), None)


def _annotations(each: Object) -> dict[str, Any]:
    return mapping(each, "metadata", "annotations")
