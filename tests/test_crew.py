"""Environments are examined side by side, and a process that dies is told, whenever it does."""

import os
import sys
from typing import Any, cast

import pytest

from bootstrap.config.model import Environment
from bootstrap.core.errors import TaxiwayError
from bootstrap.validate import parallel


def test_a_process_that_dies_at_its_start_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootstrap.validate.parallel.MANY", 1)
    monkeypatch.setattr("bootstrap.system.process.cores", lambda: 2)
    monkeypatch.setattr("multiprocessing.spawn.get_command_line", lambda **_: [sys.executable, "-c", "exit(1)"])
    examiner = cast(Any, "more than a pipe holds" * 100_000)
    with pytest.raises(TaxiwayError, match="was killed"):
        list(parallel.examine(examiner, [cast(Environment, number) for number in range(4)]))


class Whereabouts:
    """Finds, in place of mistakes, the cores on which it may be."""

    def examine(self, environment: Environment) -> set[int]:
        return os.sched_getaffinity(0)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system ties no process to a core")
@pytest.mark.parametrize(("places", "tied"), [(2, True), (1, False), (3, False)])
def test_a_process_stays_on_a_core_where_there_is_one_for_each(
    monkeypatch: pytest.MonkeyPatch, places: int, tied: bool
) -> None:
    mine = os.sched_getaffinity(0)
    first = min(mine)
    monkeypatch.setattr("bootstrap.validate.parallel.MANY", 1)
    monkeypatch.setattr("bootstrap.system.process.cores", lambda: 2)
    monkeypatch.setattr("bootstrap.system.process.places", lambda: [first] * places)
    found = parallel.examine(cast(Any, Whereabouts()), [cast(Environment, number) for number in range(8)])
    assert [cast(Any, each) for _, each in found] == [{first} if tied else mine] * 8
    assert os.sched_getaffinity(0) == mine
