"""A new environment is a full one, and takes nothing that another has of its own; a removed one leaves nothing."""

from dataclasses import replace

import pytest
import yaml

from bootstrap.config.model import Environment, Model
from bootstrap.core.errors import BadOption, BadTarget, MultipleErrors
from bootstrap.core.tree import Tree
from bootstrap.promotion import plan, release
from bootstrap.scaffold import controllers, environments, readme
from bootstrap.scaffold import plan as scaffold
from tests import environment_repo as envs

KNOWN = envs.model()
REPO = envs.repo()
QA = Environment(name="qa", namespace="airflow-qa", cluster="c2", node_port=30099)
SEALED = Tree(
    {**envs.SEALED, "sealedsecret.airflow-jwt.yaml": envs.SEALED["sealedsecret.airflow-jwt.yaml"] + b"# qa's\n"}
)


def add(
    tree: Tree = REPO, known: Model = KNOWN, new: Environment = QA, after: str = "staging"
) -> environments.Addition:
    return environments.add(tree, known, new, after=after, source=envs.source(), sealed=SEALED)


def test_a_new_environment_has_its_predecessors_release_and_secrets_of_its_own() -> None:
    tree = envs.with_image(REPO, "staging", "apache/airflow", "acme/airflow:3.3.3")
    tree = envs.edited(tree, "overlays/staging/base/airflow/service.yaml", lambda text: text + "# staging's\n")
    added = add(tree)
    after = added.changes.apply(tree)
    new, old = after.under("overlays/qa"), after.under("overlays/staging")
    assert new.under("release") == old.under("release")
    assert new.under("base") == old.under("base")
    assert new.under("secrets") == SEALED
    assert Model.parse(after["taxiway.yaml"]) == added.known
    assert [each.name for each in added.known.environments] == ["dev", "staging", "qa", "prod"]
    assert after.under("clusters/c2") == controllers.plan(added.known).under("clusters/c2")
    assert after["README.md"] == readme.render(added.known)
    others = {path for path in added.changes.paths if not path.startswith("overlays/qa/")}
    assert others == {"README.md", "clusters/c2/qa.yaml", "taxiway.yaml"}
    assert not added.changes.deletes
    assert not plan.plan(after, added.known, "staging", "qa").changes


def test_a_new_environment_is_what_init_would_have_written() -> None:
    added = add()
    known = added.known
    fresh = scaffold.plan(envs.source(), known, {each.name: envs.SEALED for each in known.environments})
    after = added.changes.apply(REPO)
    assert {path: data for path, data in after.items() if "/qa/secrets/" not in path and path != "taxiway.yaml"} == {
        path: data for path, data in fresh.items() if "/qa/secrets/" not in path and path != "taxiway.yaml"
    }


def test_a_new_environment_builds_with_its_own_names() -> None:
    objects = envs.render(add().changes.apply(REPO), "qa")
    assert {each["metadata"].get("namespace", "airflow-qa") for each in objects} == {"airflow-qa"}
    service = next(each for each in objects if each["kind"] == "Service" and each["metadata"]["name"] == "airflow-web")
    assert service["spec"]["ports"][0]["nodePort"] == 30099


def test_behind_the_first_environment_the_live_base_is_copied() -> None:
    tree = envs.edited(REPO, "base/airflow/service.yaml", lambda text: text + "# live\n")
    after = add(tree, after="dev").changes.apply(tree)
    assert after.under("overlays/qa/base") == tree.under("base")
    assert "../.." not in after["overlays/qa/kustomization.yaml"].decode()


def test_what_the_predecessor_has_of_its_own_is_left_out_and_told() -> None:
    path = "overlays/staging/kustomization.yaml"
    components = "  - release\n  - base/components/json-logging\n  - base/components/external-database\n"
    tree = envs.edited(
        REPO, path, lambda text: text.replace("  - release\n", components).replace("tutorial-dags", "ingress")
    )
    tree = envs.edited(tree, path, lambda text: text + "replicas:\n  - {name: airflow-scheduler, count: 2}\n")
    tree = envs.with_setting(tree, "overlays/staging/airflow.env", "AIRFLOW__CORE__PARALLELISM", "64")
    tree = envs.edited(tree, "overlays/staging/patches/host.yaml", lambda _: "host: staging.example.com\n")
    added = add(tree)
    after = added.changes.apply(tree)
    assert added.left_out == ("external-database", "ingress")
    assert release.load(after, QA).listed == ("release", "json-logging")
    assert b"replicas" not in after["overlays/qa/kustomization.yaml"]
    assert after["overlays/qa/airflow.env"].endswith(b"\nAIRFLOW__API__INSTANCE_NAME=Airflow: qa\n")
    assert "overlays/qa/patches/host.yaml" not in after


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (replace(QA, name="dev"), "'dev' is given twice"),
        (replace(QA, name="Q A"), "'Q A' can't be the name"),
        (replace(QA, namespace="airflow-dev", cluster="default"), "share namespace 'airflow-dev'"),
        (replace(QA, namespace="kube-system"), "not Airflow's to own"),
        (replace(QA, node_port=80), "out of range"),
    ],
)
def test_an_environment_that_can_not_be_is_refused(new: Environment, says: str) -> None:
    with pytest.raises(BadOption) as caught:
        add(new=new)
    assert says in caught.value.message


def test_all_that_is_wrong_is_told_at_once_and_files_in_the_way_are_named() -> None:
    with pytest.raises(MultipleErrors):
        add(new=replace(QA, namespace="default", node_port=1))
    with pytest.raises(BadOption, match="'x' is not in"):
        add(after="x")
    with pytest.raises(BadTarget, match=r"overlays/qa/old\.yaml is in the way"):
        add(envs.edited(REPO, "overlays/qa/old.yaml", lambda _: "left\n"))


def test_a_readme_that_people_edited_is_theirs() -> None:
    tree = envs.edited(REPO, "README.md", lambda text: text + "Ask Ada.\n")
    assert "README.md" not in add(tree).changes.paths
    assert "README.md" not in environments.remove(tree, KNOWN, "prod").changes.paths


def test_adding_and_removing_restores_the_bytes() -> None:
    added = add()
    there = added.changes.apply(REPO)
    removed = environments.remove(there, added.known, "qa")
    assert removed.changes.apply(there) == REPO
    assert removed.known == KNOWN


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_a_removed_environment_leaves_nothing_and_the_others_as_they_are(name: str) -> None:
    text = REPO["taxiway.yaml"].replace(b"- name: prod\n", b"# The real one.\n- name: prod  # careful\n")
    tree = Tree({**REPO.files, "taxiway.yaml": text})
    removed = environments.remove(tree, KNOWN, name)
    after = removed.changes.apply(tree)
    assert not [path for path in after if name in path.split("/")[:2] or path.endswith(f"/{name}.yaml")]
    kept = {path for path in tree if path not in after}
    assert kept == {path for path in tree if path.startswith(f"overlays/{name}/")} | {f"clusters/default/{name}.yaml"}
    assert [each["name"] for each in yaml.safe_load(after["taxiway.yaml"])["environments"]] == [
        each for each in envs.NAMES if each != name
    ]
    assert b"# The real one.\n" in after["taxiway.yaml"]


def test_the_first_and_the_last_environment_stay() -> None:
    with pytest.raises(BadOption, match="the first environment") as caught:
        environments.remove(REPO, KNOWN, "dev")
    assert "staging, prod" in caught.value.hint
    with pytest.raises(BadOption, match="the last environment"):
        environments.remove(envs.repo("dev"), envs.model("dev"), "dev")
    with pytest.raises(BadOption, match="'x' is not in"):
        environments.remove(REPO, KNOWN, "x")


def test_the_files_to_write_do_not_grow_with_the_number_of_environments() -> None:
    many = [f"e{number}" for number in range(40)]
    known = envs.model(*many)
    whole = envs.repo(*many)
    needed = ("taxiway.yaml", "overlays/e39/")
    part = Tree({path: data for path, data in whole.items() if path.startswith(needed)})
    added = add(part, known, after="e39")
    few = add(envs.repo(), after="prod")
    own = {path: data for path, data in added.changes.writes.items() if path.startswith(("overlays/qa/", "clusters/"))}
    assert own.keys() == {path for path in few.changes.writes if path.startswith(("overlays/qa/", "clusters/"))}
    assert set(added.changes.writes) - set(own) == {"taxiway.yaml"}
