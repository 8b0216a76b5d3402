"""Kubernetes quantities (CPU, memory, storage): parsing, and equality of different notations."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# apimachinery, pkg/api/resource: <signedNumber><suffix>.
_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+))(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+|)", re.ASCII
)
_SUFFIXES: Mapping[str, Decimal] = {
    "": Decimal(1),
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{letter: Decimal(1000) ** -power for power, letter in enumerate("mun", 1)},
}
# End of the paths of quantity fields in built-in kinds.
_AMOUNT = re.compile(
    r"(?:^|[.\[])(?:requests|limits|hard|capacity|overhead)\]?(?:\.[^.\[\]]+|\[[^\]]+\])$|\bsizeLimit\]?$"
)


def quantity(value: Any) -> Decimal | None:
    """Parse a quantity; None if it is invalid."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    match = _QUANTITY.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if match is None:
        return None
    suffix = match["suffix"]
    try:
        if suffix[:1] in ("e", "E") and len(suffix) > 1 and suffix != "Ei":
            return Decimal(match["number"]) * Decimal(10) ** int(suffix[1:])
        return Decimal(match["number"]) * _SUFFIXES[suffix]
    except (ArithmeticError, ValueError):
        return None


def is_same(path: str, left: Any, right: Any) -> bool:
    """Whether both values of a field are the same quantity, such as `320Mi` and `0.3125Gi`."""
    amount = quantity(left) if _AMOUNT.search(path) else None
    return amount is not None and amount == quantity(right)


def equal(left: Any, right: Any, path: str = "") -> bool:
    """Whether two values are equal, apart from the notation of quantities, which the API server normalises."""
    if left == right:
        return True
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key], f"{path}[{key}]") for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b, path) for a, b in zip(left, right, strict=True))
    return is_same(path, left, right)
