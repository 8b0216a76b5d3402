"""Rule about immutable fields that differ from HEAD."""

from collections.abc import Iterator
from typing import Any

from bootstrap.diff import consequences
from bootstrap.kubernetes.objects import by_identity, dig, identify, name_of
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes.field_checks import dotted
from bootstrap.validate.violation import Violation, Within
from bootstrap.yamltools.positions import FieldPath


@rule(
    "kubernetes/immutable-field",
    ERROR,
    fix="Give the object another name, or plan to delete the old one by hand; a StatefulSet's volumes outlive it.",
    after=("*",),
    within=Within.FILE,  # an object that is wrong in itself is not told to differ from HEAD, too
)
def immutable_field(env: EnvironmentContext) -> Iterator[Violation]:
    """A field that nobody can change after the object is made stays as it is at HEAD.

    The API server refuses the change: field is immutable. The sync fails until the object is deleted.
    """
    if env.before == env.rendered or env.objects_before is None:
        return
    before = by_identity(env.objects_before)
    for obj in env.objects:
        old = before.get(identify(obj))
        if old is None or old == obj or name_of(old) != name_of(obj):
            continue
        # A Job with a release in its name is checked by airflow/release-unchanged.
        released = obj["kind"] == "Job" and identify(obj).name != name_of(obj)
        for field in consequences.immutable(old, obj) if not released else ():
            path = tuple(field.split("."))
            exact = (*path, *_difference(dig(old, *path), dig(obj, *path)))
            message = f"{identify(obj)}: {field} can't be changed, and {dotted(exact)} was"
            yield Violation(env.trace.field(obj, exact), message)


def _difference(old: Any, new: Any) -> FieldPath:
    """FieldPath of the first difference, as deep as both sides exist."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in new:
            if key in old and old[key] != new[key]:
                return (str(key), *_difference(old[key], new[key]))
        return next(((str(key),) for key in new if key not in old), ())
    if isinstance(old, list) and isinstance(new, list):
        for number, (one, other) in enumerate(zip(old, new, strict=False)):
            if one != other:
                return (number, *_difference(one, other))
        return (len(old),) if len(new) > len(old) else ()
    return ()
