"""Mistakes about references."""

from tests.lint.cases import Broken

CASES: tuple[Broken, ...] = ()
