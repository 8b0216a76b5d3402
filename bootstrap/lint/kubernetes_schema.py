"""Objects against the published schemas of every Kubernetes minor that the environment may meet."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from bootstrap import schemas
from bootstrap.lint.kubernetes_conformance import Problem, problems
from bootstrap.lint.kubernetes_flaw import Flaw, Path
from bootstrap.lint.kubernetes_scalars import Trouble
from bootstrap.validate.violation import Rule, Severity

_REFUSED = "Server-side apply, which both controllers use, refuses the object, and with it the whole sync"
UNKNOWN_FIELD = Rule(
    name="kubernetes/unknown-field",
    severity=Severity.ERROR,
    title="Every field is one that the kind has.",
    why=f"{_REFUSED}: field not declared in schema. In a worker's pod template Airflow drops the field in silence.",
    fix="Correct its spelling or its indentation; taxiway validate knows every field of the kind.",
)
MISSING_FIELD = Rule(
    name="kubernetes/missing-field",
    severity=Severity.ERROR,
    title="Every field that the kind requires is there.",
    why="The API server refuses the object: Required value.",
    fix="Add the field.",
)
WRONG_TYPE = Rule(
    name="kubernetes/wrong-type",
    severity=Severity.ERROR,
    title="Every value is of its field's type.",
    why=f"{_REFUSED}: expected string, got number, and the like.",
    fix="Mind the quotes: a number or true in quotes is a string, and without them it is none.",
)
UNKNOWN_VALUE = Rule(
    name="kubernetes/unknown-value",
    severity=Severity.ERROR,
    title="A field that has a closed list of values holds one of them.",
    why="The API server refuses the object: Unsupported value.",
    fix="Choose a value of the list; upper and lower case count.",
)
BAD_QUANTITY = Rule(
    name="kubernetes/bad-quantity",
    severity=Severity.ERROR,
    title="Amounts of CPU, memory and storage are quantities.",
    why="The API server refuses the object: quantities must match the regular expression.",
    fix="Write a number and a suffix without a space, such as 500m, 512Mi or 10Gi.",
)
BAD_FORMAT = Rule(
    name="kubernetes/bad-format",
    severity=Severity.ERROR,
    title="A value has the form, and is within the bounds, that its schema asks for.",
    why="The API server refuses the object.",
    fix="Write the value as the schema wants it.",
)
DUPLICATE_ITEM = Rule(
    name="kubernetes/duplicate-item",
    severity=Severity.ERROR,
    title="Items of a list that Kubernetes keeps by their names have different names.",
    why=f"{_REFUSED}: duplicate entries for key. Where it is let through, the last one silently wins.",
    fix="Remove one of the two.",
)
OTHER_VERSIONS = Rule(
    name="kubernetes/not-in-every-version",
    severity=Severity.ERROR,
    title="Everything that is used is there in each Kubernetes minor from the oldest one in taxiway.yaml on.",
    why="A cluster of the other minors refuses the object: at the next sync, or at the cluster's next upgrade.",
    fix="Do without it, or raise kubernetes in taxiway.yaml if no cluster is older.",
)
RULES = (
    UNKNOWN_FIELD,
    MISSING_FIELD,
    WRONG_TYPE,
    UNKNOWN_VALUE,
    BAD_QUANTITY,
    BAD_FORMAT,
    DUPLICATE_ITEM,
    OTHER_VERSIONS,
)

_RULES = {
    Trouble.UNKNOWN: UNKNOWN_FIELD,
    Trouble.MISSING: MISSING_FIELD,
    Trouble.TYPE: WRONG_TYPE,
    Trouble.UNLISTED: UNKNOWN_VALUE,
    Trouble.QUANTITY: BAD_QUANTITY,
    Trouble.LIMIT: BAD_FORMAT,
    Trouble.COLLISION: DUPLICATE_ITEM,
}


def check(each: Mapping[str, Any], oldest: str) -> Iterator[Flaw]:
    """All that the schemas refuse. Where a field is refused, what is inside of it is not told as well."""
    found = problems(each, oldest)
    refused = {problem.path for problem in found}
    every = schemas.minors(oldest)
    misspelt = [problem.path for problem in found if problem.trouble is Trouble.UNKNOWN]
    for problem in found:
        if any(problem.path[:length] in refused for length in range(1, len(problem.path))):
            continue
        if problem.trouble is Trouble.MISSING and _stands(problem.path, misspelt):
            continue
        where = f" in {_spelt(problem)}" if problem.trouble in (Trouble.UNKNOWN, Trouble.MISSING) else ""
        if set(problem.minors) >= set(every) or problem.trouble is Trouble.MISSING:
            what = f"{problem.what}{' of' + where[3:] if problem.trouble is Trouble.UNKNOWN else where}"
            yield Flaw(rule=_RULES[problem.trouble], path=problem.path, what=what, hint=problem.hint)
        else:
            yield Flaw(rule=OTHER_VERSIONS, path=problem.path, what=_partly(problem, every))


def reach(minors: tuple[str, ...]) -> str:
    """Minors in few words."""
    return minors[0] if len(minors) == 1 else f"{minors[0]} to {minors[-1]}"


def _stands(missing: Path, misspelt: list[Path]) -> bool:
    """Whether a missing field stands there under a name that is nearly its own."""
    siblings = [str(path[-1]).lower() for path in misspelt if path[:-1] == missing[:-1]]
    return bool(get_close_matches(str(missing[-1]).lower(), siblings, 1, 0.7))


def _partly(problem: Problem, every: tuple[str, ...]) -> str:
    what = problem.what
    if problem.trouble is Trouble.UNKNOWN:
        what = f"{problem.path[-1]} is no field of {_spelt(problem)}"
    fine = tuple(minor for minor in every if minor not in problem.minors)
    return f"{what} in Kubernetes {reach(problem.minors)}; {reach(fine)} has it" if fine else what


def _spelt(problem: Problem) -> str:
    """The parent of a field, as people write it."""
    text = ""
    for step in problem.path[:-1]:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".") or "the object"
