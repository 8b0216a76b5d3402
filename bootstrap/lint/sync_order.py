"""Rules about order: nothing that comes up first may wait for something that comes later."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from bootstrap.config.model import Controller
from bootstrap.kubernetes.objects import Object, identify
from bootstrap.lint import references_reads as reads
from bootstrap.lint import sync_objects
from bootstrap.lint.references_mention import near
from bootstrap.validate import pods
from bootstrap.validate.context import Scene, dig, items, mapping
from bootstrap.validate.pods import GENERATOR, Pod
from bootstrap.validate.violation import Finding, Rule, Severity
from bootstrap.yamltools.positions import Place

HOOK = Rule(
    name="sync/hook",
    severity=Severity.ERROR,
    title="The Jobs that an environment waits for are no Argo CD hooks.",
    why="As PostSync the migration waits for pods that wait for it; in any phase, an interrupted sync deletes the hook "
    "and then waits for ever for its completion. A hook's change alone starts no sync either.",
    fix="Remove the annotation: a plain Job, named by RELEASE, runs once for each release under both controllers.",
)
LATER = Rule(
    name="sync/waits-for-later",
    severity=Severity.ERROR,
    title="Nothing waits for an object of a later sync wave or phase.",
    why="Argo CD begins a wave when all of the one before is healthy: this one never is, and the sync stands still.",
    fix="Put both into one wave; Airflow's own waiting for its database and migration is all the order that it needs.",
)
TTL = Rule(
    name="sync/job-ttl",
    severity=Severity.ERROR,
    title="A Job has no ttlSecondsAfterFinished.",
    why="The cluster deletes the finished Job, and the controller, which finds it missing, runs it again and again.",
    fix="Remove it: the next release's sync prunes the Job.",
)
DEPENDENCY = Rule(
    name="sync/unknown-dependency",
    severity=Severity.ERROR,
    title="A Flux Kustomization depends on ones that are there.",
    why="It waits for ever: `dependency … not found`.",
    fix="Correct the name in dependsOn, or remove the entry.",
)
RULES = (HOOK, LATER, TTL, DEPENDENCY)

_HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
_WAVE = "argocd.argoproj.io/sync-wave"
_PHASES = {"PreSync": -1, "pre-install": -1, "pre-upgrade": -1, "PostSync": 1, "post-install": 1, "post-upgrade": 1}
_MIGRATE = "airflow-migrate"
_AWAITED = (_MIGRATE, "airflow-create-user", GENERATOR)
_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
_FLUX_SYSTEM = "flux-system"
Turn = tuple[int, int]


def check(scene: Scene) -> Iterator[Finding]:
    """All that would wait for ever, or run for ever."""
    if scene.model.controller is Controller.ARGOCD:
        hooked = [each for each in scene.of_kind("Job") if identify(each).name in _AWAITED and _hook(each)]
        for each in hooked:
            field = str(_hook(each))
            message = f"{identify(each)} is an Argo CD hook ({_annotations(each)[field]})"
            yield scene.finding(HOOK, scene.trace.field(each, ("metadata", "annotations", field)), message)
        yield from _waits(scene, hooked)
    else:
        yield from _dependencies(scene)
    for each in scene.of_kind("Job"):
        if dig(each, "spec", "ttlSecondsAfterFinished") is not None:
            place = scene.trace.field(each, ("spec", "ttlSecondsAfterFinished"))
            message = f"{identify(each)} is deleted when it has finished, and then made again"
            yield scene.finding(TTL, place, message)


def _waits(scene: Scene, hooked: list[Object]) -> Iterator[Finding]:
    """Pairs in the wrong order, told once for each annotation that puts them so."""
    turns = {id(each): _turn(each) for each in scene.objects}
    if len(set(turns.values())) < 2:
        return
    groups: dict[tuple[Place, str], list[tuple[Object, Object]]] = defaultdict(list)
    for waiting, awaited in _pairs(scene):
        told = any(waiting is each or awaited is each for each in hooked)
        if turns[id(waiting)] < turns[id(awaited)] and not told:
            # The one that was moved out of the usual turn is the one to look at.
            moved, why = (awaited, "later") if turns[id(awaited)] > (0, 0) else (waiting, "earlier")
            field = next((each for each in (_WAVE, *_HOOKS) if each in _annotations(moved)), _WAVE)
            groups[scene.trace.field(moved, ("metadata", "annotations", field)), why].append((waiting, awaited))
    for (place, why), pairs in groups.items():
        before = sorted({str(identify(each)) for each, _ in pairs})
        after = sorted({str(identify(each)) for _, each in pairs})
        shown = ", ".join(before[:3]) + (f" and {len(before) - 3} more" if len(before) > 3 else "")
        message = f"{shown} can't get ready without {', '.join(after[:3])}, which Argo CD applies only after it"
        yield scene.finding(LATER, place, message, f"its turn is {why} than the others'")


def _pairs(scene: Scene) -> Iterator[tuple[Object, Object]]:
    """What waits, and what for: objects without which a pod does not start, or its program not go on."""
    namespace = scene.find("Namespace", scene.environment.namespace)
    for each in scene.objects:
        inside = dig(each, "metadata", "namespace") == scene.environment.namespace
        if namespace is not None and each is not namespace and inside:
            yield each, namespace
    for pod in pods.of(scene):
        if pod.key is None and pod.owner["kind"] != "CronJob":
            for awaited in _awaited(scene, pod):
                if awaited is not None and awaited is not pod.owner:
                    yield pod.owner, awaited


def _awaited(scene: Scene, pod: Pod) -> Iterator[Object | None]:
    for mention in reads.entries(pod, "ConfigMap"):
        yield scene.find("ConfigMap", mention.name)
    for mention in reads.entries(pod, "Secret"):
        sealed = scene.find("SealedSecret", mention.name) or scene.find("Secret", mention.name)
        yield sealed or (scene.called("Job", GENERATOR) if pods.held(scene, "Secret", mention.name) else None)
    for mention in reads.accounts(pod):
        yield scene.find("ServiceAccount", mention.name)
    for mention in reads.claims(pod):
        yield scene.find("PersistentVolumeClaim", mention.name)
    texts = [text for each in pod.containers for field in ("command", "args") for text in items(each.data.get(field))]
    if any("check-migrations" in text for text in texts if isinstance(text, str)):
        yield scene.called("Job", _MIGRATE)
    if any(_DATABASE in each.settings for each in pod.containers):
        yield scene.find("StatefulSet", "airflow-pg")
        yield scene.find("Service", "airflow-pg")


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
    return mapping(dig(each, "metadata", "annotations"))


def _dependencies(scene: Scene) -> Iterator[Finding]:
    """Names in dependsOn that neither this file nor another environment of the cluster has."""
    roots = sync_objects.roots(scene)
    cluster = scene.environment.cluster
    known = {each.sync_name for each in scene.model.environments if each.cluster == cluster}
    known |= {each.name for each in roots} | {_FLUX_SYSTEM}
    for root in roots:
        for number, each in enumerate(items(root.get("spec", "dependsOn"))):
            name, namespace = dig(each, "name"), dig(each, "namespace")
            here = namespace is None or namespace == root.get("metadata", "namespace")
            if isinstance(name, str) and here and name not in known:
                message = f"{root} depends on Kustomization/{name}, which is not there"
                place = root.place("spec", "dependsOn", number, "name")
                yield scene.finding(DEPENDENCY, place, message, near(name, known))
