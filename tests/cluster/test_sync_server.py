"""`taxiway validate --server` against a real API server."""

import json
from typing import Any

from tests.cluster.kit.environments import EnvironmentRepo
from tests.cluster.process import Arg, run
from tests.cluster.python import module_command, module_environment

BUDGET = "overlays/complete/base/airflow/poddisruptionbudget.scheduler.yaml"


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
    answer = run(["sh", "-c", '"$@" || [ $? = 1 ]', "-", *command], env=module_environment())
    findings: list[dict[str, Any]] = json.loads(answer)["data"]["findings"]
    return [each for each in findings if each["rule"].startswith("server/")]
