"""Changes that open rights, weaken security or lose data: `diff` tells them first."""

from tests.security.hostile import Case, Place

KUSTOMIZATION = "overlays/dev/kustomization.yaml"


def _object(name: str, text: str, told: str) -> Case:
    def plant(place: Place) -> None:
        place.write("overlays/dev/x.yaml", text)
        place.edit(KUSTOMIZATION, "  - namespace.yaml\n", "  - namespace.yaml\n  - x.yaml\n")

    return Case(name=f"truth: {name}", plant=plant, says={"diff": told})


def _patch(name: str, target: str, patch: str, told: str) -> Case:
    def plant(place: Place) -> None:
        lines = "".join(f"      {line}\n" for line in patch.splitlines())
        place.write(
            KUSTOMIZATION,
            place.read(KUSTOMIZATION) + f"patches:\n  - target:\n      {target}\n    patch: |-\n{lines}",
        )

    return Case(name=f"truth: {name}", plant=plant, says={"diff": told})


_ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: x\n"
_BINDING = _ROLE.format(kind="{kind}") + (
    "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {role}\nsubjects:\n{subjects}"
)
_EVERYONE = "  - kind: Group\n    name: system:authenticated\n    apiGroup: rbac.authorization.k8s.io\n"
_SCHEDULER = "kind: Deployment\n      name: airflow-scheduler"


def _pod(name: str, field: str, told: str) -> Case:
    head = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: airflow-scheduler\n"
    return _patch(name, _SCHEDULER, f"{head}spec:\n  template:\n    spec:\n{field}", told)


def _postgres(place: Place) -> None:
    path = "overlays/dev/release/kustomization.yaml"
    text = place.read(path)
    assert '"17' in text or "17" in text
    place.write(path, text.replace('newTag: "17', 'newTag: "18'))


def _certificate(place: Place) -> None:
    from datetime import UTC, datetime

    from bootstrap.secrets import sealing

    key = sealing.read_key(sealing.new_key(), source="test key")
    place.write("overlays/prod/secrets/sealing-cert.pem", sealing.certify(key, now=datetime.now(UTC)))


def _off(place: Place) -> None:
    place.write(
        "taxiway.yaml",
        place.read("taxiway.yaml")
        + 'validate:\n  "off":\n  - rule: kubernetes/pod-security\n    reason: "it is fine"\n',
    )


CASES = (
    _object(
        "cluster-admin for everyone",
        _BINDING.format(kind="ClusterRoleBinding", role="cluster-admin", subjects=_EVERYONE),
        r"security.*cluster-admin|! .*cluster-admin",
    ),
    _object(
        "a role of wildcards",
        _ROLE.format(kind="ClusterRole") + "rules:\n  - apiGroups: ['*']\n    resources: ['*']\n    verbs: ['*']\n",
        r"! .*any",
    ),
    _object(
        "a role that may give itself more",
        _ROLE.format(kind="Role")
        + "rules:\n  - apiGroups: [rbac.authorization.k8s.io]\n    resources: [roles]\n    verbs: [escalate, bind]\n",
        r"! .*escalate",
    ),
    _object(
        "a role that joins others",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: x\n  labels:\n"
        '    rbac.authorization.k8s.io/aggregate-to-edit: "true"\n'
        "rules:\n  - apiGroups: ['']\n    resources: [secrets]\n    verbs: [get]\n",
        r"! .*become a part of ClusterRole/edit",
    ),
    _object(
        "a service for the world",
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: x\nspec:\n  type: LoadBalancer\n  selector: {a: b}\n"
        "  ports: [{port: 80}]\n",
        r"! .*outside",
    ),
    _pod(
        "privileged",
        "      containers:\n      - name: scheduler\n        securityContext:\n          privileged: true\n",
        r"! .*privileged",
    ),
    _pod("host network", "      hostNetwork: true\n", r"! .*network"),
    _pod(
        "host path",
        "      volumes:\n      - name: root\n        hostPath: {path: /}\n",
        r"! .*host",
    ),
    _pod(
        "an image from elsewhere",
        "      initContainers:\n      - name: evil\n        image: evil.example/x:1\n",
        r"! .*evil\.example",
    ),
    _patch(
        "Pod Security lowered",
        "kind: Namespace",
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: airflow-dev\n  labels:\n"
        "    pod-security.kubernetes.io/enforce: privileged\n",
        r"! .*Pod Security",
    ),
    Case(
        name="truth: PostgreSQL 18 on the data of 17",
        plant=_postgres,
        says={"diff": r"! .*18", "validate for GitHub": "18"},
    ),
    Case(
        name="truth: another sealing certificate",
        plant=_certificate,
        says={"diff": r"! .*certificate", "validate": "certificate", "env add": "certificate"},
    ),
    Case(name="truth: a rule switched off", plant=_off, says={"diff": r"! .*kubernetes/pod-security"}),
)
