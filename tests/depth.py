"""How much of a large table the gate runs; `make test-deep` runs what it leaves out, under the marker `deep`."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest


def strided(cases: Sequence[Any], step: int, *, kept: Callable[[Any], bool] = lambda case: False) -> list[Any]:
    """The cases as parameters: every `step`th and those to be `kept` for the gate, all others marked `deep`.

    A case that is a tuple has one value for each parameter.
    """
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=() if number % step == 0 or kept(case) else pytest.mark.deep,
        )
        for number, case in enumerate(cases)
    ]
