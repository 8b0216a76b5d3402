"""Mistakes that kustomize refuses, or passes over in silence."""

from tests.validate.cases import Broken, append, remove, replace, write

OVERLAY = "overlays/dev/kustomization.yaml"
RELEASE = "overlays/dev/release/kustomization.yaml"
REPLACEMENTS = "overlays/dev/release/replacements.yaml"
TEMPLATE = "base/airflow/pod-template.yaml"
AIRFLOW = "base/airflow/kustomization.yaml"
SETTINGS = "overlays/dev/airflow.env"

SCHEDULER = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: 2
"""


def patch(target: str, *operations: str) -> str:
    """A JSON patch for the overlay's kustomization."""
    lines = "".join(f"      - {operation}\n" for operation in operations)
    return f"patches:\n  - target: {target}\n    patch: |-\n{lines}"


REPLICAS = "{op: replace, path: /spec/replicas, value: 2}"

_BUILD = (
    Broken(
        name="a resource that is not there",
        rule="kustomize/build",
        at=(OVERLAY, "  - namespaces.yaml"),
        edits=(replace(OVERLAY, "  - namespace.yaml", "  - namespaces.yaml"),),
    ),
    Broken(
        name="a resource of the base that is not there",
        rule="kustomize/build",
        at=(AIRFLOW, "  - servic.yaml"),
        edits=(replace(AIRFLOW, "  - service.yaml", "  - servic.yaml"),),
    ),
    Broken(
        name="a component that is not there",
        rule="kustomize/build",
        at=(OVERLAY, "components/tutorial-dag"),
        edits=(replace(OVERLAY, "components/tutorial-dags", "components/tutorial-dag"),),
    ),
    Broken(
        name="a generator's file that is not there",
        rule="kustomize/build",
        at=("base/localstack/kustomization.yaml", "create-bucket.sh"),
        edits=(replace("base/localstack/kustomization.yaml", "create-logs-bucket.sh", "create-bucket.sh"),),
    ),
    Broken(
        name="a tab in YAML",
        rule="kustomize/build",
        at=("base/airflow/service.yaml", "selector:"),
        edits=(replace("base/airflow/service.yaml", "  selector:\n", "\tselector:\n"),),
    ),
    Broken(
        name="a kustomization that is not valid YAML",
        rule="kustomize/build",
        at=(OVERLAY, "\tcomponents:"),
        edits=(replace(OVERLAY, "components:", "\tcomponents:"),),
    ),
    Broken(
        name="a kustomization's field that is misspelt",
        rule="kustomize/build",
        at=(OVERLAY, "component:"),
        edits=(replace(OVERLAY, "components:", "component:"),),
    ),
    Broken(
        name="a tag that is a number",
        rule="kustomize/build",
        at=(RELEASE, "newTag: 17"),
        edits=(replace(RELEASE, 'newTag: "17"', "newTag: 17"),),
    ),
    Broken(
        name="a patch for an object that is not there",
        rule="kustomize/build",
        at=("overlays/dev/scheduler.yaml", "airflow-schedulr"),
        edits=(
            append(OVERLAY, "patches:\n  - path: scheduler.yaml\n"),
            write("overlays/dev/scheduler.yaml", SCHEDULER.format(name="airflow-schedulr")),
        ),
    ),
    Broken(
        name="a patch for the name of a Job that only the release gives",
        rule="kustomize/build",
        at=(OVERLAY, "name: airflow-migrate-3-3-2"),
        edits=(
            append(
                OVERLAY,
                "patches:\n  - patch: |-\n      $patch: delete\n      apiVersion: batch/v1\n      kind: Job\n"
                "      metadata:\n        name: airflow-migrate-3-3-2\n",
            ),
        ),
    ),
    Broken(
        name="a JSON patch of a field that is not there",
        rule="kustomize/build",
        at=(OVERLAY, "/spec/scale/replicas"),
        edits=(
            append(
                OVERLAY,
                patch(
                    "{kind: Deployment, name: airflow-scheduler}", "{op: replace, path: /spec/scale/replicas, value: 2}"
                ),
            ),
        ),
    ),
    Broken(
        name="a generator that merges with nothing",
        rule="kustomize/build",
        at=(OVERLAY, "name: airflow-envs"),
        edits=(replace(OVERLAY, "name: airflow-env\n", "name: airflow-envs\n"),),
    ),
    Broken(
        name="an object that is made twice",
        rule="kustomize/build",
        at=("overlays/dev/web.yaml", "name: airflow-web"),
        edits=(
            replace(OVERLAY, "  - secrets\n", "  - secrets\n  - web.yaml\n"),
            write("overlays/dev/web.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: airflow-web\n"),
        ),
    ),
    Broken(
        name="a component before the release that it copies from",
        rule="kustomize/build",
        at=(OVERLAY, "components/generated-secrets"),
        edits=(replace(OVERLAY, "  - release\n", "  - ../../base/components/generated-secrets\n  - release\n"),),
    ),
    Broken(
        name="replicas of nothing",
        rule="kustomize/build",
        at=(OVERLAY, "name: airflow-schedulr"),
        edits=(append(OVERLAY, "replicas:\n  - name: airflow-schedulr\n    count: 2\n"),),
    ),
    Broken(
        name="a replacement of a field that is not there",
        rule="kustomize/build",
        at=(REPLACEMENTS, "data.RELEASED"),
        edits=(replace(REPLACEMENTS, "data.RELEASE", "data.RELEASED"),),
    ),
)

_FIELDS = (
    Broken(
        name="a key twice",
        rule="kustomize/duplicate-key",
        at=("base/airflow/service.yaml", "  type: ClusterIP"),
        edits=(replace("base/airflow/service.yaml", "  type: NodePort\n", "  type: NodePort\n  type: ClusterIP\n"),),
    ),
    Broken(
        name="a kustomization's key twice",
        rule="kustomize/duplicate-key",
        at=(OVERLAY, "namespace: 'airflow-dev'"),
        edits=(append(OVERLAY, "namespace: 'airflow-dev'\n"),),
    ),
    Broken(
        name="a component twice, in silence",
        rule="kustomize/listed-twice",
        at=(OVERLAY, "  - ../../base/components/debug-logging/"),
        edits=(
            replace(
                OVERLAY,
                "  - release\n",
                "  - release\n  - ../../base/components/debug-logging\n  - ../../base/components/debug-logging/\n",
            ),
        ),
    ),
    Broken(
        name="a resource twice",
        rule="kustomize/listed-twice",
        at=(OVERLAY, "  - ./secrets"),
        edits=(replace(OVERLAY, "  - secrets\n", "  - secrets\n  - ./secrets\n"),),
    ),
    Broken(
        name="an image twice",
        rule="kustomize/listed-twice",
        at=(RELEASE, "  - name: 'postgres'"),
        edits=(replace(RELEASE, 'newTag: "17"\n', 'newTag: "17"\n  - name: \'postgres\'\n    newTag: "17.2"\n'),),
    ),
    Broken(
        name="commonLabels",
        rule="kustomize/deprecated",
        at=("overlays/dev/secrets/kustomization.yaml", "commonLabels:"),
        edits=(append("overlays/dev/secrets/kustomization.yaml", "commonLabels:\n  team: data\n"),),
    ),
    Broken(
        name="patchesStrategicMerge",
        rule="kustomize/deprecated",
        at=(OVERLAY, "patchesStrategicMerge:"),
        edits=(
            append(OVERLAY, "patchesStrategicMerge:\n  - scheduler.yaml\n"),
            write("overlays/dev/scheduler.yaml", SCHEDULER.format(name="airflow-scheduler")),
        ),
    ),
    Broken(
        name="a resource of another server",
        rule="kustomize/remote",
        at=(OVERLAY, "https://"),
        edits=(replace(OVERLAY, "  - secrets\n", "  - secrets\n  - https://127.0.0.1:1/acme/manifests/crd.yaml\n"),),
    ),
    Broken(
        name="a Helm chart",
        rule="kustomize/program",
        at=(OVERLAY, "helmCharts:"),
        edits=(append(OVERLAY, "helmCharts:\n  - name: redis\n    repo: https://127.0.0.1:1/charts\n"),),
    ),
    Broken(
        name="a plugin that is a program",
        rule="kustomize/program",
        at=("overlays/dev/plugin.yaml", "kind: Secrets"),
        edits=(
            append(OVERLAY, "generators:\n  - plugin.yaml\n"),
            write("overlays/dev/plugin.yaml", "apiVersion: acme.com/v1\nkind: Secrets\nmetadata:\n  name: x\n"),
        ),
    ),
    Broken(
        name="a folder beside the repository",
        rule="kustomize/outside",
        at=(OVERLAY, "../../../shared"),
        edits=(replace(OVERLAY, "  - secrets\n", "  - secrets\n  - ../../../shared\n"),),
    ),
    Broken(
        name="a field in capital letters",
        rule="kustomize/unclear",
        at=(OVERLAY, "Replicas:"),
        edits=(append(OVERLAY, "Replicas:\n  - name: airflow-scheduler\n    count: 2\n"),),
    ),
    Broken(
        name="a folder that YAML takes for yes",
        rule="kustomize/unclear",
        at=(OVERLAY, "  - on"),
        edits=(replace(OVERLAY, "  - secrets\n", "  - secrets\n  - on\n"),),
    ),
    Broken(
        name="a resource file of nothing but comments",
        rule="kustomize/empty-resource",
        at=("base/airflow/kustomization.yaml", "  - poddisruptionbudget.triggerer.yaml"),
        edits=(
            remove("base/airflow/poddisruptionbudget.triggerer.yaml"),
            write("base/airflow/poddisruptionbudget.triggerer.yaml", "# apiVersion: policy/v1\n"),
        ),
    ),
    Broken(
        name="a second document in a kustomization",
        rule="kustomize/ignored-document",
        at=(OVERLAY, "replicas:"),
        edits=(append(OVERLAY, "---\nreplicas:\n  - name: airflow-scheduler\n    count: 2\n"),),
    ),
)

_SETTINGS = (
    Broken(
        name="a setting without an equals sign",
        rule="kustomize/setting-without-value",
        at=(SETTINGS, "LANG"),
        edits=(append(SETTINGS, "LANG\n"),),
    ),
    Broken(
        name="a setting in quotes",
        rule="kustomize/setting-value",
        at=(SETTINGS, "SITE_NAME"),
        edits=(append(SETTINGS, 'SITE_NAME="acme"\n'),),
    ),
    Broken(
        name="a comment after a setting",
        rule="kustomize/setting-value",
        at=(SETTINGS, "SITE_NAME"),
        edits=(append(SETTINGS, "SITE_NAME=acme # the customer\n"),),
    ),
    Broken(
        name="a setting twice in one file",
        rule="kustomize/repeated-setting",
        at=(SETTINGS, "AIRFLOW__API__INSTANCE_NAME=Airflow: mine"),
        edits=(append(SETTINGS, "AIRFLOW__API__INSTANCE_NAME=Airflow: mine\n"),),
    ),
    Broken(
        name="a setting in two files of one generator",
        rule="kustomize/repeated-setting",
        at=("base/airflow/worker.env", "AIRFLOW__CORE__EXECUTOR"),
        edits=(append("base/airflow/worker.env", "AIRFLOW__CORE__EXECUTOR=KubernetesExecutor\n"),),
    ),
)

_SILENCE = (
    Broken(
        name="a patch's target with a misspelt name",
        rule="kustomize/dead-target",
        at=(OVERLAY, "  - target"),
        edits=(append(OVERLAY, patch("{kind: Deployment, name: airflow-schedulr}", REPLICAS)),),
    ),
    Broken(
        name="a patch's target by the start of a name",
        rule="kustomize/dead-target",
        at=(OVERLAY, "  - target"),
        edits=(append(OVERLAY, patch("{kind: Deployment, name: airflow-sched}", REPLICAS)),),
    ),
    Broken(
        name="a patch's target with the namespace that the overlay sets",
        rule="kustomize/dead-target",
        at=(OVERLAY, "  - target"),
        edits=(
            append(OVERLAY, patch("{kind: Deployment, name: airflow-scheduler, namespace: airflow-dev}", REPLICAS)),
        ),
    ),
    Broken(
        name="a patch's target by the name that the release gives a Job",
        rule="kustomize/dead-target",
        at=(OVERLAY, "  - target"),
        edits=(
            append(
                OVERLAY,
                patch("{kind: Job, name: airflow-migrate-3-3-2}", "{op: replace, path: /spec/backoffLimit, value: 9}"),
            ),
        ),
    ),
    Broken(
        name="a patch's target with labels of nothing",
        rule="kustomize/dead-target",
        at=(OVERLAY, "  - target"),
        edits=(
            append(
                OVERLAY,
                patch('{kind: Deployment, labelSelector: "app.kubernetes.io/component in (scheduling)"}', REPLICAS),
            ),
        ),
    ),
    Broken(
        name="an image under the name of its registry",
        rule="kustomize/dead-image",
        at=(RELEASE, "docker.io/library/postgres"),
        edits=(replace(RELEASE, "name: postgres", "name: docker.io/library/postgres"),),
    ),
    Broken(
        name="an image that is named with its tag",
        rule="kustomize/dead-image",
        at=(RELEASE, "postgres:17"),
        edits=(replace(RELEASE, "name: postgres", "name: postgres:17"),),
    ),
    Broken(
        name="an image that is left as it is",
        rule="kustomize/dead-image",
        at=(RELEASE, "name: postgres"),
        edits=(replace(RELEASE, '    newTag: "17"\n', ""),),
    ),
    Broken(
        name="a JSON patch without its value",
        rule="kustomize/patch-operation",
        at=(OVERLAY, "vaule"),
        edits=(
            append(OVERLAY, patch("{kind: Service, name: airflow-web}", "{op: replace, path: /spec/type, vaule: x}")),
        ),
    ),
    Broken(
        name="a replacement into an object that is not there",
        rule="kustomize/dead-replacement",
        at=(REPLACEMENTS, "airflow-pod-templates"),
        edits=(replace(REPLACEMENTS, "        name: airflow-pod-template\n", "        name: airflow-pod-templates\n"),),
    ),
    Broken(
        name="a pod template whose image has lost its quotes",
        rule="kustomize/replacement-piece",
        at=(REPLACEMENTS, "index: 1"),
        edits=(replace(TEMPLATE, "'apache/airflow'", "apache/airflow"),),
    ),
    Broken(
        name="an apostrophe before the pod template's image",
        rule="kustomize/replacement-piece",
        at=(REPLACEMENTS, "index: 1"),
        edits=(replace(TEMPLATE, "# The pod of every task.", "# It's the pod of every task, they're all the same."),),
    ),
    Broken(
        name="a replacement's option that is misspelt",
        rule="kustomize/unknown-field",
        at=(REPLACEMENTS, "indx: 9"),
        edits=(replace(REPLACEMENTS, "index: 9", "indx: 9"),),
    ),
    Broken(
        name="a settings file that nothing reads",
        rule="kustomize/unread-file",
        at=("overlays/dev/more.env", ""),
        edits=(write("overlays/dev/more.env", "SITE_NAME=acme\n"),),
    ),
    Broken(
        name="a folder that nothing names",
        rule="kustomize/unread-file",
        at=("base/redis/kustomization.yaml", ""),
        edits=(
            write("base/redis/kustomization.yaml", "resources:\n  - service.yaml\n"),
            write("base/redis/service.yaml", "apiVersion: v1\nkind: Service\nmetadata:\n  name: redis\n"),
        ),
    ),
    Broken(
        name="a DAG that its component does not list",
        rule="kustomize/unread-file",
        at=("overlays/complete/base/components/tutorial-dags/dags/mine.py", ""),
        edits=(write("overlays/complete/base/components/tutorial-dags/dags/mine.py", "import airflow.sdk\n"),),
        environment="complete",
    ),
)

_PODS = (
    Broken(
        name="the tag latest",
        rule="kustomize/floating-image",
        at=(RELEASE, 'newTag: "latest"'),
        edits=(replace(RELEASE, 'newTag: "17"', 'newTag: "latest"'),),
    ),
    Broken(
        name="an image without an entry in the release",
        rule="kustomize/floating-image",
        at=("base/postgres/statefulset.yaml", "image: postgres"),
        edits=(replace(RELEASE, '  - name: postgres\n    newTag: "17"\n', ""),),
    ),
    Broken(
        name="a hash on what the pod template names",
        rule="kustomize/hashed-name",
        at=(TEMPLATE, "name: airflow-worker-local-settings"),
        edits=(
            replace(
                AIRFLOW,
                "      - airflow_local_settings.py\n    options:\n      disableNameSuffixHash: true\n",
                "      - airflow_local_settings.py\n",
            ),
        ),
    ),
)

CASES = (*_BUILD, *_FIELDS, *_SETTINGS, *_SILENCE, *_PODS)
