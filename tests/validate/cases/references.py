"""Names that lead nowhere."""

from tests.validate.cases import Broken, Edit, append, next_release, replace, write

API_SERVER = "base/airflow/deployment.api-server.yaml"
SCHEDULER = "base/airflow/deployment.scheduler.yaml"
DAG_PROCESSOR = "base/airflow/deployment.dag-processor.yaml"
TEMPLATE = "base/airflow/pod-template.yaml"
POSTGRES = "base/postgres/statefulset.yaml"
OVERLAY = "overlays/dev/kustomization.yaml"
SETTINGS = "overlays/dev/airflow.env"
CREATE_USER = "base/airflow/job.create-user.yaml"
MIGRATE = "base/airflow/job.migrate.yaml"
LOCALSTACK = "base/localstack/deployment.yaml"


def _resource(name: str, text: str) -> tuple[Edit, ...]:
    """The edits that add an object of its own to the overlay."""
    return (
        write(f"overlays/dev/{name}.yaml", text),
        replace(OVERLAY, "  - namespace.yaml\n", f"  - namespace.yaml\n  - {name}.yaml\n"),
    )


def _patch(name: str, text: str) -> tuple[Edit, ...]:
    """The edits that add a patch to the overlay."""
    return (
        write(f"overlays/dev/patches/{name}.yaml", text),
        replace(OVERLAY, "replacements:\n", f"patches:\n  - path: patches/{name}.yaml\nreplacements:\n"),
    )


def _labels(component: str) -> str:
    """The lines of a selector."""
    return f"    matchLabels:\n      app.kubernetes.io/name: airflow\n      app.kubernetes.io/component: {component}\n"


_BINDING = """apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: airflow-view
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: view
subjects:
  - kind: ServiceAccount
    name: airflow-workers
"""
_INGRESS = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: airflow-web
spec:
  rules:
    - host: airflow.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: {service}
                port:
                  {port}
"""
_AUTOSCALER = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: airflow-api-server
spec:
  minReplicas: 1
  maxReplicas: 3
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: airflow-webserver
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 80
"""
_POLICY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: airflow-web
spec:
  podSelector:
    matchLabels:
      app.kubernetes.io/component: webserver
  policyTypes:
    - Ingress
  ingress:
    - ports:
        - port: 8080
"""
_DAGS_CLAIM = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: airflow-dag-processor
spec:
  template:
    spec:
      containers:
        - name: dag-processor
          volumeMounts:
            - name: dags
              mountPath: /opt/airflow/dags
      volumes:
        - name: dags
          persistentVolumeClaim:
            claimName: airflow-dags
"""
_PULL = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: airflow-scheduler
spec:
  template:
    spec:
      imagePullSecrets:
        - name: registry-login
"""
_STATSD = """apiVersion: v1
kind: Service
metadata:
  name: airflow-statsd
spec:
  selector:
    app.kubernetes.io/name: statsd
  ports:
    - name: statsd
      port: 9125
      protocol: UDP
"""

CASES: tuple[Broken, ...] = (
    Broken(
        name="a pod reads a ConfigMap by a mistyped name",
        rule="references/missing-configmap",
        at=(SCHEDULER, "name: airflow-pod-templates"),
        edits=(replace(SCHEDULER, "name: airflow-pod-template\n", "name: airflow-pod-templates\n"),),
    ),
    Broken(
        name="the worker's pod template reads a ConfigMap that is not there",
        rule="references/missing-configmap",
        at=(TEMPLATE, "name: airflow-worker-environment"),
        edits=(replace(TEMPLATE, "name: airflow-worker-env\n", "name: airflow-worker-environment\n"),),
    ),
    Broken(
        name="a volume's item is no key of its ConfigMap",
        rule="references/missing-configmap-key",
        at=(SCHEDULER, "key: pod_template.yaml"),
        edits=(
            replace(
                SCHEDULER,
                "            name: airflow-pod-template\n",
                "            name: airflow-pod-template\n            items:\n              - key: pod_template.yaml\n"
                "                path: pod-template.yaml\n",
            ),
        ),
    ),
    Broken(
        name="a subPath is no key of its ConfigMap",
        rule="references/missing-configmap-key",
        at=(LOCALSTACK, "subPath: create-bucket.sh"),
        edits=(replace(LOCALSTACK, "subPath: create-logs-bucket.sh", "subPath: create-bucket.sh"),),
    ),
    Broken(
        name="a pod reads a Secret that nobody sealed",
        rule="references/missing-secret",
        at=(TEMPLATE, "name: airflow-warehouse"),
        edits=(
            replace(
                TEMPLATE,
                "            name: airflow-connections\n",
                "            name: airflow-connections\n        - secretRef:\n            name: airflow-warehouse\n",
            ),
        ),
    ),
    Broken(
        name="a pod reads a key that its Secret does not have",
        rule="references/missing-secret-key",
        at=(CREATE_USER, "key: PASSWORD"),
        edits=(replace(CREATE_USER, "key: ADMIN_PASSWORD", "key: PASSWORD"), next_release()),
    ),
    Broken(
        name="images are pulled with a Secret that nothing makes",
        rule="references/missing-pull-secret",
        at=("overlays/dev/patches/pull.yaml", "name: registry-login"),
        edits=_patch("pull", _PULL),
    ),
    Broken(
        name="a pod runs as a ServiceAccount that is not there",
        rule="references/missing-service-account",
        at=(TEMPLATE, "serviceAccountName: airflow-workers"),
        edits=(replace(TEMPLATE, "serviceAccountName: airflow-worker\n", "serviceAccountName: airflow-workers\n"),),
    ),
    Broken(
        name="the ServiceAccount of the migration is left out",
        rule="references/missing-service-account",
        at=(MIGRATE, "serviceAccountName: airflow-db"),
        edits=(
            replace(MIGRATE, "serviceAccountName: airflow-migrate", "serviceAccountName: airflow-db"),
            next_release(),
        ),
    ),
    Broken(
        name="a pod mounts a claim that is not there",
        rule="references/missing-claim",
        at=("overlays/dev/patches/dags.yaml", "claimName: airflow-dags"),
        edits=_patch("dags", _DAGS_CLAIM),
    ),
    Broken(
        name="a container mounts a volume that the pod does not have",
        rule="references/missing-volume",
        at=(POSTGRES, "- name: shm"),
        edits=(replace(POSTGRES, "            - name: dshm\n", "            - name: shm\n"),),
    ),
    Broken(
        name="a volume that no container mounts",
        rule="references/unused-volume",
        at=(DAG_PROCESSOR, "- name: plugins"),
        edits=(
            replace(
                DAG_PROCESSOR, "      volumes:\n", "      volumes:\n        - name: plugins\n          emptyDir: {}\n"
            ),
        ),
    ),
    Broken(
        name="a setting calls a Service by its old name",
        rule="references/missing-service",
        at=("base/airflow/airflow.env", "http://airflow-webserver:8080/execution/"),
        edits=(replace("base/airflow/airflow.env", "http://airflow-web:8080", "http://airflow-webserver:8080"),),
    ),
    Broken(
        name="a setting names a host that is no Service",
        rule="references/missing-service",
        at=(SETTINGS, "AIRFLOW__METRICS__STATSD_HOST"),
        edits=(append(SETTINGS, "AIRFLOW__METRICS__STATSD_HOST=airflow-statsd\n"),),
    ),
    Broken(
        name="a StatefulSet's own Service is not there",
        rule="references/missing-service",
        at=(POSTGRES, "serviceName: airflow-postgres"),
        edits=(replace(POSTGRES, "serviceName: airflow-pg-headless", "serviceName: airflow-postgres"),),
    ),
    Broken(
        name="an Ingress leads to a Service that is not there",
        rule="references/missing-service",
        at=("overlays/dev/ingress.yaml", "name: airflow-webserver"),
        edits=_resource("ingress", _INGRESS.format(service="airflow-webserver", port="number: 8080")),
    ),
    Broken(
        name="a URL without the Service's port",
        rule="references/missing-service-port",
        at=("base/airflow/airflow.env", "http://airflow-web/execution/"),
        edits=(replace("base/airflow/airflow.env", "http://airflow-web:8080/", "http://airflow-web/"),),
    ),
    Broken(
        name="an Ingress leads to a port that the Service does not have",
        rule="references/missing-service-port",
        at=("overlays/dev/ingress.yaml", "name: http"),
        edits=_resource("ingress", _INGRESS.format(service="airflow-web", port="name: http")),
    ),
    Broken(
        name="a setting calls another environment",
        rule="references/other-environment",
        at=(SETTINGS, "airflow-complete"),
        edits=(
            append(
                SETTINGS,
                "AIRFLOW_VAR_REPORTS_URL=http://airflow-web.airflow-complete.svc.cluster.local:8080/reports\n",
            ),
        ),
    ),
    Broken(
        name="a Service selects pods that nobody makes",
        rule="references/service-without-pods",
        at=("overlays/dev/statsd.yaml", "app.kubernetes.io/name: statsd"),
        edits=_resource("statsd", _STATSD),
    ),
    Broken(
        name="a Service keeps the name of the web server of old",
        rule="references/service-without-pods",
        at=("base/postgres/service.pg.yaml", "    app.kubernetes.io/component: postgresql"),
        edits=(
            replace(
                "base/postgres/service.pg.yaml",
                "  selector:\n    app.kubernetes.io/name: airflow\n    app.kubernetes.io/component: postgres\n",
                "  selector:\n    app.kubernetes.io/name: airflow\n    app.kubernetes.io/component: postgresql\n",
            ),
        ),
    ),
    Broken(
        name="a disruption budget protects nothing",
        rule="references/selector-without-pods",
        at=("base/airflow/poddisruptionbudget.triggerer.yaml", "app.kubernetes.io/component: trigger-er"),
        edits=(
            replace(
                "base/airflow/poddisruptionbudget.triggerer.yaml",
                _labels("triggerer"),
                _labels("trigger-er"),
            ),
        ),
    ),
    Broken(
        name="a network policy protects nothing",
        rule="references/selector-without-pods",
        at=("overlays/dev/policy.yaml", "app.kubernetes.io/component: webserver"),
        edits=_resource("policy", _POLICY),
    ),
    Broken(
        name="a Deployment does not find its own pods",
        rule="references/selector-mismatch",
        at=(LOCALSTACK, "  selector:"),
        edits=(
            replace(
                LOCALSTACK,
                _labels("localstack"),
                _labels("s3"),
            ),
        ),
    ),
    Broken(
        name="a Deployment finds the pods of the others too",
        rule="references/shared-pods",
        at=(SCHEDULER, "  selector:"),
        edits=(
            replace(
                SCHEDULER,
                _labels("scheduler"),
                "    matchLabels:\n      app.kubernetes.io/name: airflow\n",
            ),
        ),
    ),
    Broken(
        name="a probe calls a port by a name that the container does not have",
        rule="references/missing-port",
        at=(API_SERVER, "port: http"),
        edits=(
            replace(
                API_SERVER,
                "readinessProbe:\n            httpGet:\n              path: /api/v2/version\n              port: web",
                "readinessProbe:\n            httpGet:\n              path: /api/v2/version\n              port: http",
            ),
        ),
    ),
    Broken(
        name="a Service's target port is the name of no port",
        rule="references/missing-port",
        at=("base/airflow/service.yaml", "targetPort: http"),
        edits=(replace("base/airflow/service.yaml", "targetPort: web", "targetPort: http"),),
    ),
    Broken(
        name="a Service's target port is a number where nothing listens",
        rule="references/undeclared-port",
        at=("base/localstack/service.yaml", "targetPort: 4572"),
        edits=(replace("base/localstack/service.yaml", "targetPort: gateway", "targetPort: 4572"),),
    ),
    Broken(
        name="a RoleBinding grants a Role that is not there",
        rule="references/missing-role",
        at=("base/rbac/rolebinding.worker.yaml", "  name: airflow-pod-launcher"),
        edits=(
            replace(
                "base/rbac/rolebinding.worker.yaml",
                "  kind: Role\n  name: airflow-worker\n",
                "  kind: Role\n  name: airflow-pod-launcher\n",
            ),
        ),
    ),
    Broken(
        name="a RoleBinding grants to an account that is not there",
        rule="references/missing-subject",
        at=("overlays/dev/view.yaml", "name: airflow-workers"),
        edits=_resource("view", _BINDING),
    ),
    Broken(
        name="a RoleBinding grants to the account of another namespace",
        rule="references/missing-subject",
        at=("overlays/dev/view.yaml", "namespace: airflow"),
        edits=_resource("view", _BINDING.replace("airflow-workers", "airflow-worker\n    namespace: airflow")),
    ),
    Broken(
        name="an autoscaler scales what is not there",
        rule="references/missing-scale-target",
        at=("overlays/dev/autoscaler.yaml", "name: airflow-webserver"),
        edits=_resource("autoscaler", _AUTOSCALER),
    ),
    Broken(
        name="a variable that nothing sets",
        rule="references/undefined-variable",
        at=(LOCALSTACK, "value: $(STORE_NAME)"),
        edits=(replace(LOCALSTACK, "              value: s3\n", "              value: $(STORE_NAME)\n"),),
    ),
    Broken(
        name="a variable that is set after the one that uses it",
        rule="references/undefined-variable",
        at=(POSTGRES, "$(POSTGRES_DB)"),
        edits=(
            replace(
                POSTGRES, "value: /var/lib/postgresql/data/pgdata", "value: /var/lib/postgresql/data/$(POSTGRES_DB)"
            ),
        ),
    ),
    Broken(
        name="a variable in an env file",
        rule="references/unexpanded-variable",
        at=(SETTINGS, "AIRFLOW_VAR_DATABASE"),
        edits=(append(SETTINGS, "AIRFLOW_VAR_DATABASE=airflow-$(DATABASE_DB)\n"),),
    ),
)
