"""What was found in a whole repo, remembered for as long as its files, those of HEAD and the day give the same."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bootstrap import fingerprint, untracked
from bootstrap.builds import Builder
from bootstrap.snapshot import Commit, WorkTree
from bootstrap.validate.violation import Finding, Place, Rule, Severity

_LAYOUT = "1"  # of what is kept in the cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered of a work tree. To read it takes none of the rules, whose import takes longer than that."""

    work: WorkTree
    before: Commit | None
    builder: Builder

    def recall(self, now: float) -> list[Finding] | None:
        """All that is found at a time (seconds since 1970), if that is known."""
        key = self._key(self.work)
        held = self.builder.cache.get(key) if key else None
        if held is None:
            return None
        try:
            kept = json.loads(held)
            return [_loaded(each) for each in kept["findings"]] if kept["since"] <= now < kept["until"] else None
        except (AttributeError, ValueError, KeyError, TypeError):  # of a program that was made differently
            return None

    def keep(self, findings: Sequence[Finding], since: float, until: float) -> None:
        """Remember all that is found from one time up to another, if the files are still as they were looked at."""
        key = self._key(self.work)
        again = untracked.Memory(top=self.work.top, cache=self.builder.cache, begin=True)
        if key and self._key(WorkTree(self.work.top, memory=again)) == key:
            held = {"since": since, "until": until, "findings": [asdict(each) for each in findings]}
            self.builder.cache.put(key, json.dumps(held).encode())

    def _key(self, work: WorkTree) -> str | None:
        """A name for all that the findings depend on but the time, wherever it stands in the repo."""
        now, before = work.state(), self.before.ids if self.before else {}
        if now is None:
            return None
        about = ("all findings", _LAYOUT, self.builder.code, self.builder.renderer)
        return fingerprint.key(*about, _flat(now), "same" if before == now else _flat(before))


def _loaded(data: Mapping[str, Any]) -> Finding:
    rule = Rule(**{**data["rule"], "severity": Severity(data["rule"]["severity"])})
    place, environments = Place(**data["place"]), tuple(data["environments"])
    return Finding(rule=rule, place=place, message=data["message"], hint=data["hint"], environments=environments)


def _flat(ids: Mapping[str, str]) -> list[str]:
    return [text for each in sorted(ids.items()) for text in each]
