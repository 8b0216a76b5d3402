"""Mistakes about Airflow."""

from tests.validate.cases import Broken, Edit, append, next_release, remove, replace

_ENV, _DEV = "base/airflow/airflow.env", "overlays/dev/airflow.env"
_SERVER = "base/airflow/deployment.api-server.yaml"
_SCHEDULER = "base/airflow/deployment.scheduler.yaml"
_PROCESSOR = "base/airflow/deployment.dag-processor.yaml"
_TRIGGERER = "base/airflow/deployment.triggerer.yaml"
_MIGRATE, _USER = "base/airflow/job.migrate.yaml", "base/airflow/job.create-user.yaml"
_RELEASED = "overlays/dev/release/release.env"
_TEMPLATE, _WORKER = "base/airflow/pod-template.yaml", "base/airflow/worker.env"
_BASE, _OVERLAY = "base/airflow/kustomization.yaml", "overlays/dev/kustomization.yaml"
_FERNET = """            - name: AIRFLOW__CORE__FERNET_KEY
              valueFrom:
                secretKeyRef:
                  name: airflow-fernet
                  key: AIRFLOW__CORE__FERNET_KEY
"""
_JWT = """            - name: AIRFLOW__API_AUTH__JWT_SECRET
              valueFrom:
                secretKeyRef:
                  name: airflow-jwt
                  key: AIRFLOW__API_AUTH__JWT_SECRET
"""
_NAMESPACE = """            - name: AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
"""


def setting(line: str) -> Edit:
    """One more setting of the environment's own."""
    return append(_DEV, f"{line}\n")


def without(name: str, *parts: str) -> tuple[Edit, ...]:
    """The base without a component: its Deployment, and what else is about it alone."""
    files = (f"deployment.{name}.yaml", f"poddisruptionbudget.{name}.yaml", *parts)
    return tuple(replace(_BASE, f"  - {file}\n", "") for file in files) + tuple(
        remove(f"base/airflow/{file}") for file in files
    )


def told(name: str, rule: str, line: str) -> Broken:
    """A mistake in one more line of the environment's settings, which is where it is reported."""
    return Broken(name=name, rule=f"airflow/{rule}", at=(_DEV, line), edits=(setting(line),))


_NAMES = (
    told("one underscore after AIRFLOW", "misspelt-variable", "AIRFLOW_CORE__PARALLELISM=64"),
    told("one underscore after the section", "misspelt-variable", "AIRFLOW__CORE_PARALLELISM=64"),
    told("a setting in small letters", "misspelt-variable", "airflow__core__parallelism=64"),
    told("AIRFLOW mistyped", "misspelt-variable", "AIRLFOW__CORE__PARALLELISM=64"),
    told("a section cut in two", "misspelt-variable", "AIRFLOW__KUBERNETES__EXECUTOR__DELETE_WORKER_PODS=False"),
    told("a key mistyped", "unknown-setting", "AIRFLOW__CORE__PARALELISM=64"),
    told("a section mistyped", "unknown-setting", "AIRFLOW__SHEDULER__MAX_TIS_PER_QUERY=32"),
    told("a key in a wrong section", "unknown-setting", "AIRFLOW__CORE__DAG_BUNDLE_STORAGE_PATH=/tmp/bundles"),
    told("a key of nobody", "unknown-setting", "AIRFLOW__LOGGING__COLOUR_OF_THE_SKY=blue"),
    told("a section of nobody", "unknown-section", "AIRFLOW__ACME_COST_CENTRE__CODE=4711"),
    told("remote logging as in Airflow 1", "renamed-setting", "AIRFLOW__CORE__REMOTE_LOG_CONN_ID=aws_default"),
    told(
        "the executor's section as in Airflow 2.4",
        "renamed-setting",
        "AIRFLOW__KUBERNETES__WORKER_PODS_CREATION_BATCH_SIZE=4",
    ),
    told(
        "the API's auth backend as in Airflow 2",
        "renamed-setting",
        "AIRFLOW__API__AUTH_BACKEND=airflow.api.auth.backend.basic_auth",
    ),
    told("the parsing interval as in Airflow 2", "renamed-setting", "AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL=60"),
    told("service level agreements, which are gone", "removed-setting", "AIRFLOW__CORE__CHECK_SLAS=False"),
    told(
        "the DAGs in the image, which is no setting any more",
        "removed-setting",
        "AIRFLOW__KUBERNETES__DAGS_IN_IMAGE=True",
    ),
    told("an old name that is still taken", "old-setting", "AIRFLOW__WEBSERVER__INSTANCE_NAME=Airflow"),
    told("a setting about to go", "old-setting", "AIRFLOW__METRICS__OTEL_HOST=collector.example.com"),
    told(
        "a command for what is not sensitive", "not-sensitive", "AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID_CMD=cat /etc/id"
    ),
)
_VALUES = (
    told("a yes where True is meant", "bad-value", "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION=yes"),
    told("a number with a unit", "bad-value", "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD=30s"),
    told("a number with a comma", "bad-value", "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME=0,5"),
    told("a logging level in small letters", "bad-value", "AIRFLOW__LOGGING__LOGGING_LEVEL=info"),
    told(
        "arguments that are no JSON",
        "bad-value",
        "AIRFLOW__LOGGING__REMOTE_TASK_HANDLER_KWARGS={'delete_local_copy': True}",
    ),
    Broken(
        name="an executor that is gone",
        rule="airflow/bad-value",
        at=(_ENV, "AIRFLOW__CORE__EXECUTOR"),
        edits=(replace(_ENV, "=KubernetesExecutor", "=CeleryKubernetesExecutor"),),
    ),
    Broken(
        name="a bundle without its comma",
        rule="airflow/dag-bundles",
        at=("base/components/tutorial-dags/dags.env", "TUTORIAL_DAGS_BUNDLE"),
        edits=(replace("base/components/tutorial-dags/dags.env", "=,{", "={"),),
    ),
    Broken(
        name="a bundle that takes the name of another",
        rule="airflow/dag-bundles",
        at=("base/airflow/dags.env", "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"),
        edits=(replace("base/airflow/dags.env", '"dags-folder"', '"tutorial"'),),
    ),
    Broken(
        name="a bundle without a class",
        rule="airflow/dag-bundles",
        at=("base/airflow/dags.env", "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"),
        edits=(replace("base/airflow/dags.env", '"classpath"', '"class"'),),
    ),
    told("the base URL on localhost", "local-base-url", "AIRFLOW__API__BASE_URL=http://localhost:8080"),
    told("the old base URL on localhost", "local-base-url", "AIRFLOW__WEBSERVER__BASE_URL=http://localhost:8080"),
    told(
        "a plain PostgreSQL URL",
        "database-url",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgresql://airflow@db.example.com:5432/airflow",
    ),
    told(
        "a database of each pod's own", "database-url", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=sqlite:////tmp/airflow.db"
    ),
)
_AGREEMENT = (
    Broken(
        name="workers with an image of their own",
        rule="airflow/image-differs",
        at=(_DEV, "AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_TAG"),
        edits=(
            setting("AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_REPOSITORY=apache/airflow"),
            setting("AIRFLOW__KUBERNETES_EXECUTOR__WORKER_CONTAINER_TAG=3.2.1"),
        ),
    ),
    Broken(
        name="a triggerer of another image",
        rule="airflow/image-differs",
        at=(_TRIGGERER, "          image: registry.example.com/airflow:3.3.1"),
        edits=(
            replace(
                _TRIGGERER,
                "        - name: triggerer\n          image: apache/airflow\n",
                "        - name: triggerer\n          image: registry.example.com/airflow:3.3.1\n",
            ),
        ),
    ),
    Broken(
        name="a triggerer without the Fernet key",
        rule="airflow/key-missing",
        at=(_TRIGGERER, "            - triggerer"),
        edits=(replace(_TRIGGERER, _FERNET, ""),),
    ),
    Broken(
        name="a scheduler without the JWT secret",
        rule="airflow/key-missing",
        at=(_SCHEDULER, "            - scheduler"),
        edits=(replace(_SCHEDULER, _JWT, ""),),
    ),
    Broken(
        name="a JWT secret of the scheduler's own",
        rule="airflow/key-differs",
        at=(_SERVER, "            - name: AIRFLOW__API_AUTH__JWT_SECRET"),
        edits=(
            replace(
                _SCHEDULER,
                "                  name: airflow-jwt\n                  key: AIRFLOW__API_AUTH__JWT_SECRET\n",
                "                  name: airflow-fernet\n                  key: AIRFLOW__CORE__FERNET_KEY\n",
            ),
        ),
    ),
    Broken(
        name="an issuer for the api-server alone",
        rule="airflow/setting-differs",
        at=(_SERVER, "value: acme"),
        edits=(
            replace(
                _SERVER, _JWT, f"{_JWT}            - name: AIRFLOW__API_AUTH__JWT_ISSUER\n              value: acme\n"
            ),
        ),
    ),
    Broken(
        name="a migration for another auth manager",
        rule="airflow/setting-differs",
        at=(_MIGRATE, "value: airflow.api_fastapi"),
        edits=(
            replace(
                _MIGRATE,
                "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
                "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            ),
            next_release(),
        ),
    ),
    Broken(
        name="a bundle that no worker has",
        rule="airflow/dags-differ",
        at=("base/airflow/dags.env", "TUTORIAL_DAGS_BUNDLE="),
        edits=(
            replace(
                "base/components/tutorial-dags/kustomization.yaml",
                "  - name: airflow-worker-env\n    behavior: merge\n    envs:\n      - dags.env\n",
                "",
            ),
        ),
    ),
    Broken(
        name="a DAGs folder for workers alone",
        rule="airflow/dags-differ",
        at=(_WORKER, "AIRFLOW__CORE__DAGS_FOLDER"),
        edits=(append(_WORKER, "AIRFLOW__CORE__DAGS_FOLDER=/srv/dags\n"),),
    ),
)
_WORKERS = (
    Broken(
        name="no dag-processor",
        rule="airflow/no-component",
        at=(_OVERLAY, "resources:"),
        edits=(
            *without("dag-processor"),
            replace(
                "base/components/tutorial-dags/kustomization.yaml", "patches:\n  - path: patches/deployment.yaml\n", ""
            ),
            remove("base/components/tutorial-dags/patches/deployment.yaml"),
        ),
    ),
    Broken(
        name="no triggerer",
        rule="airflow/no-triggerer",
        at=(_OVERLAY, "resources:"),
        edits=without("triggerer"),
    ),
    Broken(
        name="a template that is not where its setting says",
        rule="airflow/pod-template",
        at=(_ENV, "POD_TEMPLATE_FILE"),
        edits=(replace(_ENV, "/pod-template/pod-template.yaml", "/pod-template/worker.yaml"),),
    ),
    Broken(
        name="a template in a folder that nobody mounts",
        rule="airflow/pod-template",
        at=(_ENV, "POD_TEMPLATE_FILE"),
        edits=(replace(_ENV, "/opt/airflow/pod-template/", "/opt/airflow/templates/"),),
    ),
    Broken(
        name="no setting for the template",
        rule="airflow/pod-template",
        at=(_SCHEDULER, "            - scheduler"),
        edits=(
            replace(
                _ENV,
                "AIRFLOW__KUBERNETES_EXECUTOR__POD_TEMPLATE_FILE=/opt/airflow/pod-template/pod-template.yaml\n",
                "",
            ),
        ),
    ),
    Broken(
        name="workers in the namespace default",
        rule="airflow/worker-namespace",
        at=(_SCHEDULER, "            - scheduler"),
        edits=(
            replace(
                _SCHEDULER,
                "            # Without it, worker pods are made and looked for in the namespace `default`.\n"
                + _NAMESPACE,
                "",
            ),
        ),
    ),
    Broken(
        name="workers looked for in another namespace",
        rule="airflow/worker-namespace",
        at=(_SERVER, "value: airflow"),
        edits=(
            replace(
                _SERVER,
                _NAMESPACE,
                _NAMESPACE.partition("              valueFrom")[0] + "              value: airflow\n",
            ),
        ),
    ),
    Broken(
        name="a template without a restart policy",
        rule="airflow/template-restarts",
        at=(_TEMPLATE, "spec:"),
        edits=(replace(_TEMPLATE, "  restartPolicy: Never\n", ""),),
    ),
    Broken(
        name="workers that restart",
        rule="airflow/template-restarts",
        at=(_TEMPLATE, "restartPolicy: OnFailure"),
        edits=(replace(_TEMPLATE, "restartPolicy: Never", "restartPolicy: OnFailure"),),
    ),
    Broken(
        name="the worker's container under another name",
        rule="airflow/template-base",
        at=(_TEMPLATE, "    - name: worker"),
        edits=(replace(_TEMPLATE, "    - name: base\n", "    - name: worker\n"),),
    ),
    Broken(
        name="an execution API without its path",
        rule="airflow/execution-url",
        at=(_ENV, "EXECUTION_API_SERVER_URL"),
        edits=(replace(_ENV, "http://airflow-web:8080/execution/", "http://airflow-web:8080/"),),
    ),
    told(
        "an execution API in the worker's own pod",
        "execution-url",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://localhost:8080/execution/",
    ),
    Broken(
        name="no execution API",
        rule="airflow/execution-url",
        at=(_TEMPLATE, "- name: base"),
        edits=(replace(_ENV, "AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://airflow-web:8080/execution/\n", ""),),
    ),
    Broken(
        name="remote logging to nowhere",
        rule="airflow/remote-logs",
        at=(_ENV, "AIRFLOW__LOGGING__REMOTE_LOGGING"),
        edits=(replace(_ENV, "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER=s3://logs/airflow\n", ""),),
    ),
    told("a logging connection that nobody has", "log-connection", "AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID=minio"),
    Broken(
        name="a worker without the logging connection",
        rule="airflow/log-connection",
        at=(_TEMPLATE, "- name: base"),
        edits=(replace(_TEMPLATE, "        - secretRef:\n            name: airflow-connections\n", ""),),
    ),
)
_PROCESSES = (
    Broken(
        name="the web server of Airflow 2",
        rule="airflow/removed-command",
        at=(_SERVER, "            - webserver"),
        edits=(replace(_SERVER, "            - api-server\n", "            - webserver\n"),),
    ),
    Broken(
        name="a scheduler with too little time to stop",
        rule="airflow/short-grace",
        at=(_SCHEDULER, "terminationGracePeriodSeconds"),
        edits=(replace(_SCHEDULER, "terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 10"),),
    ),
    Broken(
        name="a dag-processor that may hang",
        rule="airflow/no-liveness-probe",
        at=(_PROCESSOR, "            - dag-processor"),
        edits=(
            replace(
                _PROCESSOR,
                "          livenessProbe:\n            exec:\n              command:\n                - bash\n"
                "                - -c\n                - |\n"
                "                  python /opt/airflow/config/job_alive.py DagProcessorJob 2>/dev/null ||\n"
                "                    exec airflow jobs check --job-type DagProcessorJob --local\n"
                "            periodSeconds: 60\n"
                "            timeoutSeconds: 30\n            failureThreshold: 5\n",
                "",
            ),
        ),
    ),
    Broken(
        name="the health path of Airflow 2",
        rule="airflow/probe-path",
        at=(_SERVER, "              path: /health"),
        edits=(
            replace(
                _SERVER,
                "          livenessProbe:\n            httpGet:\n              path: /api/v2/version\n",
                "          livenessProbe:\n            httpGet:\n              path: /health\n",
            ),
        ),
    ),
    Broken(
        name="a probe at the port of another process",
        rule="airflow/probe-port",
        at=(_SERVER, "              port: 8793"),
        edits=(
            replace(
                _SERVER,
                "              port: web\n            periodSeconds: 5\n",
                "              port: 8793\n            periodSeconds: 5\n",
            ),
        ),
    ),
    Broken(
        name="a health check that is off",
        rule="airflow/health-check-off",
        at=(_ENV, "ENABLE_HEALTH_CHECK"),
        edits=(replace(_ENV, "ENABLE_HEALTH_CHECK=True", "ENABLE_HEALTH_CHECK=False"),),
    ),
    Broken(
        name="a health check that is not switched on",
        rule="airflow/health-check-off",
        at=(_SCHEDULER, "            - scheduler"),
        edits=(replace(_ENV, "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK=True\n", ""),),
    ),
    Broken(
        name="the probe of another job type",
        rule="airflow/probe-job-type",
        at=(_TRIGGERER, "          livenessProbe:"),
        edits=(
            replace(
                _TRIGGERER,
                "--job-type TriggererJob --local\n            periodSeconds: 60\n",
                "--job-type SchedulerJob --local\n            periodSeconds: 60\n",
            ),
        ),
    ),
)
_RIGHTS = (
    Broken(
        name="a scheduler that can't adopt",
        rule="airflow/executor-rights",
        at=("base/rbac/role.scheduler.yaml", "      - pods"),
        edits=(replace("base/rbac/role.scheduler.yaml", "      - patch\n", ""),),
    ),
    Broken(
        name="a scheduler's Role for another group",
        rule="airflow/executor-rights",
        at=("base/rbac/role.scheduler.yaml", "      - pods"),
        edits=(replace("base/rbac/role.scheduler.yaml", '      - ""\n', "      - apps\n"),),
    ),
    Broken(
        name="workers that fetch no XCom",
        rule="airflow/operator-rights",
        at=("base/rbac/role.worker.yaml", "      - pods/exec"),
        edits=(
            replace(
                "base/rbac/role.worker.yaml", "      - create\n      - get\n  - apiGroups", "      - get\n  - apiGroups"
            ),
        ),
    ),
    Broken(
        name="an api-server that reads no logs",
        rule="airflow/log-rights",
        at=("base/rbac/role.api-server.yaml", "rules:"),
        edits=(replace("base/rbac/role.api-server.yaml", "      - pods/log\n", "      - pods/logs\n"),),
    ),
    Broken(
        name="a scheduler without a token",
        rule="airflow/no-api-token",
        at=(_SCHEDULER, "automountServiceAccountToken"),
        edits=(replace(_SCHEDULER, "automountServiceAccountToken: true", "automountServiceAccountToken: false"),),
    ),
    Broken(
        name="a scheduler that may do anything with pods",
        rule="airflow/wildcard-rights",
        at=("base/rbac/role.scheduler.yaml", "    verbs:"),
        edits=(
            replace(
                "base/rbac/role.scheduler.yaml",
                "      - create\n      - delete\n      - list\n      - patch\n      - watch\n",
                '      - "*"\n',
            ),
        ),
    ),
)
_RELEASE = (
    Broken(
        name="no migration",
        rule="airflow/no-migration",
        at=(_OVERLAY, "resources:"),
        edits=(replace(_MIGRATE, "              airflow db migrate\n", ""), next_release()),
    ),
    Broken(
        name="a second migration",
        rule="airflow/two-migrations",
        at=(_USER, "            - |"),
        edits=(
            replace(_USER, "airflow db check-migrations --migration-wait-timeout 240", "airflow db migrate"),
            next_release(),
        ),
    ),
    Broken(
        name="another image in the same release",
        rule="airflow/release-unchanged",
        at=(_RELEASED, "RELEASE="),
        edits=(replace("overlays/dev/release/kustomization.yaml", 'newTag: "3.3.2"', 'newTag: "3.3.3"'),),
    ),
)
CASES = (*_NAMES, *_VALUES, *_AGREEMENT, *_WORKERS, *_PROCESSES, *_RIGHTS, *_RELEASE)
