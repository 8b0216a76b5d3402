"""Make docs/rules.md anew, of the docstrings of the rules: python -m tests.refresh.rules"""

import re
from pathlib import Path

from bootstrap.validate import registry
from bootstrap.validate.violation import Rule

OUT = Path(__file__).resolve().parents[2] / "docs/rules.md"
HEAD = """<!-- Made by `make rules` of the docstrings of bootstrap/validate/rules. -->
# The rules of `taxiway validate`

`taxiway validate --explain RULE` tells one of them. A rule is switched off in `taxiway.yaml`, with a reason; where
`environments` or `paths` are given (shell patterns, whose `*` stands for slashes as well), only there:

```yaml
validate:
  off:
    - rule: airflow/unknown-section
      reason: our own secrets backend reads it
    - rule: references/missing-pull-secret
      reason: a controller of the cluster brings it
      environments: [prod]
      paths: ["base/airflow/*"]
```
"""


def text() -> str:
    """The page."""
    pages, family = [HEAD], ""
    for rule in sorted(registry.all_rules(), key=lambda each: each.name):
        if family != (family := rule.name.partition("/")[0]):
            pages.append(f"## {family}\n")
        pages.append(_page(rule))
    return "\n".join(pages)


def _page(rule: Rule) -> str:
    formerly = f" Formerly {', '.join(f'`{name}`' for name in rule.aliases)}." if rule.aliases else ""
    lines = (f"**{rule.severity.capitalize()}: {_escaped(rule.title)}**{formerly}", _escaped(rule.why))
    return "\n\n".join((f"### {rule.name}", *lines, f"*To do:* {_escaped(rule.fix)}\n"))


def _escaped(text: str) -> str:
    """Markdown that shows a text as it is, but for what stands between backticks."""
    parts = text.split("`")
    return "`".join(part if number % 2 else re.sub(r"([<*\[])", r"\\\1", part) for number, part in enumerate(parts))


if __name__ == "__main__":
    OUT.write_text(text())
