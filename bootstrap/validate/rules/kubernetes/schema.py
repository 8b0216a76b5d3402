"""Schema rules about fields, checked against the published schemas of every supported Kubernetes minor."""

from collections.abc import Iterator
from difflib import get_close_matches

from bootstrap.kubernetes import conformance, schemas
from bootstrap.kubernetes.conformance import Problem
from bootstrap.kubernetes.scalars import Trouble
from bootstrap.validate.context import shared
from bootstrap.validate.objects import ObjectContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes.field_checks import dotted
from bootstrap.validate.violation import SchemaViolation
from bootstrap.yamltools.positions import FieldPath


@rule(
    "kubernetes/unknown-field",
    ERROR,
    fix="Correct its spelling or its indentation; taxiway validate knows every field of the kind.",
)
def unknown_field(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """Every field is one that the kind has.

    Server-side apply, which both controllers use, refuses the object, and with it the whole sync: field not
    declared in schema. In a worker's pod template Airflow drops the field in silence.
    """
    return refused(obj, Trouble.UNKNOWN)


@rule("kubernetes/missing-field", ERROR, fix="Add the field.")
def missing_field(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """Every field that the kind requires is there.

    The API server refuses the object: Required value.
    """
    return refused(obj, Trouble.MISSING)


@rule("kubernetes/duplicate-item", ERROR, fix="Remove one of the two.")
def duplicate_item(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """Items of a list that Kubernetes keeps by their names have different names.

    Server-side apply, which both controllers use, refuses the object, and with it the whole sync: duplicate entries
    for key. Where it is let through, the last one silently wins.
    """
    return refused(obj, Trouble.COLLISION)


@rule(
    "kubernetes/not-in-every-version",
    ERROR,
    fix="Do without it, or raise kubernetes in taxiway.yaml if no cluster is older.",
)
def not_in_every_version(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """Everything that is used is there in each Kubernetes minor from the oldest one in taxiway.yaml on.

    A cluster of the other minors refuses the object: at the next sync, or at the cluster's next upgrade.
    """
    return refused(obj, None)


def refused(obj: ObjectContext, trouble: Trouble | None) -> Iterator[SchemaViolation]:
    """Violations of one kind of trouble, refused by every minor; for None, those refused by some minors only."""
    return (violation for other, violation in _refused(obj) if other is trouble)


@shared
def _refused(obj: ObjectContext) -> Iterator[tuple[Trouble | None, SchemaViolation]]:
    """All problems of an object; those inside of a refused field are left out."""
    problems = conformance.problems(obj.value, obj.model.kubernetes)
    paths = {problem.path for problem in problems}
    every = schemas.minors(obj.model.kubernetes)
    misspelt = [problem.path for problem in problems if problem.trouble is Trouble.UNKNOWN]
    for problem in problems:
        path, trouble, unknown = problem.path, problem.trouble, problem.trouble is Trouble.UNKNOWN
        missing = trouble is Trouble.MISSING
        if any(path[:length] in paths for length in range(1, len(path))) or (missing and _stands(path, misspelt)):
            continue
        if missing or set(problem.minors) >= set(every):
            where = f" {'of' if unknown else 'in'} {_parent(problem)}" if missing or unknown else ""
            yield trouble, SchemaViolation(path, f"{problem.what}{where}", problem.hint, misspelt=unknown)
        else:
            yield None, SchemaViolation(path, _partly(problem, every))


def reach(minors: tuple[str, ...]) -> str:
    """Short text for a range of minors."""
    return minors[0] if len(minors) == 1 else f"{minors[0]} to {minors[-1]}"


def _stands(missing: FieldPath, misspelt: list[FieldPath]) -> bool:
    """Whether a missing field is present under a misspelt name."""
    siblings = [str(path[-1]).lower() for path in misspelt if path[:-1] == missing[:-1]]
    return bool(get_close_matches(str(missing[-1]).lower(), siblings, 1, 0.7))


def _partly(problem: Problem, every: tuple[str, ...]) -> str:
    what = f"{problem.what} of {_parent(problem)}" if problem.trouble is Trouble.UNKNOWN else problem.what
    fine = tuple(minor for minor in every if minor not in problem.minors)
    return f"{what} in Kubernetes {reach(problem.minors)}; {reach(fine)} has it" if fine else what


def _parent(problem: Problem) -> str:
    return dotted(problem.path[:-1]) or "the object"
