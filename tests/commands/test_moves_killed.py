"""Law 3 for changes of an environment repo: killed anywhere, it is as before or as after, and the next run ends it."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import clone
from tests.commands.test_promote import new_image

# Each so manieth event of a run is one to be killed at, and each so manieth start of a program, which are rarer. There
# are 1,300 events in a promotion and 400 in an edit; each kill costs two runs.
Strides = tuple[int, int]
DEEP = pytest.param((7, 1), marks=pytest.mark.deep, id="deep")


@pytest.fixture
def folder(origin: Path, tmp_path: Path) -> Path:
    """A folder with a remote and a clone of it, in which dev has a newer image."""
    folder = tmp_path / "made"
    folder.mkdir()
    shutil.copytree(origin, folder / "remote.git")
    new_image(clone(folder / "remote.git", folder / "repo"))
    return folder


def runs(folder: Path, strides: Strides, *arguments: str) -> list[dict[str, Any]]:
    """A run killed at every so many events, and at last one that ends by itself."""
    program = [sys.executable, "-m", "tests.commands.killer_of_moves"]
    shards = [
        subprocess.Popen(
            [*program, str(stride), only, str(folder), *arguments],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for only, stride in zip(("", "subprocess.Popen"), strides, strict=True)
    ]
    found = [json.loads(line) for shard in shards for line in shard.communicate()[0].splitlines()]
    assert [shard.returncode for shard in shards] == [0] * len(shards)
    return found


@pytest.mark.parametrize("strides", [pytest.param((211, 17), id="gate"), DEEP])
def test_a_killed_promotion_is_finished_by_the_next(folder: Path, strides: Strides) -> None:
    found = runs(folder, strides, "promote", "staging")
    wanted = next(run["after"] for run in found if run["code"] == 0)
    killed = [run for run in found if run["code"] == -signal.SIGKILL]
    assert len(killed) > 8
    assert {"open", "subprocess.Popen"} <= {run["event"] for run in killed}
    (branch,) = wanted["remote"].keys() - {"main"}
    for run in found:
        # The user's checkout is never touched, and the branch is there as a whole or not at all.
        for side in ("killed", "after"):
            assert [run[side][key] for key in ("head", "status")] == [run["before"][key] for key in ("head", "status")]
        assert run["killed"]["remote"].get(branch) in (None, wanted["remote"][branch]), run
        assert run["again"] == 0, run
        assert run["after"]["remote"] == wanted["remote"], run
        assert (run["after"]["worktrees"], run["after"]["left"]) == (1, []), run


@pytest.mark.parametrize("strides", [pytest.param((101, 19), id="gate"), DEEP])
def test_a_killed_edit_is_finished_by_the_next(folder: Path, strides: Strides) -> None:
    found = runs(folder, strides, "set", "image", "airflow=apache/airflow:3.3.4")
    wanted = next(run["after"] for run in found if run["code"] == 0)
    assert len([run for run in found if run["code"] == -signal.SIGKILL]) > 8
    for run in found:
        # The branch, which is what a controller syncs once it is pushed, is as before or as after.
        assert run["killed"]["tree"] in (run["before"]["tree"], wanted["tree"]), run
        assert run["again"] == 0, run
        assert (run["after"]["tree"], run["after"]["status"]) == (wanted["tree"], ""), run
