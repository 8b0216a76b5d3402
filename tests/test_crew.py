"""Environments are examined side by side, and a process that dies is told, whenever it does."""

import sys
from typing import Any, cast

import pytest

from bootstrap import crew
from bootstrap.errors import TaxiwayError
from bootstrap.model import Environment


def test_a_process_that_dies_at_its_start_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootstrap.crew.MANY", 1)
    monkeypatch.setattr("bootstrap.process.cores", lambda: 2)
    monkeypatch.setattr("multiprocessing.spawn.get_command_line", lambda **_: [sys.executable, "-c", "exit(1)"])
    examiner = cast(Any, "more than a pipe holds" * 100_000)
    with pytest.raises(TaxiwayError, match="was killed"):
        list(crew.examine(examiner, [cast(Environment, number) for number in range(4)]))
