"""Errors of a forge's API, and their translation to ForgeFailed: one sentence and a hint."""

import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bootstrap.config.remote import Forge
from bootstrap.core.errors import ForgeFailed
from bootstrap.forges.hosting import HostedRepository
from bootstrap.forges.tokens import Token

_RIGHTS = {
    Forge.GITHUB: "read and write for pull requests (a classic token: scope repo)",
    Forge.GITLAB: "scope api, and the role Developer in the project",
    Forge.GITEA: "read and write for repository and issue",
    Forge.FORGEJO: "read and write for repository and issue",
}
_MAX_MESSAGE = 200  # characters of the forge's own message
# Exceptions that parsing raises for an answer in another form than the forge's.
MALFORMED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Refused(Exception):
    """An answer of the forge with an error. It keeps nothing of the request, which had the token in it."""

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.text = text

    def retry_after(self) -> float | None:
        """The seconds after which the forge asks for a retry; None where it does not."""
        after = self.headers.get("retry-after", "").strip()
        if self.status in (403, 429, 503) and after:
            return float(after) if after.isdigit() else _until_date(after)
        # At its hourly limit, GitHub sends the time of the reset with 403 or 429; GitLab too, without `X-`.
        reset = self.headers.get("x-ratelimit-reset") or self.headers.get("ratelimit-reset") or ""
        exhausted = "0" in (self.headers.get("x-ratelimit-remaining"), self.headers.get("ratelimit-remaining"))
        return _until(float(reset)) if self.status in (403, 429) and exhausted and reset.isdigit() else None

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed in a moment."""
        return self.status >= 500 and self.retry_after() is None  # otherwise RetryPolicy.write has waited already

    @property
    def message(self) -> str:
        """The forge's own message: one short line without control characters."""
        try:
            data = json.loads(self.text)
        except ValueError:
            return ""
        text = re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]+", " ", " ".join(_texts(data))).strip()
        return text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}…"


class Unreachable(Exception):
    """No answer came. `transient` means that the same request may succeed in a moment."""

    def __init__(self, why: str, *, hint: str, transient: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
        self.transient = transient


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorExplainer:
    """Explains the errors of one repository's forge. The token is needed to remove it from the forge's messages."""

    hosted: HostedRepository
    token: Token

    @contextmanager
    def explained(self, doing: str, after: str = "") -> Iterator[None]:
        """Turn an error of the block into ForgeFailed. Its hint ends with `after`: what is done, what to do next."""
        try:
            yield
        except (Refused, Unreachable, *MALFORMED) as err:
            why, hint = self._explain(err)
            hints = "; ".join(part for part in (hint, after) if part)
            # `from None`: frames of the HTTP client hold the token.
            message = self._clean(f"{self.hosted.host}: {doing} failed: {why}")
            raise ForgeFailed(message, hint=self._clean(hints)) from None

    def note(self, refused: Refused, doing: str) -> str:
        """A sentence about a refused label or reviewer, without which the pull request stands."""
        return self._clean(f"{doing} failed: {refused.message or f'status {refused.status}'}")

    def _explain(self, err: Exception) -> tuple[str, str]:
        """The reason and the hint."""
        if isinstance(err, Refused):
            return self._explain_refused(err)
        if isinstance(err, Unreachable):
            return err.why, err.hint
        kind = self.hosted.forge.proper_name
        return (
            f"its answer is not one that {kind} gives ({type(err).__name__})",
            f"see that {self.hosted.api} is the API of {kind}; `forge:` in taxiway.yaml says which forge it is",
        )

    def _explain_refused(self, refused: Refused) -> tuple[str, str]:
        quoted = f" ({refused.message})" if refused.message else ""
        wait = refused.retry_after()
        if wait is not None:
            return (
                f"it limits how often it is asked ({refused.status}), for {_time(wait)} more",
                f"run the same command again in {_time(wait)}",
            )
        name, source = self.hosted.forge.proper_name, self.token.source
        rights = f"give it {_RIGHTS[self.hosted.forge]}"
        sentences: Mapping[int, tuple[str, str]] = {
            401: (f"it does not take the token from {source} (401): expired, revoked or for another host", "renew it"),
            403: (f"the token from {source} lacks the right to do that (403){quoted}", rights),
            404: (
                f"it knows no {self.hosted.slug}, or the token from {source} may not see it (404){quoted}",
                f"look at {self.hosted.page} in a browser, and {rights}",
            ),
            405: (f"it does not allow that here (405){quoted}", ""),
            409: (f"it is at odds with what is there now (409){quoted}", "run the same command again"),
            413: ("what was sent is too long for it (413)", ""),
            422: (f"it does not accept it (422){quoted}", ""),
            429: (f"it limits how often it is asked (429){quoted}", "run the same command again later"),
        }
        if refused.status in sentences:
            return sentences[refused.status]
        if refused.status < 300:
            kind = refused.headers.get("content-type", "nothing")[:_MAX_MESSAGE]
            return (
                f"its answer is {kind}, no JSON: something stands between, a proxy or a page for signing in",
                f"see that {self.hosted.api} is the API of {name}; `forge:` in taxiway.yaml says which forge it is",
            )
        if refused.status < 400:
            target = refused.headers.get("location", "another place")[:_MAX_MESSAGE]
            return (
                f"it sends on to {target} ({refused.status}), where the token does not go",
                "set `repository:` in taxiway.yaml and the remote `origin` to the new URL",
            )
        if refused.status >= 500:
            return f"the server is in trouble ({refused.status}){quoted}", "run the same command again later"
        return f"status {refused.status}{quoted}", ""

    def _clean(self, text: str) -> str:
        return text.replace(self.token.secret.reveal().decode(), "***")


def _texts(data: Any) -> list[str]:
    """The messages in an answer: GitHub has `message` and `errors` with a `message` each, Gitea has `message`.

    GitLab has `error`, or `message` as a text, a list, or a mapping of fields to lists.
    """
    if isinstance(data, str):
        return [data]
    if isinstance(data, list):
        return [text for item in data for text in _texts(item)]
    if isinstance(data, dict):
        known = [data[name] for name in ("message", "error", "errors") if data.get(name)]
        fields = [value for value in data.values() if isinstance(value, list)]
        return [text for value in known or fields for text in _texts(value)]
    return []


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s"


def _until_date(text: str) -> float | None:
    parsed = email.utils.parsedate_tz(text)
    return _until(email.utils.mktime_tz(parsed)) if parsed else None


def _until(moment: float) -> float:
    return max(0.0, moment - time.time())
