"""Mistakes of environments together."""

from tests.lint.cases import Broken, append, replace, write

_PRIORITY = """apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata:
  name: airflow
value: 1000
"""

CASES: tuple[Broken, ...] = ()
