"""Mistakes about airflow."""

from tests.lint.cases import Broken

CASES: tuple[Broken, ...] = ()
