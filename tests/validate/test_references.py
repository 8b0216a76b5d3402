"""Reference rules: valid references that look like missing ones, hosts in settings, and grouping."""

import pytest

from bootstrap.core.tree import Tree
from bootstrap.validate.context import EnvironmentContext
from bootstrap.validate.hosts import Call, Target, calls, target
from tests.validate import found
from tests.validate.test_pods import CONFIG, DEV, MODEL, deployment, rendered

STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  volumeClaimTemplates: [{metadata: {name: data}}]
"""
DUMP = """
apiVersion: v1
kind: Pod
metadata: {name: dump}
spec:
  containers: [{name: dump, volumeMounts: [{name: data, mountPath: /data}]}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: data-db-0}}]
"""
EXTERNAL = """
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: warehouse}
spec: {target: {name: warehouse-login}}
"""
CERTIFICATE = """
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web}
spec: {secretName: web-tls}
"""
ELSEWHERE = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {type: ExternalName, externalName: db.example.com}
"""
BY_HAND = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {ports: [{port: 5432}]}
"""
HEADLESS = """
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, ports: [{port: 5432}]}
"""
OPERATOR_PODS = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: tasks}
spec: {podSelector: {matchLabels: {kubernetes_pod_operator: "True"}}}
"""
MONITORING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: scrape, namespace: airflow-dev}
roleRef: {kind: ClusterRole, name: view}
subjects:
  - {kind: ServiceAccount, name: prometheus, namespace: monitoring}
  - {kind: Group, name: operators}
  - {kind: ServiceAccount, name: default}
"""


def env(name: str, value: str) -> str:
    """A container's environment of one variable."""
    return f"env: [{{name: {name}, value: {value!r}}}]"


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param([deployment("envFrom: [{secretRef: {name: absent, optional: true}}]")], id="an optional Secret"),
        pytest.param(
            [
                CONFIG,
                deployment(
                    "env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: NONE, optional: true}}}]"
                ),
            ],
            id="an optional key",
        ),
        pytest.param(
            [
                EXTERNAL,
                deployment("env: [{name: A, valueFrom: {secretKeyRef: {name: warehouse-login, key: password}}}]"),
            ],
            id="a Secret that an ExternalSecret brings",
        ),
        pytest.param(
            [CERTIFICATE, deployment("envFrom: [{secretRef: {name: web-tls}}]")], id="a Secret of a Certificate"
        ),
        pytest.param([STATEFUL, DUMP], id="the claim that a StatefulSet makes"),
        pytest.param([ELSEWHERE], id="a Service of an outside name"),
        pytest.param([BY_HAND], id="a Service whose endpoints somebody sets"),
        pytest.param([HEADLESS, deployment(env("URL", "http://db:9187/metrics"))], id="any port of a headless Service"),
        pytest.param([ELSEWHERE, deployment(env("URL", "https://db/"))], id="any port of an outside name"),
        pytest.param([OPERATOR_PODS], id="pods that tasks make"),
        pytest.param([MONITORING], id="an account of another namespace, a group, the default account"),
        pytest.param([deployment("args: [sh, -c, 'echo $(date) $(hostname)']")], id="a shell's command"),
        pytest.param([deployment(env("A", "$$(NAME)"))], id="an escaped variable"),
        pytest.param([deployment(env("A", "$(KUBERNETES_SERVICE_HOST)"))], id="a variable of Kubernetes itself"),
        pytest.param(
            [deployment("env: [{name: A, value: x}, {name: B, value: $(A)}], args: [run, $(B)]")],
            id="variables that are set",
        ),
        pytest.param(
            [deployment("envFrom: [{secretRef: {name: absent, optional: true}}], args: [$(TOKEN)]")],
            id="a variable that an absent optional Secret may set",
        ),
    ],
)
def test_valid_references_have_no_findings(documents: list[str]) -> None:
    assert [finding.message for finding in found(rendered(*documents), "references")] == []


def test_a_failed_build_has_no_missing_references() -> None:
    assert found(EnvironmentContext(model=MODEL, environment=DEV, tree=Tree(), failure="no build"), "references") == []


def test_a_missing_name_with_many_readers_is_reported_once() -> None:
    readers = [deployment("envFrom: [{configMapRef: {name: absent}}]").replace("one", name) for name in "abcde"]
    (finding,) = found(rendered(*readers), "references")
    assert finding.message == (
        "ConfigMap absent is not part of this environment;"
        " needed by Deployment/a, Deployment/b, Deployment/c and 2 more"
    )


@pytest.mark.parametrize(
    ("variable", "value", "found"),
    [
        ("URL", "http://airflow-web:8080/execution/", [Call("airflow-web", 8080)]),
        ("URL", "https://airflow-web", [Call("airflow-web", 443)]),
        ("CONN", "postgresql+psycopg2://user:p%40ss@airflow-pg/airflow", [Call("airflow-pg", 5432)]),
        ("CONN", '{"extra":{"endpoint_url":"http://airflow-s3:33000"}}', [Call("airflow-s3", 33000)]),
        ("URLS", "http://a:1,http://b:2", [Call("a", 1), Call("b", 2)]),
        ("STATSD_HOST", "statsd", [Call("statsd", None)]),
        ("OTLP_ENDPOINT", "otel:4317", [Call("otel", 4317)]),
        ("FOLDER", "s3://logs/airflow", []),
        ("FOLDER", "file:///opt/airflow", []),
        ("URL", "http://$(HOST):8080", []),
        ("URL", "http://web-${NUMBER}:8080", []),
        ("IMAGE", "postgres:17", []),
        ("API_HOST", "0.0.0.0", [Call("0.0.0.0", None)]),
        ("NAME", "airflow-web", []),
    ],
)
def test_the_hosts_of_a_value(variable: str, value: str, found: list[Call]) -> None:
    assert list(calls(variable, value)) == found


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("web", Target("web", "here")),
        ("web.here", Target("web", "here")),
        ("web.here.svc", Target("web", "here")),
        ("web.there.svc.cluster.local", Target("web", "there")),
        ("db-0.db.here.svc.cluster.local.", Target("db", "here")),
        ("db-0.db", None),
        ("localhost", None),
        ("example.com", None),
        ("s3.eu-west-1.amazonaws.com", None),
        ("10.0.0.1", None),
    ],
)
def test_the_service_of_a_host(host: str, meant: Target | None) -> None:
    assert target(host, "here", {"web", "db"}) == meant
