"""`taxiway validate --server` against a real API server."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.cluster.kit.environments import EnvironmentRepo
from tests.cluster.process import Arg
from tests.cluster.python import module_command, module_environment

BUDGET = "overlays/complete/base/airflow/poddisruptionbudget.scheduler.yaml"


@pytest.mark.still
def test_it_takes_what_is_synced_and_names_the_line_of_a_mistake(repo: EnvironmentRepo) -> None:
    assert asked(repo) == []
    file = repo.tree / BUDGET
    text = file.read_text()
    try:
        file.write_text(text.replace("  maxUnavailable: 1\n", "  maxUnavailable: 1\n  minAvailable: 1\n"))
        (found,) = asked(repo)
    finally:
        file.write_text(text)
    assert (found["rule"], found["path"]) == ("server/refused", BUDGET)
    assert "PodDisruptionBudget/airflow-scheduler is refused" in found["message"]
    assert "minAvailable" in found["message"]


def asked(repo: EnvironmentRepo) -> list[dict[str, Any]]:
    """What the API server has to say."""
    command: list[Arg] = [
        *module_command("bootstrap"),
        "validate",
        "complete",
        "--server",
        "-o",
        "json",
        "-C",
        repo.tree,
    ]
    done = subprocess.run(
        command, env={**os.environ, **module_environment()}, capture_output=True, text=True, check=False
    )
    # It ends with 1 where it finds an error of any kind.
    assert done.returncode in (0, 1) and done.stdout, done.stderr
    findings: list[dict[str, Any]] = json.loads(done.stdout)["data"]["findings"]
    return [each for each in findings if each["rule"].startswith("server/")]
