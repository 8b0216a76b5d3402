"""Mistakes about sync."""

from tests.lint.cases import Broken

CASES: tuple[Broken, ...] = ()
