"""How a call to a forge goes: what is refused, what is waited for, what is tried again."""

import email.utils
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from bootstrap.core.result import Progress

_Value = TypeVar("_Value")
TIMEOUT = 30.0  # seconds for one answer
PATIENCE = 60.0  # the longest wait that a forge may ask for
PAUSES = (0.5, 2.0)  # before the second and the third try of a read


class Refused(Exception):
    """The forge answered, and not with what was asked for. Of the request nothing is kept: it held the token."""

    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self.text = text

    def wait(self) -> float | None:
        """Seconds after which the forge wants to be asked again; None where it doesn't say so."""
        after = self.headers.get("retry-after", "").strip()
        if self.status in (403, 429, 503) and after:
            return float(after) if after.isdigit() else _until_date(after)
        # GitHub names the moment for its hourly limit, with 403 or 429; GitLab the same without the X.
        reset = self.headers.get("x-ratelimit-reset") or self.headers.get("ratelimit-reset") or ""
        spent = "0" in (self.headers.get("x-ratelimit-remaining"), self.headers.get("ratelimit-remaining"))
        return _until(float(reset)) if self.status in (403, 429) and spent and reset.isdigit() else None


def check(status: int, headers: Mapping[str, str], url: str, text: Callable[[], str]) -> None:
    """Raise Refused for an answer that is an error, is no JSON, or leads to another host.

    Called for each answer before a client library sees it: they know no wait, and would follow, or try again.
    """
    if 300 <= status < 400:
        target = headers.get("location", "")
        # Libraries read more than that, each in its own way: httpx takes `://HOST/` for a host.
        if re.match(r"/(?!/)", target) or (urlsplit(target).netloc and _origin(target) == _origin(url)):
            return  # a repository that was renamed: the library follows, to the same host
        raise Refused(status, headers, "")
    if status >= 400:
        raise Refused(status, headers, text())
    kind = headers.get("content-type", "").partition(";")[0].strip()
    if status != 204 and text() and not (kind == "application/json" or kind.endswith("+json")):
        raise Refused(status, headers, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Carries calls: waits once where the forge asks for it, and repeats a read that found nobody.

    A write is repeated only where the forge said that it did not take it, or where twice is no more than once.
    """

    host: str
    progress: Progress

    def read(self, step: Callable[[], _Value]) -> _Value:
        """Call, and again after a pause where the network or the server failed."""
        for pause in PAUSES:
            try:
                return self.write(step)
            except Exception as err:
                if not passing(err):
                    raise
                self._wait(pause, "it did not answer")
        return self.write(step)

    def write(self, step: Callable[[], _Value]) -> _Value:
        """Call once; once more after the wait that the forge asked for, if that is at most a minute."""
        try:
            return step()
        except Exception as err:
            refused = answer(err)
            seconds = refused.wait() if refused else None
            if seconds is None or seconds > PATIENCE:
                raise
        self._wait(seconds, "it limits how often it is asked")
        return step()

    def settle(self, step: Callable[[], object], settled: Callable[[], bool]) -> None:
        """Do what may be done twice; again after a pause where the network or the server failed, unless it is settled.

        It may be settled by then because only the answer was lost, or because two did the same at once and the server
        failed one of them.
        """
        for pause in PAUSES:
            try:
                step()
                return
            except Exception as err:
                if not passing(err):
                    raise
                self._wait(pause, "it did not answer")
            if settled():
                return
        step()

    def _wait(self, seconds: float, why: str) -> None:
        with self.progress(f"waiting {seconds:.0f} s for {self.host}: {why}"):
            time.sleep(seconds)


def chain(err: BaseException) -> Iterator[BaseException]:
    """An error and all that it came from: HTTP libraries hide the cause in causes, contexts, reasons and arguments."""
    seen: set[int] = set()
    todo: list[object] = [err]
    while todo:
        each = todo.pop(0)
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            todo += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]


def answer(err: BaseException) -> Refused | None:
    """What the forge answered; None where no answer came."""
    return next((each for each in chain(err) if isinstance(each, Refused)), None)


def passing(err: BaseException) -> bool:
    """Whether the same call may do better in a moment."""
    if refused := answer(err):
        return refused.status >= 500 and refused.wait() is None  # what asked for a wait has had it
    broken = (TimeoutError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError)
    names = {type(each).__name__ for each in chain(err)}
    dropped = {"RemoteDisconnected", "RemoteProtocolError", "IncompleteRead", "ChunkedEncodingError"}
    return any(isinstance(each, broken) for each in chain(err)) or bool(names & dropped) or _timed_out(names)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _timed_out(names: set[str]) -> bool:
    return any(name.endswith(("Timeout", "TimeoutError")) for name in names)


def _until_date(text: str) -> float | None:
    parsed = email.utils.parsedate_tz(text)
    return _until(email.utils.mktime_tz(parsed)) if parsed else None


def _until(moment: float) -> float:
    return max(0.0, moment - time.time())
