"""Mistakes about secrets."""

from tests.lint.cases import Broken

CASES: tuple[Broken, ...] = ()
