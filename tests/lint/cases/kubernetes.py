"""Mistakes about kubernetes."""

from tests.lint.cases import Broken

CASES: tuple[Broken, ...] = ()
