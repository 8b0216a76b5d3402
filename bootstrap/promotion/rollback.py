"""Going back: an environment's release as it was at an earlier commit, and a hold so that it stays."""

from bootstrap.config import edit, model
from bootstrap.config.hold import Hold
from bootstrap.config.model import Model
from bootstrap.core.changeset import ChangeSet
from bootstrap.core.errors import BadTarget
from bootstrap.core.tree import Tree
from bootstrap.promotion import plan as promotion
from bootstrap.promotion import release
from bootstrap.promotion.plan import ALL, Plan
from bootstrap.promotion.release_merge import Merge


def plan(tree: Tree, known: Model, name: str, earlier: Tree, hold: Hold) -> Plan:
    """Restore the release that an environment had in an earlier tree, and put the environment on hold.

    The release's files are restored byte for byte, with those of the base and the list of its components; secrets and
    all that is the environment's own stay as they are now. Where the release is already that one, nothing changes, and
    no hold is set.

    The first environment runs `base/` itself, which is restored too, unless the scaffold was upgraded in between: then
    BadTarget is raised, since `base/` would no longer be of the version that taxiway.yaml names.
    """
    environment = known.find(name)
    ours = release.of(tree, environment)
    if f"{environment.overlay}/kustomization.yaml" not in earlier:
        raise BadTarget(
            f"environment {name!r} was not there yet at that commit", hint=f"git log -- {environment.overlay}"
        )
    theirs = release.of(earlier, environment)
    if (
        not ours.is_pinned
        and ours.base != theirs.base
        and Model.parse(earlier.get(model.PATH, b"")).scaffold != known.scaffold
    ):
        raise BadTarget(
            f"the scaffold was upgraded since, and {name} runs base/ as it is",
            hint="revert the upgrade's commit, or roll back to a commit after it",
        )
    # With what is there now as the ancestor nothing counts as the target's own choice, and every file moves as it is.
    merge = Merge(ours=ours, theirs=theirs, base=ours, only=ALL)
    changes = merge.changes()
    if not changes:
        return Plan(changes=changes)
    text = edit.hold(tree[model.PATH], known, name, hold)
    if text != tree[model.PATH]:
        changes = ChangeSet(writes={**changes.writes, model.PATH: text}, deletes=changes.deletes)
    return Plan(changes=changes, moved=tuple(merge.ledger.moved))


def remarks(planned: Plan, name: str) -> tuple[str, ...]:
    """What the reviewer has to do before the merge: a database that was migrated since can't be read by older code."""
    if not (back := promotion.downgrade(planned)):
        return ()
    return (
        f"The database of {name} was migrated for {back[0]}, and {back[1]} can't read it: before the "
        "merge, run `airflow db downgrade` in the environment, or restore a backup from before that migration.",
    )
