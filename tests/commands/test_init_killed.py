"""Law 3: killed at any write or process start, `init` leaves the target as before or as after; run again, it ends."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Keys

# Where runs are killed, each of them by a process of its own: first at this event, then at each so manieth, of a kind.
SOME = ((2, 61, "open"), (1, 19, "os.mkdir"), (1, 9, "os.rename"), (1, 6, "subprocess.Popen"))
EVERY = ((1, 2, ""), (2, 2, ""))
Kills = tuple[tuple[int, int, str], ...]


@pytest.mark.parametrize("kills", [SOME, pytest.param(EVERY, marks=pytest.mark.deep)], ids=["some", "every"])
@pytest.mark.parametrize("kind", ["new", "repository"])
def test_a_killed_run_is_finished_by_the_next(keys: Keys, tmp_path: Path, kind: str, kills: Kills) -> None:
    program = [sys.executable, "-m", "tests.commands.killer"]
    shards = [
        subprocess.Popen(
            [*program, str(first), str(step), only, kind, keys.certificate, tmp_path],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for first, step, only in kills
    ]
    runs = sorted(
        (json.loads(line) for shard in shards for line in shard.communicate()[0].splitlines()),
        key=lambda run: run["number"],
    )
    killed = [run for run in runs if run["code"] == -signal.SIGKILL]
    whole = next(run for run in runs if run["code"] == 0)
    before = 1 if kind == "repository" else 0
    expected = {"commits": str(before + 1), "held": whole["after"]["held"], "status": ""}
    assert whole["after"] == expected
    assert len(killed) == len(runs) - len(kills)
    assert kills is SOME or len(killed) > whole["after"]["held"]  # every write of a file is one of them
    assert {"open", "os.mkdir", "os.rename", "subprocess.Popen"} <= {run["event"] for run in killed}
    for run in killed:
        assert run["again"] == 0, run
        assert run["after"] == expected, run
        assert run["beside"] == ["envs"], run
        assert not run["left"], run
        if kind == "new":
            assert run["killed"] in ({"there": False}, expected), run
        else:
            # The branch, which is what a controller syncs, is as before or as after.
            assert (run["killed"]["commits"], run["killed"]["held"]) in (("1", 1), ("2", expected["held"])), run
