"""What a change does to one environment: its objects compared, and what follows."""

from collections.abc import Sequence
from dataclasses import replace

from bootstrap.diff import compare, consequences, ownership
from bootstrap.diff.consequences import Consequence, Effect
from bootstrap.diff.formats import EnvironmentDiff
from bootstrap.kubernetes.objects import Object, dig, identify


def over_time(
    name: str, before: Sequence[Object], after: Sequence[Object], beside: Sequence[Consequence] = ()
) -> EnvironmentDiff:
    """One environment at two times, empty where it is not there; `beside` follows from what is no object of it."""
    old, new = consequences.home(before), consequences.home(after)
    if old and new and all(identify(obj).namespace != old for obj in after):
        moved = _moved(name, before, after, old, new)
        first, *weaker = moved.consequences
        return replace(moved, consequences=(first, *beside, *weaker))
    changes = compare.compare(before, after)
    found = (*beside, *consequences.consequences(changes, before, after))
    return EnvironmentDiff(environment=name, changes=changes, consequences=found)


def _moved(name: str, before: Sequence[Object], after: Sequence[Object], old: str, new: str) -> EnvironmentDiff:
    """An environment in another namespace: nothing of it is what it was, and only what differs else is told."""
    own = next((obj for obj in before if obj["kind"] == "Namespace" and identify(obj).name == old), None)
    stays = f"leaves Git, but {how}" if own and (how := consequences.kept(own)) else "goes" if own else "stays"
    what = (
        f"a new, empty environment in place of the one in {old}: {_empty(before)}"
        f"what runs in {old} is pruned, and the namespace {stays}"
    )
    as_if = [ownership.as_if(obj, old, new) for obj in before]
    changes = compare.compare(as_if, after)
    # Nothing restarts, is refused or lost by the rest: it is all new.
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
    """Two environments at one time, as if both stood in the namespace of the second.

    Without what is each one's own, such as what these settings are in its airflow.env, or with it where that is None.
    """
    old, new = consequences.home(before), consequences.home(after)
    moved = [ownership.as_if(obj, old, new) for obj in before]
    whole = changes = compare.compare(moved, after)
    folded = 0
    if own_settings is not None:
        changes, folded = ownership.fold(whole, own_settings)
    found = consequences.consequences(changes, moved, after)
    guards = [change for change in whole if change.identity.kind == "Namespace" and change not in changes]
    found += tuple(
        consequence
        for consequence in consequences.consequences(guards, moved, after)
        if consequence.effect is Effect.SECURITY
    )
    return EnvironmentDiff(environment=name, changes=changes, consequences=consequences.in_order(found), folded=folded)
