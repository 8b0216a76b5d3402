"""Server rules, with recorded output of kubectl. Against a real API server: tests/cluster."""

from pathlib import Path

import pytest

from bootstrap.gitrepo.environment_repo import open_work_tree
from bootstrap.validate import registry
from bootstrap.validate.context import EnvironmentContext, ServerContext
from bootstrap.validate.violation import Finding
from tests import rendering
from tests.validate import files

ABSENT = 'Error from server (NotFound): namespaces "airflow-dev" not found\n'


@pytest.fixture(scope="module")
def context(fresh: Path) -> EnvironmentContext:
    """The first environment of a fresh repo."""
    checkout = open_work_tree(fresh)
    environment = checkout.model.environments[0]
    rendered = rendering.build(fresh / environment.overlay)
    tree = files.of(checkout, environment)
    return EnvironmentContext(model=checkout.model, environment=environment, tree=tree, rendered=rendered)


def taken(context: EnvironmentContext, *refused: str) -> str:
    """kubectl's standard output where all but these objects are taken."""
    names = [f"{obj['kind'].lower()}.any/{obj['metadata']['name']}" for obj in context.objects]
    return "".join(f"{name} serverside-applied (server dry run)\n" for name in names if name not in refused)


def check(context: EnvironmentContext, out: str, err: str) -> list[Finding]:
    """What is found in kubectl's words."""
    return registry.examine(ServerContext(model=context.model, environment=context, out=out, err=err))


def test_accepted_objects_have_no_finding(context: EnvironmentContext) -> None:
    assert check(context, taken(context), "") == []
    assert check(context, taken(context), "Warning: something is deprecated\n") == []


def test_a_refusal_is_reported_at_the_field(context: EnvironmentContext) -> None:
    err = (
        'The PodDisruptionBudget "airflow-scheduler" is invalid: spec: Invalid value: {}: minAvailable and '
        "maxUnavailable cannot be both set\n"
    )
    (found,) = check(context, taken(context, "poddisruptionbudget.any/airflow-scheduler"), err)
    assert found.rule.name == "server/refused"
    assert found.place.path == "base/airflow/poddisruptionbudget.scheduler.yaml"
    assert found.message.startswith("PodDisruptionBudget/airflow-scheduler is refused: The PodDisruptionBudget")


def test_an_unknown_field_leads_to_its_line(context: EnvironmentContext) -> None:
    err = (
        'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as '
        'a Deployment: strict decoding error: unknown field "spec.template.spec.containers[0].resources"\n'
    )
    (found,) = check(context, taken(context, "deployment.any/airflow-scheduler"), err)
    line = (context.tree[found.place.path].decode().splitlines())[found.place.line - 1]
    assert (found.place.path, line.strip()) == ("base/airflow/deployment.scheduler.yaml", "resources:")


def test_a_missing_namespace_is_reported_once(context: EnvironmentContext) -> None:
    some = [f"{obj['kind'].lower()}.any/{obj['metadata']['name']}" for obj in context.objects[:3]]
    (found,) = check(context, taken(context, *some), ABSENT * 3)
    assert (found.rule.name, "3 objects were not looked at" in found.message) == ("server/no-namespace", True)


def test_an_error_without_an_object_is_reported_at_the_overlay(context: EnvironmentContext) -> None:
    (found,) = check(context, "", "error: the server is on holiday\n")
    assert (found.place.path, found.message) == ("overlays/dev/kustomization.yaml", "the server is on holiday")
