"""A hold: nothing is promoted into an environment until someone releases it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.config.fields import line
from bootstrap.core import control_characters
from bootstrap.core.errors import BadOption

KEY = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why nothing is promoted into an environment, who said so, and since which day (YYYY-MM-DD)."""

    reason: str
    author: str
    date: str

    def __post_init__(self) -> None:
        """Raise BadOption where one of them is more than a line of plain text."""
        for key, text in self.fields.items():
            control_characters.reject(f"the {key} of a hold", text)

    @classmethod
    def parse(cls, environment: str, data: Any) -> "Hold | None":
        """Read an environment's `hold` of taxiway.yaml. Raises BadOption where it gives no reason."""
        if data is None:
            return None
        if not isinstance(data, Mapping):
            raise BadOption(f"environment {environment!r} has a hold that is no mapping", hint="hold: {reason: TEXT}")
        fields = {key: line(key, data.get(key) or "").strip() for key in ("reason", "author", "date")}
        if not fields["reason"]:
            raise BadOption(f"environment {environment!r} is on hold without a reason", hint="say why, in its `reason`")
        return cls(**fields)

    @property
    def fields(self) -> Mapping[str, str]:
        """The hold as taxiway.yaml has it."""
        return {"reason": self.reason, "author": self.author, "date": self.date}

    def __str__(self) -> str:
        said = " ".join(part for part in (self.author and f"by {self.author}", self.date and f"on {self.date}") if part)
        return f"{self.reason} ({said})" if said else self.reason
