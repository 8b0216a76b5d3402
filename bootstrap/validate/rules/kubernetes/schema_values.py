"""Schema rules about values, checked against the published schemas of every supported Kubernetes minor."""

from collections.abc import Iterator

from bootstrap.kubernetes.scalars import Trouble
from bootstrap.validate.objects import ObjectContext
from bootstrap.validate.rule import ERROR, rule
from bootstrap.validate.rules.kubernetes.schema import refused
from bootstrap.validate.violation import SchemaViolation


@rule(
    "kubernetes/wrong-type",
    ERROR,
    fix="Mind the quotes: a number or true in quotes is a string, and without them it is none.",
)
def wrong_type(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """Every value is of its field's type.

    Server-side apply, which both controllers use, refuses the object, and with it the whole sync: expected string,
    got number, and the like.
    """
    return refused(obj, Trouble.TYPE)


@rule("kubernetes/unknown-value", ERROR, fix="Choose a value of the list; upper and lower case count.")
def unknown_value(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """A field that has a closed list of values holds one of them.

    The API server refuses the object: Unsupported value.
    """
    return refused(obj, Trouble.UNLISTED)


@rule("kubernetes/bad-quantity", ERROR, fix="Write a number and a suffix without a space, such as 500m, 512Mi or 10Gi.")
def bad_quantity(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """Amounts of CPU, memory and storage are quantities.

    The API server refuses the object: quantities must match the regular expression.
    """
    return refused(obj, Trouble.QUANTITY)


@rule("kubernetes/bad-format", ERROR, fix="Write the value as the schema wants it.")
def bad_format(obj: ObjectContext) -> Iterator[SchemaViolation]:
    """A value has the form, and is within the bounds, that its schema asks for.

    The API server refuses the object.
    """
    return refused(obj, Trouble.LIMIT)
