"""Exemptions: rules of `validate` that taxiway.yaml switches off, everywhere or in a part of the repository."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from bootstrap.config.fields import Fields, single_line
from bootstrap.core.errors import BadOption


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A rule that is switched off, with the reason. Without `environments` or `paths`, it is off in all of them.

    `paths` are shell patterns (fnmatch); `*` matches slashes too.
    """

    rule: str
    reason: str
    environments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @classmethod
    def parse(cls, entry: Fields) -> "Exemption":
        """Read an entry of taxiway.yaml. Raises BadTarget where it gives no reason."""
        name = entry.string("rule", str)
        return cls(
            rule=name,
            reason=entry.string("reason", partial(_reason, name), "", lines=True),
            environments=entry.value("environments", partial(_texts, "environments"), None),
            paths=entry.value("paths", partial(_texts, "paths"), None),
        )

    @property
    def fields(self) -> dict[str, Any]:
        """The exemption as its mapping in taxiway.yaml."""
        scope = {"environments": [*self.environments], "paths": [*self.paths]}
        return {"rule": self.rule, "reason": self.reason, **{key: value for key, value in scope.items() if value}}

    @property
    def where(self) -> str:
        """Its environments and paths, as text that continues `switched off`; empty where it has none."""
        names = f" in {', '.join(self.environments)}" if self.environments else ""
        return names + (f" at {', '.join(self.paths)}" if self.paths else "")

    def covers(self, names: Collection[str], environments: Collection[str], path: str) -> bool:
        """Whether it switches off a rule, by one of its names, for a violation at a path in all of the environments."""
        in_environments = not self.environments or (bool(environments) and {*environments} <= {*self.environments})
        at_path = not self.paths or any(fnmatchcase(path, pattern) for pattern in self.paths)
        return self.rule in names and in_environments and at_path

    def includes(self, other: "Exemption") -> bool:
        """Whether it switches off all that another one does. Path patterns are compared as text."""
        pairs = ((self.environments, other.environments), (self.paths, other.paths))
        is_wider = all(not own or (theirs and {*theirs} <= {*own}) for own, theirs in pairs)
        return self.rule == other.rule and is_wider


def parse(top: Fields) -> tuple[Exemption, ...]:
    """The exemptions of taxiway.yaml."""
    section = Fields.of(top.name, top.text, top.data.get("validate") or {}, ("validate",))
    # YAML 1.1 reads the bare word `off` as False.
    section = replace(section, data={"off": section.data.get("off", section.data.get(False)) or []})
    return tuple(Exemption.parse(section.entry("off", number)) for number in range(len(section.list("off"))))


def added(before: Sequence[Exemption], after: Sequence[Exemption]) -> list[Exemption]:
    """The exemptions after a change that none before it includes."""
    return [exemption for exemption in after if not any(old.includes(exemption) for old in before)]


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not value:
        raise BadOption(f"{key!r} is no list of names", hint="leave it out to mean all of them")
    return tuple(single_line(key, text) for text in value)


def _reason(rule: str, text: str) -> str:
    if not text.strip():
        raise BadOption(f"the rule {rule!r} is switched off without a reason", hint="say why, in its `reason`")
    return text.strip()
