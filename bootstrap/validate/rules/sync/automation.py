"""Rule about automated sync: not suspended, with prune and self-heal."""

from collections.abc import Iterator

from bootstrap.config.model import Controller
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import WARNING, rule
from bootstrap.validate.rules.sync import objects
from bootstrap.validate.rules.sync.objects import Synced
from bootstrap.validate.violation import Violation


@rule(
    "sync/switched-off",
    WARNING,
    fix="Switch it on again, or switch this rule off and say why.",
    after=("sync/missing-overlay",),
)
def switched_off(env: EnvironmentContext) -> Iterator[Violation]:
    """The controller syncs by itself, removes what is gone, and mends what was changed by hand.

    The cluster is then no longer as Git says, and a revert does not take everything back.
    """
    return _argocd(env) if env.model.controller is Controller.ARGOCD else _flux(env)


def _argocd(env: EnvironmentContext) -> Iterator[Violation]:
    policy = ("spec", "syncPolicy", "automated")
    for root in objects.roots(env):
        automated = root.get(*policy)
        if not isinstance(automated, dict) or automated.get("enabled") is False:
            yield _not_automated(root, "does not sync by itself", *policy, "enabled")
            continue
        effects = (("prune", "leaves what is gone from Git"), ("selfHeal", "leaves what was changed by hand"))
        for field, effect in effects:
            if automated.get(field) is not True:
                yield _not_automated(root, effect, *policy, field)


def _flux(env: EnvironmentContext) -> Iterator[Violation]:
    for root, repository in objects.flux_roots(env):
        for synced in (repository, root):
            if synced is not None and synced.get("spec", "suspend") is True:
                yield _not_automated(synced, "is suspended", "spec", "suspend")
        for field, effect in (("prune", "leaves what is gone from Git"), ("wait", "is Ready before Airflow is")):
            if root.get("spec", field) is not True and not (field == "wait" and root.get("spec", "healthChecks")):
                yield _not_automated(root, effect, "spec", field)


def _not_automated(synced: Synced, effect: str, *path: str) -> Violation:
    return Violation(synced.place(*path), f"{synced} {effect}: {'.'.join(path)}")
