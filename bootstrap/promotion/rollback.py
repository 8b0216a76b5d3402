"""Plan of a rollback: restore the release of an earlier commit, and put the environment on hold."""

from bootstrap.config import edit, model
from bootstrap.config.hold import Hold
from bootstrap.config.model import Model
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadTarget
from bootstrap.core.tree import Tree
from bootstrap.promotion import plan as promotion
from bootstrap.promotion import release
from bootstrap.promotion.plan import ALL, Plan
from bootstrap.promotion.release_merge import ReleaseMerge


def plan(tree: Tree, known: Model, name: str, earlier: Tree, hold: Hold) -> Plan:
    """Plan to restore the release that an environment had in an `earlier` tree, and to put it on hold.

    The files of the release and the base are restored byte for byte, with the list of components; secrets and whatever
    else belongs to the environment stay. Where the release is the earlier one already, nothing changes and no hold is
    set.

    The first environment runs `base/` itself, so that is restored. Raises BadTarget where the scaffold was upgraded in
    between, since `base/` would no longer match the version in taxiway.yaml, and where the environment did not exist.
    """
    environment = known.find(name)
    ours = release.load(tree, environment)
    if f"{environment.overlay}/kustomization.yaml" not in earlier:
        raise BadTarget(
            f"environment {name!r} was not there yet at that commit", hint=f"git log -- {environment.overlay}"
        )
    theirs = release.load(earlier, environment)
    if (
        not ours.is_pinned
        and ours.base != theirs.base
        and Model.parse(earlier.get(model.PATH, b"")).scaffold != known.scaffold
    ):
        raise BadTarget(
            f"the scaffold was upgraded since, and {name} runs base/ as it is",
            hint="revert the upgrade's commit, or roll back to a commit after it",
        )
    # The current release as ancestor: nothing counts as edited by the target, so every file is copied as a whole.
    merge = ReleaseMerge(ours=ours, theirs=theirs, base=ours, only=ALL)
    changes = merge.changes()
    if not changes:
        return Plan(changes=changes)
    text = edit.hold(tree[model.PATH], known, name, hold)
    if text != tree[model.PATH]:
        changes = ChangeSet(writes={**changes.writes, model.PATH: text}, deletes=changes.deletes)
    return Plan(changes=changes, moved=tuple(merge.decisions.moved))


def remarks(planned: Plan, name: str) -> tuple[str, ...]:
    """Remarks for the reviewer: an older Airflow can't read a database that was migrated since."""
    if not (down := promotion.downgrade(planned)):
        return ()
    return (
        f"The database of {name} was migrated for {down[0]}, and {down[1]} can't read it: before the "
        "merge, run `airflow db downgrade` in the environment, or restore a backup from before that migration.",
    )
