"""Difference of one environment: its objects compared, with the consequences of the changes."""

from collections.abc import Sequence
from dataclasses import replace

from bootstrap.diff import compare, consequences, ownership
from bootstrap.diff.consequences import Consequence, Effect
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.kubernetes.objects import Object, dig, identify


def over_time(
    name: str, before: Sequence[Object], after: Sequence[Object], beside: Sequence[Consequence] = ()
) -> EnvironmentDiff:
    """Compare one environment before and after a change; a side is empty where the environment does not exist.

    `beside` are consequences of files that are not rendered, such as taxiway.yaml.
    """
    old, new = consequences.home(before), consequences.home(after)
    if old and new and all(identify(obj).namespace != old for obj in after):
        moved = _moved(name, before, after, old, new)
        first, *weaker = moved.consequences
        return replace(moved, consequences=(first, *beside, *weaker))
    changes = compare.compare(before, after)
    follows = (*beside, *consequences.consequences(changes, before, after))
    return EnvironmentDiff(environment=name, changes=changes, consequences=follows)


def _moved(name: str, before: Sequence[Object], after: Sequence[Object], old: str, new: str) -> EnvironmentDiff:
    """An environment that moves to another namespace: all its objects are new, so only other differences are listed."""
    own = next((obj for obj in before if obj["kind"] == "Namespace" and identify(obj).name == old), None)
    stays = f"leaves Git, but {how}" if own and (how := consequences.kept(own)) else "goes" if own else "stays"
    what = (
        f"a new, empty environment in place of the one in {old}: {_empty(before)}"
        f"what runs in {old} is pruned, and the namespace {stays}"
    )
    as_if = [ownership.as_if(obj, old, new) for obj in before]
    changes = compare.compare(as_if, after)
    # All objects are new, so no other change restarts, refuses or loses anything.
    weaker = (
        consequence
        for consequence in consequences.consequences(changes, as_if, after)
        if consequence.effect is Effect.SECURITY
    )
    first = Consequence(effect=Effect.REPLACED, subject=f"Namespace/{new}", what=what)
    return EnvironmentDiff(environment=name, changes=changes, consequences=(first, *weaker))


def _empty(before: Sequence[Object]) -> str:
    if any(dig(obj, "spec", "volumeClaimTemplates") for obj in before):
        return "its database and its volumes begin empty; "
    return "its volumes begin empty; " if any(obj["kind"] == "PersistentVolumeClaim" for obj in before) else ""


def between(
    name: str, before: Sequence[Object], after: Sequence[Object], own_settings: frozenset[str] | None
) -> EnvironmentDiff:
    """Compare two environments of one state of the repo, as if both were in the namespace of the second.

    What an environment owns (see `ownership.fold`) is left out; None as `own_settings` keeps it.
    """
    old, new = consequences.home(before), consequences.home(after)
    moved = [ownership.as_if(obj, old, new) for obj in before]
    whole = changes = compare.compare(moved, after)
    folded = 0
    if own_settings is not None:
        changes, folded = ownership.fold(whole, own_settings)
    follows = consequences.consequences(changes, moved, after)
    guards = [change for change in whole if change.identity.kind == "Namespace" and change not in changes]
    follows += tuple(
        consequence
        for consequence in consequences.consequences(guards, moved, after)
        if consequence.effect is Effect.SECURITY
    )
    ranked = consequences.in_order(follows)
    return EnvironmentDiff(environment=name, changes=changes, consequences=ranked, folded=folded)
