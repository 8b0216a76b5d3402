"""Mistakes that an API server refuses, of this version or of the next."""

from tests.validate.cases import Broken, Edit, append, replace, write

_SCHEDULER = "base/airflow/deployment.scheduler.yaml"
_POSTGRES = "base/postgres/statefulset.yaml"
_SERVICE = "base/airflow/service.yaml"
_TEMPLATE = "base/airflow/pod-template.yaml"
_BUDGET = "base/airflow/poddisruptionbudget.scheduler.yaml"
_ROLE = "base/rbac/role.scheduler.yaml"
_BINDING = "base/rbac/rolebinding.scheduler.yaml"
_OVERLAY = "overlays/dev/kustomization.yaml"
_NAMESPACE = "overlays/dev/namespace.yaml"
_RELEASE = "overlays/dev/release/kustomization.yaml"
_SYNC = "clusters/default/dev.yaml"
_NEW = "overlays/dev/new.yaml"


def _new(text: str) -> tuple[Edit, ...]:
    """One more resource of the overlay."""
    return write(_NEW, text), replace(_OVERLAY, "  - namespace.yaml\n", "  - namespace.yaml\n  - new.yaml\n")


def _patch(text: str) -> tuple[Edit, ...]:
    """A patch of the overlay."""
    return write("overlays/dev/patch.yaml", text), append(_OVERLAY, "patches:\n  - path: patch.yaml\n")


_CRON = """apiVersion: batch/v1
kind: CronJob
metadata:
  name: airflow-tidy
spec:
  schedule: "0 25 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          securityContext:
            runAsNonRoot: true
            seccompProfile:
              type: RuntimeDefault
          containers:
            - name: tidy
              image: busybox:1.37
              securityContext:
                allowPrivilegeEscalation: false
                capabilities:
                  drop:
                    - ALL
"""
_ATTRIBUTES = """apiVersion: storage.k8s.io/v1
kind: VolumeAttributesClass
metadata:
  name: airflow-dev
driverName: csi.example.com
"""
_CONFIG = """apiVersion: v1
kind: ConfigMap
metadata:
  name: airflow-extra
data:
  note: text
"""
_OUTWARD = """apiVersion: v1
kind: Service
metadata:
  name: airflow-pg-outside
spec:
  type: NodePort
  clusterIP: None
  selector:
    app.kubernetes.io/name: airflow
    app.kubernetes.io/component: postgres
  ports:
    - name: postgres
      port: 5432
      targetPort: postgres
"""
_AUTOSCALER = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: airflow-api-server
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: airflow-api-server
  minReplicas: 5
  maxReplicas: 3
"""
_RESOURCES = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: airflow-scheduler
spec:
  template:
    spec:
      containers:
        - name: scheduler
          resources:
            requests:
              memory: 2Gi
"""
_LONG = "apache-airflow-the-scheduler-of-the-data-platform-team-in-amsterdam"

CASES = (
    Broken(
        name="a misspelt field",
        rule="kubernetes/unknown-field",
        at=(_SCHEDULER, "terminationGracePeriod: 60"),
        edits=(replace(_SCHEDULER, "terminationGracePeriodSeconds: 60", "terminationGracePeriod: 60"),),
    ),
    Broken(
        name="a field at a wrong depth of the worker's pod template",
        rule="kubernetes/unknown-field",
        at=(_TEMPLATE, "imagePullPolicy: Always"),
        edits=(replace(_TEMPLATE, "  restartPolicy: Never\n", "  restartPolicy: Never\n  imagePullPolicy: Always\n"),),
    ),
    Broken(
        name="a misspelt field of the controller's own object",
        rule="kubernetes/unknown-field",
        at=(_SYNC, "maxduration: 3m"),
        edits=(replace(_SYNC, "maxDuration: 3m", "maxduration: 3m"),),
    ),
    Broken(
        name="a field that is left out",
        rule="kubernetes/missing-field",
        at=(_NEW, "spec:"),
        edits=_new(_AUTOSCALER.replace("  minReplicas: 5\n  maxReplicas: 3\n", "")),
    ),
    Broken(
        name="a new container without a name",
        rule="kubernetes/missing-field",
        at=(_POSTGRES, "- image: postgres # again"),
        edits=(
            replace(
                _POSTGRES,
                "      volumes:\n",
                "        - image: postgres # again\n          securityContext:\n"
                "            allowPrivilegeEscalation: false\n            capabilities:\n              drop:\n"
                "                - ALL\n      volumes:\n",
            ),
        ),
    ),
    Broken(
        name="replicas in quotes",
        rule="kubernetes/wrong-type",
        at=(_SCHEDULER, 'replicas: "1"'),
        edits=(replace(_SCHEDULER, "replicas: 1", 'replicas: "1"'),),
    ),
    Broken(
        name="an environment variable without quotes",
        rule="kubernetes/wrong-type",
        at=(_POSTGRES, "value: true"),
        edits=(
            replace(
                _POSTGRES,
                "            - name: POSTGRES_DB\n",
                "            - name: PG_CHECK\n              value: true\n            - name: POSTGRES_DB\n",
            ),
        ),
    ),
    Broken(
        name="a pull policy in lower case",
        rule="kubernetes/unknown-value",
        at=(_SCHEDULER, "imagePullPolicy: ifNotPresent"),
        edits=(
            replace(
                _SCHEDULER,
                "        - name: scheduler\n          image: apache/airflow\n",
                "        - name: scheduler\n          image: apache/airflow\n          imagePullPolicy: ifNotPresent\n",
            ),
        ),
    ),
    Broken(
        name="a type of Service that there is not",
        rule="kubernetes/unknown-value",
        at=(_SERVICE, "type: Nodeport"),
        edits=(replace(_SERVICE, "type: NodePort", "type: Nodeport"),),
    ),
    Broken(
        name="memory in GB",
        rule="kubernetes/bad-quantity",
        at=(_SCHEDULER, "memory: 448MB"),
        edits=(replace(_SCHEDULER, "memory: 448Mi", "memory: 448MB"),),
    ),
    Broken(
        name="a space within a quantity of the worker",
        rule="kubernetes/bad-quantity",
        at=(_TEMPLATE, "memory: 1 Gi"),
        edits=(replace(_TEMPLATE, "memory: 1Gi", "memory: 1 Gi"),),
    ),
    Broken(
        name="milliseconds where seconds belong",
        rule="kubernetes/bad-format",
        at=(_NEW, "ttlSecondsAfterFinished: 2592000000"),
        edits=_new(
            _CRON.replace("0 25", "0 5").replace(
                "      template:", "      ttlSecondsAfterFinished: 2592000000\n      template:"
            )
        ),
    ),
    Broken(
        name="a variable twice",
        rule="kubernetes/duplicate-item",
        at=(_POSTGRES, "- name: PGDATA"),
        edits=(
            replace(
                _POSTGRES,
                "            - name: POSTGRES_DB\n",
                '            - name: "PGDATA"\n              value: /tmp\n            - name: POSTGRES_DB\n',
            ),
        ),
    ),
    Broken(
        name="a mount twice in the worker",
        rule="kubernetes/duplicate-item",
        at=(_TEMPLATE, "- name: tmp # first"),
        edits=(
            replace(
                _TEMPLATE,
                "        - name: tmp\n          mountPath: /tmp\n",
                "        - name: tmp # first\n          mountPath: /tmp\n"
                "        - name: tmp\n          mountPath: /tmp\n",
            ),
        ),
    ),
    Broken(
        name="a field that came with a newer Kubernetes",
        rule="kubernetes/not-in-every-version",
        at=(_SCHEDULER, "hostnameOverride: scheduler"),
        edits=(
            replace(
                _SCHEDULER,
                "      enableServiceLinks: false\n",
                "      enableServiceLinks: false\n      hostnameOverride: scheduler\n",
            ),
        ),
    ),
    Broken(
        name="an API that is gone",
        rule="kubernetes/api-not-served",
        at=(_BUDGET, "policy/v1beta1"),
        edits=(replace(_BUDGET, "policy/v1", "policy/v1beta1"),),
    ),
    Broken(
        name="an API that older clusters do not have",
        rule="kubernetes/api-not-served",
        at=(_NEW, "storage.k8s.io/v1"),
        edits=_new(_ATTRIBUTES),
    ),
    Broken(
        name="a misspelt kind",
        rule="kubernetes/unknown-kind",
        at=(_NEW, "kind: Configmap"),
        edits=_new(_CONFIG.replace("ConfigMap", "Configmap")),
    ),
    Broken(
        name="a kind of another group",
        rule="kubernetes/unknown-kind",
        at=(_NEW, "apiVersion: batch/v1"),
        edits=_new(_AUTOSCALER.replace("autoscaling/v2", "batch/v1").replace("minReplicas: 5", "minReplicas: 1")),
    ),
    Broken(
        name="a name with an underscore",
        rule="kubernetes/bad-name",
        at=(_NEW, "name: airflow_extra"),
        edits=_new(_CONFIG.replace("airflow-extra", "airflow_extra")),
    ),
    Broken(
        name="a name that is too long for the pods' labels",
        rule="kubernetes/bad-name",
        at=(_NEW, f"name: {_LONG}"),
        edits=_new(_CRON.replace("0 25", "0 5").replace("airflow-tidy", _LONG)),
    ),
    Broken(
        name="a label with a space",
        rule="kubernetes/bad-label",
        at=(_SCHEDULER, "team: data platform"),
        edits=(
            replace(
                _SCHEDULER,
                "    app.kubernetes.io/component: scheduler\nspec:",
                "    app.kubernetes.io/component: scheduler\n    team: data platform\nspec:",
            ),
        ),
    ),
    Broken(
        name="an annotation with two slashes",
        rule="kubernetes/bad-label",
        at=(_NAMESPACE, "example.com/team/owner: data"),
        edits=(append(_NAMESPACE, "    example.com/team/owner: data\n"),),
    ),
    Broken(
        name="a node port out of the range",
        rule="kubernetes/bad-port",
        at=(_SERVICE, "nodePort: 8080"),
        edits=(replace(_SERVICE, "      targetPort: web\n", "      targetPort: web\n      nodePort: 8080\n"),),
    ),
    Broken(
        name="a port's name that is too long",
        rule="kubernetes/bad-port",
        at=(_POSTGRES, "name: postgres-replication"),
        edits=(
            replace(
                _POSTGRES,
                "              containerPort: 5432\n",
                "              containerPort: 5432\n            - name: postgres-replication\n"
                "              containerPort: 5433\n",
            ),
        ),
    ),
    Broken(
        name="a probe with two handlers",
        rule="kubernetes/bad-probe",
        at=(_SCHEDULER, "tcpSocket:"),
        edits=(
            replace(
                _SCHEDULER,
                "            periodSeconds: 3\n",
                "            tcpSocket:\n              port: health\n            periodSeconds: 3\n",
            ),
        ),
    ),
    Broken(
        name="a liveness probe that has to succeed twice",
        rule="kubernetes/bad-probe",
        at=(_SCHEDULER, "successThreshold: 2"),
        edits=(
            replace(
                _SCHEDULER,
                "            periodSeconds: 20\n",
                "            periodSeconds: 20\n            successThreshold: 2\n",
            ),
        ),
    ),
    Broken(
        name="a patch that asks for more than the limit",
        rule="kubernetes/request-over-limit",
        at=("overlays/dev/patch.yaml", "memory: 2Gi"),
        edits=_patch(_RESOURCES),
    ),
    Broken(
        name="a limit below the request of the worker",
        rule="kubernetes/request-over-limit",
        at=(_TEMPLATE, "memory: 256Mi"),
        edits=(replace(_TEMPLATE, "memory: 1Gi", "memory: 128Mi"),),
    ),
    Broken(
        name="a Deployment that is not to restart",
        rule="kubernetes/restart-policy",
        at=(_SCHEDULER, "restartPolicy: OnFailure"),
        edits=(
            replace(
                _SCHEDULER,
                "      enableServiceLinks: false\n",
                "      enableServiceLinks: false\n      restartPolicy: OnFailure\n",
            ),
        ),
    ),
    Broken(
        name="a CronJob without a restart policy",
        rule="kubernetes/restart-policy",
        at=(_NEW, "        spec: # of the pod"),
        edits=_new(
            _CRON.replace("0 25", "0 5").replace(
                "        spec:\n          restartPolicy: Never\n", "        spec: # of the pod\n"
            )
        ),
    ),
    Broken(
        name="a volume with two sources",
        rule="kubernetes/bad-volume",
        at=(_POSTGRES, "emptyDir: {} # too"),
        edits=(
            replace(
                _POSTGRES,
                "        - name: run\n          emptyDir: {}\n",
                "        - name: run\n          downwardAPI: {}\n          emptyDir: {} # too\n",
            ),
        ),
    ),
    Broken(
        name="a subPath that begins with a slash",
        rule="kubernetes/bad-volume",
        at=(_POSTGRES, "subPath: /pgdata"),
        edits=(
            replace(
                _POSTGRES,
                "              mountPath: /var/lib/postgresql/data\n",
                "              mountPath: /var/lib/postgresql/data\n              subPath: /pgdata\n",
            ),
        ),
    ),
    Broken(
        name="a variable with two sources",
        rule="kubernetes/bad-variable",
        at=(_POSTGRES, "value: airflow"),
        edits=(
            replace(
                _POSTGRES,
                "            - name: POSTGRES_DB\n",
                "            - name: POSTGRES_DB\n              value: airflow\n",
            ),
        ),
    ),
    Broken(
        name="a variable's name with a space",
        rule="kubernetes/bad-variable",
        at=(_POSTGRES, "name: PG CHECK"),
        edits=(
            replace(
                _POSTGRES,
                "            - name: POSTGRES_DB\n",
                '            - name: PG CHECK\n              value: "1"\n            - name: POSTGRES_DB\n',
            ),
        ),
    ),
    Broken(
        name="a node port of a Service without one",
        rule="kubernetes/bad-service",
        at=(_SERVICE, "nodePort: 30080"),
        edits=(
            replace(_SERVICE, "type: NodePort", "type: ClusterIP"),
            replace(_SERVICE, "      targetPort: web\n", "      targetPort: web\n      nodePort: 30080\n"),
        ),
    ),
    Broken(
        name="a headless Service with a node port",
        rule="kubernetes/bad-service",
        at=(_NEW, "clusterIP: None"),
        edits=_new(_OUTWARD),
    ),
    Broken(
        name="a rule without API groups",
        rule="kubernetes/bad-rbac",
        at=(_ROLE, "- resources:"),
        edits=(
            append(
                _ROLE,
                "  - resources:\n      - events\n    verbs:\n      - get\n",
            ),
        ),
    ),
    Broken(
        name="a user of a group that is none",
        rule="kubernetes/bad-rbac",
        at=(_BINDING, "apiGroup: rbac.authorisation.k8s.io"),
        edits=(
            append(
                _BINDING,
                "  - kind: User\n    apiGroup: rbac.authorisation.k8s.io\n    name: someone@example.com\n",
            ),
        ),
    ),
    Broken(
        name="a budget with both bounds",
        rule="kubernetes/refused-value",
        at=(_BUDGET, "maxUnavailable: 1"),
        edits=(replace(_BUDGET, "  maxUnavailable: 1\n", "  maxUnavailable: 1\n  minAvailable: 1\n"),),
    ),
    Broken(
        name="a schedule of hour 25",
        rule="kubernetes/refused-value",
        at=(_NEW, 'schedule: "0 25 * * *"'),
        edits=_new(_CRON),
    ),
    Broken(
        name="more replicas at least than at most",
        rule="kubernetes/refused-value",
        at=(_NEW, "minReplicas: 5"),
        edits=_new(_AUTOSCALER),
    ),
    Broken(
        name="a Pod Security level that there is not",
        rule="kubernetes/refused-value",
        at=(_NAMESPACE, "enforce: strict"),
        edits=(replace(_NAMESPACE, "enforce: restricted", "enforce: strict"),),
    ),
    Broken(
        name="a container that may gain rights",
        rule="kubernetes/pod-security",
        at=(_TEMPLATE, "allowPrivilegeEscalation: true"),
        edits=(replace(_TEMPLATE, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true"),),
    ),
    Broken(
        name="a pod that may run as root",
        rule="kubernetes/pod-security",
        at=(_POSTGRES, "runAsUser: 0"),
        edits=(replace(_POSTGRES, "runAsUser: 999", "runAsUser: 0"),),
    ),
    Broken(
        name="a folder of the node",
        rule="kubernetes/pod-security",
        at=(_POSTGRES, "hostPath:"),
        edits=(
            replace(
                _POSTGRES,
                "        - name: run\n          emptyDir: {}\n",
                "        - name: run\n          hostPath:\n            path: /run/postgresql\n",
            ),
        ),
    ),
    Broken(
        name="a larger volume",
        rule="kubernetes/immutable-field",
        at=(_POSTGRES, "storage: 20Gi"),
        edits=(replace(_POSTGRES, "storage: 2Gi", "storage: 20Gi"),),
    ),
    Broken(
        name="a StatefulSet that starts its pods another way",
        rule="kubernetes/immutable-field",
        at=(_POSTGRES, "podManagementPolicy: Parallel"),
        edits=(replace(_POSTGRES, "  replicas: 1\n", "  replicas: 1\n  podManagementPolicy: Parallel\n"),),
    ),
    Broken(
        name="PostgreSQL of another major version on the same volume",
        rule="kubernetes/postgres-major",
        at=(_RELEASE, 'newTag: "18"'),
        edits=(replace(_RELEASE, 'newTag: "17"', 'newTag: "18"'),),
    ),
    Broken(
        name="PostgreSQL whose tag does not tell its version",
        rule="kubernetes/postgres-unread",
        at=(_RELEASE, 'newTag: "bookworm"'),
        edits=(replace(_RELEASE, 'newTag: "17"', 'newTag: "bookworm"'),),
    ),
)
