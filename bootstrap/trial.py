"""A change tried out before anyone sees it: both sides built, the result examined."""

from dataclasses import dataclass, replace

from bootstrap import secret_keys
from bootstrap.config.model import PATH, Environment, Model
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BuildFailed, TaxiwayError, raise_all
from bootstrap.core.tree import Tree
from bootstrap.diff import environment_diff
from bootstrap.diff.consequences import repository
from bootstrap.diff.consequences.repository import State
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.gitrepo.planned import Prospect
from bootstrap.kubernetes import objects
from bootstrap.kustomize.builder import Builder, Built
from bootstrap.pullrequests.base_commit import Ground
from bootstrap.validate.context import CLUSTERS, Concerned, EnvironmentContext
from bootstrap.validate.violation import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a change does to one environment, and every reason against it.

    `notes` are what would be a reason, but for a rule that is switched off at the commit that the change is made on.
    """

    diff: EnvironmentDiff
    reasons: tuple[TaxiwayError, ...]
    notes: tuple[str, ...] = ()


def run(ground: Ground, builder: Builder, changes: ChangeSet, after: Model, name: str, source: str | None) -> Trial:
    """Build the environment `name` as it is and as it would be, and look at the result with every rule.

    Of a `source`, it is only asked whether it builds; and what comes from one must be without an error, while a change
    of the environment's own may leave those that it has. Raises BuildFailed where one of them does not build.
    """
    environment = next((each for each in after.environments if each.name == name), None)
    old = next((each for each in ground.known.environments if each.name == name), None)
    overlay = f"overlays/{name}"
    prospect = Prospect(before=ground.snapshot, changes=changes)
    builds = {
        "after": builder.begin(prospect, overlay) if environment else None,
        "before": builder.begin(ground.snapshot, overlay) if old else None,
        "source": builder.begin(ground.snapshot, f"overlays/{source}") if source else None,
    }
    # While kustomize works: the rules, and what they look at beside the objects.
    from bootstrap.validate import registry

    parts = [part for part in ground.snapshot.parts() if part != CLUSTERS]
    now = Tree.union((ground.tree(*parts, overlay), _clusters(ground, environment or old)))
    tree = changes.apply(now)
    if environment:
        # For what the rules keep by it: most files and objects of the result are as they are here, and are known then.
        known = builds["before"].result() if builds["before"] and builds["before"].done() else Built()
        registry.examine(EnvironmentContext(model=after, environment=environment, tree=tree, rendered=known.rendered))
    built = {side: job.result() if job else Built() for side, job in builds.items()}
    raise_all(_failures(built, source))
    before, result = (objects.parse(built[side].rendered) for side in ("before", "after"))
    beside = repository.consequences(_state(ground.known, now), _state(after, tree))
    diff = environment_diff.over_time(name, before, result, (*beside.get(PATH, ()), *beside.get(name, ())))
    if environment is None:
        return Trial(diff=diff, reasons=())
    lacking = sorted({*secret_keys.missing_keys(result)} - {*secret_keys.missing_keys(before)})
    if lacking:
        return Trial(diff=diff, reasons=tuple(_lacking(environment, lacking)))
    result_scene = EnvironmentContext(model=after, environment=environment, tree=tree, rendered=built["after"].rendered)
    then = None
    if old:
        then = EnvironmentContext(model=ground.known, environment=old, tree=now, rendered=built["before"].rendered)
    return _examined(result_scene, then, diff, anew=bool(source))


def _examined(
    scene: EnvironmentContext, before: EnvironmentContext | None, diff: EnvironmentDiff, *, anew: bool
) -> Trial:
    """Look at the result with every rule; unless `anew`, what is wrong with it `before` may stay so.

    A certificate that nobody trusts may not: nothing is proposed for such an environment. Rules are off as they are at
    the commit that the change is made on.
    """
    from bootstrap.lint import kubernetes_postgres, secrets_certificate
    from bootstrap.validate import registry

    off = before.model.exemptions if before else scene.model.exemptions
    registry.check_off(off)
    found = registry.examine(scene)
    if before:
        found.extend(kubernetes_postgres.check(replace(scene, before=before.rendered)))
    wrong = {_told(each): each for each in registry.serious(found)}
    known = {
        _told(each)
        for each in (registry.serious(registry.examine(before)) if wrong and before else ())
        if each.rule is not secrets_certificate.UNTRUSTED
    }
    reasons, notes = [], []
    for told, each in wrong.items():
        exemption = registry.exempting(each, off)
        if exemption is None and (anew or told not in known):
            reasons.append(_reason(each))
        elif exemption is not None and told not in known:
            said = f"{each.rule.name} is switched off{exemption.where}: {exemption.reason}"
            notes.append(f"{each.message} ({said})")
    return Trial(diff=diff, reasons=tuple(reasons), notes=tuple(notes))


def _state(known: Model, tree: Tree) -> State:
    return State(model=known, read=lambda path: tree.files.get(path, b""))


def _told(each: Finding) -> tuple[str, str, str]:
    """What makes a finding the same one before and after, wherever its line has gone."""
    return each.rule.name, each.place.path, each.message


def _clusters(ground: Ground, environment: Environment | None) -> Tree:
    """What makes a controller sync an environment: the rules need not look at what is all about others."""
    files = ground.tree(CLUSTERS).files
    paths = Concerned(files).of(environment) if environment else ()
    return Tree({path: data for path, data in files.items() if path in paths})


def _failures(built: dict[str, Built], source: str | None) -> list[TaxiwayError]:
    found: list[TaxiwayError] = []
    if built["source"].failure:
        found.append(
            BuildFailed(f"the source {source} does not build: {built['source'].failure}", hint="mend it first")
        )
    if built["after"].failure:
        hint = "taxiway diff shows what differs; nothing was written"
        found.append(BuildFailed(f"the result does not build: {built['after'].failure}", hint=hint))
    return found


def _lacking(environment: Environment, keys: list[secret_keys.MissingKey]) -> list[TaxiwayError]:
    return [
        BuildFailed(
            f"{each}, which {environment.name} does not have",
            hint=f"seal it for {environment.namespace} into {environment.overlay}/secrets/, and merge that first",
        )
        for each in keys
    ]


def _reason(each: Finding) -> TaxiwayError:
    return BuildFailed(f"{each.place}: {each.message} ({each.rule.name})", hint=each.hint or each.rule.fix)
