"""Tests of `taxiway validate` and its rules."""

from bootstrap.validate import registry
from bootstrap.validate.context import Context
from bootstrap.validate.violation import Finding


def found(context: Context, family: str) -> list[Finding]:
    """What the rules of a family find."""
    return [finding for finding in registry.examine(context) if finding.rule.name.startswith(f"{family}/")]
