"""Each component, switched on by its line in an environment that `taxiway init` wrote and `kubectl apply -k` applies.

The environment has nothing of its own to begin with: its database, its object store and its DAGs are elsewhere. Its UI
has an ingress, and its logs are JSON, at debug level. What they are without a component is seen in test_complete.py.
"""

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.errors import CommandFailed
from tests.cluster.kit.airflow import Airflow, Run
from tests.cluster.kit.environment import own_cluster, reach
from tests.cluster.kit.environments import COMPONENTS, EnvironmentRepo, bootstrap, log_in, objects, remove
from tests.cluster.kit.figures import Figures
from tests.cluster.kit.forge import Forge, Repository
from tests.cluster.kit.kubectl import Json, Kubectl
from tests.cluster.kit.logs import is_event, levels, newest_pod, standard_output
from tests.cluster.kit.waiting import wait_for
from tests.cluster.process import run

pytestmark = pytest.mark.meanwhile("argocd")

HERE = Path(__file__).parent
NAME = "parts"
NAMESPACE = f"airflow-{NAME}"
OUTSIDE = "outside"
BUCKET = "team-logs"
# The database and the object store are someone else's here.
AIRFLOW = tuple(f"deployment/airflow-{component}" for component in COMPONENTS)
# So long may a start take where several clusters share two cores.
PATIENCE = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An environment on the cluster, and the work tree that it is applied from."""

    repo: EnvironmentRepo
    kubectl: Kubectl

    @property
    def overlay(self) -> Path:
        """The folder that is applied."""
        return self.repo.tree / "overlays" / NAME

    def switch_on(self, *components: str) -> None:
        """Name components in the overlay, the last ones of its list."""
        last = "  - ../../base/components/tutorial-dags\n"
        more = "".join(f"  - ../../base/components/{name}\n" for name in components)
        self.repo.edit(f"overlays/{NAME}/kustomization.yaml", last, more + last)

    def apply(self) -> None:
        """Apply the overlay, and wait until all of Airflow is as it says."""
        self.kubectl.apply_folder(self.overlay)
        self.kubectl.wait_ready(*AIRFLOW, seconds=PATIENCE)

    @contextmanager
    def administrator(self) -> Iterator[Airflow]:
        """The administrator, at an address that does not change with the Service's type."""
        with reach(self.kubectl, "airflow-web", 8080) as url:
            yield log_in(self.kubectl, url)


@pytest.fixture(scope="module")
def outside(kubectl: Kubectl) -> Iterator[Kubectl]:
    """kubectl in the namespace of a PostgreSQL, and of an object store with a bucket of another name."""
    remove(kubectl, OUTSIDE)
    there = kubectl.within(OUTSIDE)
    kubectl.create_namespace(OUTSIDE)
    password = {"password": secrets.token_hex(16)}
    there.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "database"}, "stringData": password})
    kubectl.apply_folder(HERE / "manifests" / "outside")
    there.wait_ready("deployment/database", "deployment/storage", seconds=PATIENCE)
    there.exec("deployment/storage", "awslocal", "s3", "mb", f"s3://{BUCKET}")
    yield there
    remove(kubectl, OUTSIDE, wait=False)


@pytest.fixture(scope="module")
def dags(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> EnvironmentRepo:
    """A private repository with a DAG in its folder `dags`."""
    tree = tmp_path_factory.mktemp("dags") / "team"
    (tree / "dags").mkdir(parents=True)
    shutil.copy(HERE / "dags" / "from_git.py", tree / "dags")
    repo = EnvironmentRepo(tree=tree, repository=forge.create(f"dags-{secrets.token_hex(3)}"))
    repo.publish("version one")
    return repo


@pytest.fixture(scope="module")
def environment(
    kubectl: Kubectl,
    outside: Kubectl,
    dags: EnvironmentRepo,
    certificate: str,
    figures: Figures,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Environment]:
    """An environment whose DAGs, database and object store are elsewhere, all Ready."""
    remove(kubectl, NAMESPACE)
    tree = tmp_path_factory.mktemp("components") / "environments"
    given = {NAME: _given(dags.repository, outside.secret("database")["password"])}
    # Its repository is the DAGs' one: nothing is fetched from it, and nothing pushed to it.
    repo = bootstrap(
        tree, dags.repository, controller="flux", certificate=certificate, environments=[NAME], secrets=given
    )
    environment = Environment(repo=repo, kubectl=kubectl.within(NAMESPACE))
    environment.switch_on(
        "dags-from-git", "debug-logging", "external-database", "external-object-store", "ingress", "json-logging"
    )
    kustomization = environment.overlay / "kustomization.yaml"
    ingress = environment.repo.tree / "base/components/ingress/kustomization.yaml"
    kustomization.write_text(kustomization.read_text() + _example(ingress.read_text()))
    release = f"overlays/{NAME}/release/release.env"
    repo.edit(release, "DAGS_REPOSITORY=\n", f"DAGS_REPOSITORY={dags.repository.url}\n")
    repo.edit(release, "DAGS_REFERENCE=\n", "DAGS_REFERENCE=main\n")
    repo.edit(release, "DAGS_FOLDER=\n", "DAGS_FOLDER=dags\n")
    settings = environment.overlay / "airflow.env"
    settings.write_text(f"{settings.read_text()}AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER=s3://{BUCKET}/airflow\n")
    with figures.time("external database, object store and DAGs: from nothing to all Ready"):
        environment.apply()
    yield environment
    remove(kubectl, NAMESPACE, wait=False)


@pytest.fixture(scope="module")
def triggered(environment: Environment) -> str:
    """The id of a run of hello_world."""
    with environment.administrator() as airflow:
        airflow.wait_for_dags("hello_world", seconds=PATIENCE)
        return airflow.trigger("hello_world")


@pytest.fixture(scope="module")
def hello(environment: Environment, triggered: str) -> Run:
    """The same, finished."""
    with environment.administrator() as airflow:
        return airflow.wait("hello_world", triggered, seconds=PATIENCE)


@pytest.mark.usefixtures("triggered")
def test_a_private_repository_s_dags_run_at_the_commit_that_they_began_with(
    environment: Environment, dags: EnvironmentRepo, figures: Figures
) -> None:
    forge = dags.repository.forge
    address = f"{forge.address}/{forge.user}/{dags.repository.name}.git"
    with pytest.raises(CommandFailed, match="terminal prompts disabled"):
        run(["git", "ls-remote", address], env={"GIT_TERMINAL_PROMPT": "0"})
    one = run(["git", "rev-parse", "HEAD"], cwd=dags.tree).strip()
    with environment.administrator() as airflow:
        airflow.wait_for_dags("from_git", seconds=PATIENCE)
        begun = airflow.trigger("from_git")
        wait_for(
            "the first task to run",
            lambda: airflow.look("from_git", begun).tasks["wait"] == "running",
            seconds=PATIENCE,
            every=1,
            state=environment.kubectl.overview,
        )
        pods = environment.kubectl.items("pods", labels="dag_id=from_git")
        assert [p["spec"]["containers"][0]["image"] for p in pods] == ["apache/airflow:3.3.2"]
        dags.edit("dags/from_git.py", 'VERSION = "one"', 'VERSION = "two"')
        two = dags.publish("version two")
        with figures.time("dags-from-git: a pushed commit, until Airflow knows it"):
            known = "the second commit"
            wait_for(known, lambda: _bundle(airflow, "from_git") == ("git-dags", two), seconds=PATIENCE, every=1)
        airflow.post("/api/v2/variables", {"key": "turn", "value": "now"})
        ended = airflow.wait("from_git", begun, seconds=PATIENCE)
        assert ended.state == "success", ended
        # Both tasks, though the second one began when the repository, and Airflow, were further.
        assert _commits(airflow, ended) == {"wait": one, "tell": one}
        airflow.wait_for_log(ended, "tell", "this is version one")
        after = airflow.run("from_git", seconds=PATIENCE)
        assert after.state == "success", after
        assert _commits(airflow, after) == {"wait": two, "tell": two}
        airflow.wait_for_log(after, "tell", "this is version two")


def test_an_external_database_is_the_only_one(environment: Environment, outside: Kubectl, hello: Run) -> None:
    assert hello.state == "success", hello
    question = f"select state from dag_run where run_id = '{hello.run}'"
    login = ("--username=team", "--dbname=metadata")
    answer = outside.exec("deployment/database", "psql", *login, "--tuples-only", "--no-align", "--command", question)
    assert answer.split() == ["success"]
    own = set(objects(environment.kubectl))
    assert not {name for name in own if "airflow-pg" in name}
    assert "ServiceAccount/airflow-postgres" not in own
    assert "ServiceAccount/airflow-scheduler" in own


def test_an_external_object_store_gets_the_logs(environment: Environment, outside: Kubectl, hello: Run) -> None:
    with environment.administrator() as airflow:
        airflow.wait_for_log(hello, "hello_task", "hello world")
    listed = outside.exec("deployment/storage", "awslocal", "s3", "ls", "--recursive", f"s3://{BUCKET}")
    assert f"airflow/dag_id=hello_world/run_id={hello.run}/task_id=hello_task/attempt=1.log" in listed
    own = set(objects(environment.kubectl))
    assert not {name for name in own if "airflow-s3" in name or "localstack" in name}


def test_an_ingress_takes_the_place_of_the_node_port(environment: Environment) -> None:
    here = environment.kubectl
    spec = here.get("ingress", "airflow-web")["spec"]
    assert [rule["host"] for rule in spec["rules"]] == ["airflow.example.com"]
    assert spec["tls"] == [{"hosts": ["airflow.example.com"], "secretName": "airflow-web-tls"}]
    backend = spec["rules"][0]["http"]["paths"][0]["backend"]["service"]
    service = here.get("service", backend["name"])["spec"]
    assert (service["type"], [p["name"] for p in service["ports"]]) == ("ClusterIP", [backend["port"]["name"]])
    assert "nodePort" not in service["ports"][0]
    here("apply", "--dry-run=server", "--validate=strict", "--kustomize", environment.overlay)
    with environment.administrator() as airflow:
        airflow.wait_for_dags("hello_world")


@pytest.mark.skipif(not own_cluster(), reason="CLUSTER=existing: kubectl mixes standard output and standard error")
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_line_on_standard_output_is_a_json_object(environment: Environment, component: str) -> None:
    lines = standard_output(newest_pod(environment.kubectl, component), component)
    assert lines
    assert [line for line in lines if not is_event(line)] == []
    assert "info" in levels(environment.kubectl, component)


def test_debug_messages_come_from_components_and_tasks(environment: Environment, hello: Run) -> None:
    assert [c for c in COMPONENTS if "debug" not in levels(environment.kubectl, c)] == []
    with environment.administrator() as airflow:
        airflow.wait_for_log(hello, "hello_task", "hello world")
        assert "debug" in airflow.levels(hello, "hello_task")


def _given(repository: Repository, password: str) -> dict[str, str]:
    """What the environment's Secrets say about what is elsewhere."""
    forge = repository.forge
    git = {"conn_type": "git", "login": forge.user, "password": forge.token}
    endpoint = f"http://storage.{OUTSIDE}.svc.cluster.local:4566"
    extra = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    aws = {"conn_type": "aws", "login": "team", "password": "any-will-do", "extra": extra}
    database = f"postgresql+psycopg2://team:{password}@database.{OUTSIDE}.svc.cluster.local:5432/metadata"
    return {
        "AIRFLOW_CONN_GIT_DAGS": json.dumps(git),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(aws),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
    }


def _example(text: str) -> str:
    """The YAML in a file's comment: what stands there deeper than the sentences do."""
    return "".join(f"{line[4:]}\n" for line in text.splitlines() if line.startswith("#   "))


def _bundle(airflow: Airflow, dag: str) -> tuple[str, str]:
    """The bundle that a DAG was last read from, and at which commit."""
    seen = airflow.get(f"/api/v2/dags/{dag}/details")
    return seen["bundle_name"], seen["bundle_version"]


def _commits(airflow: Airflow, ended: Run) -> dict[str, str]:
    """Task -> the commit that it ran at."""
    seen: list[Json] = airflow.get(f"/api/v2/dags/{ended.dag}/dagRuns/{ended.run}/taskInstances")["task_instances"]
    return {task["task_id"]: task["dag_version"]["bundle_version"] for task in seen}
