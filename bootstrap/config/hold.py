"""Hold: a mark on an environment into which nothing is promoted until `taxiway unhold`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bootstrap.config.fields import single_line
from bootstrap.core import control_characters
from bootstrap.core.errors import BadOption

KEY = "hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold with its reason, its author and its day (YYYY-MM-DD); the last two may be empty."""

    reason: str
    author: str
    date: str

    def __post_init__(self) -> None:
        """Raise BadOption where a field is not one line of plain text."""
        for key, text in self.fields.items():
            control_characters.reject(f"the {key} of a hold", text)

    @classmethod
    def parse(cls, environment: str, data: Any) -> "Hold | None":
        """Read an environment's `hold` of taxiway.yaml. Raises BadOption where it gives no reason."""
        if data is None:
            return None
        if not isinstance(data, Mapping):
            raise BadOption(f"environment {environment!r} has a hold that is no mapping", hint="hold: {reason: TEXT}")
        fields = {key: single_line(key, data.get(key) or "").strip() for key in ("reason", "author", "date")}
        if not fields["reason"]:
            raise BadOption(f"environment {environment!r} is on hold without a reason", hint="say why, in its `reason`")
        return cls(**fields)

    @property
    def fields(self) -> Mapping[str, str]:
        """The hold as its mapping in taxiway.yaml."""
        return {"reason": self.reason, "author": self.author, "date": self.date}

    def __str__(self) -> str:
        parts = (self.author and f"by {self.author}", self.date and f"on {self.date}")
        origin = " ".join(part for part in parts if part)
        return f"{self.reason} ({origin})" if origin else self.reason
