"""`taxiway validate --list-rules` and `--explain`: documentation of the rules."""

from bootstrap.core.result import Result
from bootstrap.validate import formats, registry


def list_rules() -> Result:
    """List the rules, a line each."""
    rules = registry.all_rules()
    width = max(len(rule.name) for rule in rules)
    lines = tuple(f"{rule.name:{width}}  {rule.severity:7}  {rule.title}" for rule in rules)
    return Result(status="listed", data={"rules": [formats.rule(rule) for rule in rules]}, lines=lines)


def explain(name: str) -> Result:
    """Explain one rule. Raises BadOption for an unknown one."""
    rule = registry.find(name)
    lines = (f"{rule.name} ({rule.severity})", "", rule.title, "", rule.why, "", f"To do: {rule.fix}")
    return Result(status="explained", data={"rules": [formats.rule(rule)]}, lines=lines)
