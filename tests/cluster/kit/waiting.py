"""Waiting with a deadline, and with the last thing seen in the error."""

import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

from tests.cluster.errors import ClusterError, TookTooLong

T = TypeVar("T")
# What a server that is about to come up answers with.
PASSING = (OSError, ValueError, LookupError, subprocess.SubprocessError, ClusterError)


def wait_for(
    what: str,
    look: Callable[[], T | None],
    *,
    seconds: float = 60,
    every: float = 0.1,
    state: Callable[[], object] | None = None,
) -> T:
    """Look again until the answer is true, and return it.

    Errors that pass by themselves count as "not yet". Raises TookTooLong with the last answer or error, and with what
    `state` tells about it.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            seen: object = None
            answer = look()
            if answer:
                return answer
            seen = answer
        except PASSING as err:
            seen = err
        if time.monotonic() > end:
            raise TookTooLong(f"{what}: not after {seconds:.0f} s; last seen: {seen}{_more(state)}")
        time.sleep(every)


def _more(state: Callable[[], object] | None) -> str:
    if state is None:
        return ""
    try:
        return f"\n{state()}"
    except PASSING as err:
        return f"\n(no more is known: {err})"
