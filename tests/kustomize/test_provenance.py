"""Provenance of rendered fields; each case is built by the real kustomize."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bootstrap import cli
from bootstrap.core.tree import Tree
from bootstrap.kubernetes.objects import Object, generated_names, identify, parse
from bootstrap.kustomize import graph
from bootstrap.kustomize.provenance import Trace
from tests import rendering
from tests.conftest import REPO_URL, Keys

OVERLAY = "overlays/dev"
BASE = {
    "base/kustomization.yaml": """\
resources:
  - deployment.yaml
  - service.yaml
  - job.yaml
configMapGenerator:
  - name: settings
    envs:
      - base.env
    literals:
      - LITERAL=one
  - name: template
    files:
      - pod.yaml
      - renamed=other.txt
    options:
      disableNameSuffixHash: true
labels:
  - includeTemplates: true
    pairs:
      part-of: airflow
""",
    "base/base.env": "A=base\nB=base\n# a comment\nC=base\n",
    "base/other.txt": "text\n",
    "base/pod.yaml": """\
kind: Pod
spec:
  containers:
    - name: base
      image: 'acme/airflow'
      args: [a]
""",
    "base/service.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  type: NodePort\n",
    "base/job.yaml": """\
apiVersion: batch/v1
kind: Job
metadata:
  name: airflow-migrate-release
spec:
  backoffLimit: 6
""",
    "base/deployment.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: scheduler
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: first
          image: acme/first:1
        - name: scheduler
          image: acme/airflow
          env:
            - name: X
              value: base
""",
}


class Built:
    """A built tree with its trace."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        self.lines = {name: text.splitlines() for name, text in files.items()}
        tree = Tree({name: text.encode() for name, text in files.items()})
        self.objects = parse(rendering.build(folder / OVERLAY))
        self.trace = Trace(tree, graph.read(tree, OVERLAY), OVERLAY)

    def find(self, kind: str, name: str) -> Object:
        return next(obj for obj in self.objects if (obj["kind"], identify(obj).name) == (kind, name))

    def field(self, kind: str, name: str, *path: str | int) -> str:
        """The file, and the text of the line that a field is traced to."""
        place = self.trace.field(self.find(kind, name), path)
        return f"{place.path}: {self.lines[place.path][place.line - 1].strip()}"

    def inner(self, name: str, key: str, *path: str | int) -> str:
        place = self.trace.data(self.find("ConfigMap", name), key, path)
        return f"{place.path}: {self.lines[place.path][place.line - 1].strip()}"


@pytest.fixture
def build(tmp_path: Path) -> "Builder":
    return Builder(tmp_path)


class Builder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, kustomization: str, **files: str) -> Built:
        own = {f"{OVERLAY}/{name.replace('_', '.')}": text for name, text in files.items()}
        return Built(
            self._folder,
            {**BASE, f"{OVERLAY}/kustomization.yaml": f"resources:\n  - ../../base\n{kustomization}", **own},
        )


SCHEDULER = ("Deployment", "scheduler")
CONTAINER = ("spec", "template", "spec", "containers", 1)


def test_a_field_of_the_base(build: Builder) -> None:
    built = build("")
    assert built.field("Service", "web", "spec", "type") == "base/service.yaml: type: NodePort"
    assert built.field(*SCHEDULER, *CONTAINER, "env", 0, "value") == "base/deployment.yaml: value: base"
    assert built.field("Service", "web", "spec", "ports") == "base/service.yaml: spec:"
    assert built.field("Service", "web", "metadata", "labels", "part-of") == "base/kustomization.yaml: part-of: airflow"


def test_the_last_strategic_merge_patch_wins(build: Builder) -> None:
    patch = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: scheduler
spec:
  template:
    spec:
      containers:
        - name: scheduler
          env:
            - name: X
              value: patched
"""
    built = build("patches:\n  - path: patch.yaml\n", patch_yaml=patch)
    # Kustomize puts the items of a patch before those of the base.
    first = (*CONTAINER[:-1], 0, "env", 0, "value")
    assert built.field(*SCHEDULER, *first) == "overlays/dev/patch.yaml: value: patched"
    assert built.field(*SCHEDULER, *CONTAINER[:-1], 1, "image") == "base/deployment.yaml: image: acme/first:1"
    assert built.field(*SCHEDULER, "spec", "replicas") == "base/deployment.yaml: replicas: 1"
    inline = "  - patch: |-\n" + "".join(f"      {line}\n" for line in patch.replace("patched", "inline").splitlines())
    built = build(f"patches:\n  - path: patch.yaml\n{inline}", patch_yaml=patch)
    assert built.field(*SCHEDULER, *first) == "overlays/dev/kustomization.yaml: value: inline"


def test_a_patch_of_a_component(build: Builder) -> None:
    component = """\
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - patch: |
      apiVersion: v1
      kind: Service
      metadata:
        name: web
      spec:
        type: ClusterIP
"""
    built = build("components:\n  - c\n", **{"c/kustomization_yaml": component})
    assert built.field("Service", "web", "spec", "type") == "overlays/dev/c/kustomization.yaml: type: ClusterIP"


@pytest.mark.parametrize(
    "target",
    [
        "kind: Deployment",
        "kind: Dep.*, name: sched.*",
        'labelSelector: "part-of=airflow", kind: Deployment',
        "group: apps",
    ],
)
def test_json_patches_by_any_target(build: Builder, target: str) -> None:
    operations = (
        "- op: replace\n  path: /spec/replicas\n  value: 3\n"
        "- op: add\n  path: /spec/template/spec/containers/1/env/-\n  value: {name: NEW, value: appended}\n"
        "- op: add\n  path: /metadata/annotations\n  value:\n    a~b: x\n    example.com/c: y\n"
    )
    built = build(f"patches:\n  - target: {{{target}}}\n    path: json.yaml\n", json_yaml=operations)
    assert built.field(*SCHEDULER, "spec", "replicas") == "overlays/dev/json.yaml: value: 3"
    appended = "overlays/dev/json.yaml: value: {name: NEW, value: appended}"
    assert built.field(*SCHEDULER, *CONTAINER, "env", 1, "value") == appended
    assert built.field(*SCHEDULER, *CONTAINER, "env", 0, "value") == "base/deployment.yaml: value: base"
    assert (
        built.field(*SCHEDULER, "metadata", "annotations", "example.com/c")
        == "overlays/dev/json.yaml: example.com/c: y"
    )
    assert built.field("Service", "web", "spec", "type") == "base/service.yaml: type: NodePort"


def test_transformers_of_a_kustomization(build: Builder) -> None:
    built = build(
        "namespace: airflow-dev\nreplicas:\n  - name: scheduler\n    count: 4\n"
        'images:\n  - name: acme/airflow\n    newTag: "9"\n'
    )
    here = "overlays/dev/kustomization.yaml"
    assert built.field(*SCHEDULER, "metadata", "namespace") == f"{here}: namespace: airflow-dev"
    assert built.field(*SCHEDULER, "spec", "replicas") == f"{here}: count: 4"
    assert built.field(*SCHEDULER, *CONTAINER, "image") == f'{here}: newTag: "9"'
    assert built.field(*SCHEDULER, *CONTAINER[:-1], 0, "image") == "base/deployment.yaml: image: acme/first:1"


def test_the_last_generator_of_an_entry_wins(build: Builder) -> None:
    built = build(
        "configMapGenerator:\n  - name: settings\n    behavior: merge\n"
        "    envs:\n      - dev.env\n    literals:\n      - LITERAL=two\n",
        dev_env="# mine\nB=dev\n",
    )
    assert built.field("ConfigMap", "settings", "data", "A") == "base/base.env: A=base"
    assert built.field("ConfigMap", "settings", "data", "B") == "overlays/dev/dev.env: B=dev"
    assert built.field("ConfigMap", "settings", "data", "C") == "base/base.env: C=base"
    assert built.field("ConfigMap", "settings", "data", "LITERAL") == "overlays/dev/kustomization.yaml: - LITERAL=two"
    assert built.field("ConfigMap", "template", "data", "renamed") == "base/other.txt: text"
    place = built.trace.object(built.find("ConfigMap", "settings"))
    assert (place.path, BASE[place.path].splitlines()[place.line - 1].strip()) == (
        "base/kustomization.yaml",
        "- name: settings",
    )


def test_a_generator_that_replaces(build: Builder) -> None:
    built = build("configMapGenerator:\n  - name: settings\n    behavior: replace\n    literals:\n      - A=mine\n")
    assert built.find("ConfigMap", "settings")["data"] == {"A": "mine"}
    assert built.field("ConfigMap", "settings", "data", "A") == "overlays/dev/kustomization.yaml: - A=mine"


def test_a_patch_of_an_entry_wins_over_its_generator(build: Builder) -> None:
    patch = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  A: patched\n"
    built = build("patches:\n  - path: patch.yaml\n", patch_yaml=patch)
    assert built.field("ConfigMap", "settings", "data", "A") == "overlays/dev/patch.yaml: A: patched"


def test_values_inside_of_a_pod_template(build: Builder) -> None:
    built = build("")
    assert built.inner("template", "pod.yaml", "spec", "containers", 0, "args") == "base/pod.yaml: args: [a]"
    text = "".join(f"    {line}\n" for line in BASE["base/pod.yaml"].replace("[a]", "[b]").splitlines())
    patch = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: template\ndata:\n  pod.yaml: |\n{text}"
    built = build("patches:\n  - path: patch.yaml\n", patch_yaml=patch)
    assert built.inner("template", "pod.yaml", "spec", "containers", 0, "args") == "overlays/dev/patch.yaml: args: [b]"


def test_a_replaced_value_is_traced_to_its_source(build: Builder) -> None:
    built = build(
        """\
images:
  - name: acme/airflow
    newTag: "9"
configMapGenerator:
  - name: release
    literals:
      - ID=3-3-2
replacements:
  - source: {kind: Deployment, name: scheduler, fieldPath: "spec.template.spec.containers.[name=scheduler].image"}
    targets:
      - select: {kind: ConfigMap, name: template}
        fieldPaths: ["data.[pod.yaml]"]
        options: {delimiter: "'", index: 1}
  - source: {kind: ConfigMap, name: release, fieldPath: data.ID}
    targets:
      - select: {kind: Job}
        fieldPaths: [metadata.name]
        options: {delimiter: "-", index: 2}
      - select: {kind: ConfigMap, name: settings}
        fieldPaths: [data.A]
"""
    )
    here = "overlays/dev/kustomization.yaml"
    assert built.inner("template", "pod.yaml", "spec", "containers", 0, "image") == f'{here}: newTag: "9"'
    assert built.inner("template", "pod.yaml", "spec", "containers", 0, "name") == "base/pod.yaml: - name: base"
    assert built.field("ConfigMap", "settings", "data", "A") == f"{here}: - ID=3-3-2"
    job = next(obj for obj in built.objects if obj["kind"] == "Job")
    assert job["metadata"]["name"] == "airflow-migrate-3-3-2"
    assert built.trace.object(job).path == "base/job.yaml" and built.trace.object(job).line == 4
    assert built.field("Job", "airflow-migrate", "spec", "backoffLimit") == "base/job.yaml: backoffLimit: 6"


@pytest.fixture(scope="module")
def fresh(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fresh") / "envs"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit):
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.com")
        cli.main(["init", str(folder), "--yes", "--repo", REPO_URL, "--sealing-cert", str(keys.certificate)])
    return folder


def test_every_field_of_a_fresh_repo_is_traced_to_a_line_with_its_value(fresh: Path) -> None:
    files = {
        path.relative_to(fresh).as_posix(): path.read_bytes()
        for path in fresh.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(fresh).parts
    }
    trace = Trace(Tree(files), graph.read(Tree(files), OVERLAY), OVERLAY)
    objects = parse(rendering.build(fresh / OVERLAY))
    assert len(objects) > 40
    generated = generated_names(objects)
    for obj in objects:
        place = trace.object(obj)
        line = files[place.path].decode().splitlines()[place.line - 1]
        assert f"name: {identify(obj).name}" in line, (identify(obj), place)
        for path, value in scalars(obj, ()):
            if obj["kind"] == "ConfigMap" and path[0] != "data":
                continue  # kustomize makes it: no line says what a generator gives it besides its entries
            origin = trace.origin(obj, path)
            assert origin.whole, (identify(obj), path)
            line = files[origin.place.path].decode().splitlines()[origin.place.line - 1]
            wanted = written(value, path, generated)
            assert wanted in line or "\n" in wanted, (identify(obj), path, origin.place)


def written(value: object, path: tuple[str | int, ...], generated: Mapping[str, str]) -> str:
    """The text that must be in the line of a value."""
    text = generated.get(str(value), str(value))
    if path[-1] in ("image", "AIRFLOW_IMAGE"):
        return text.rpartition(":")[2]
    if path == ("metadata", "name"):
        return text.removesuffix("-3-3-2")
    if path[0] == "data" and text.startswith("{"):
        return "="  # a replacement writes the image into it
    return text.lower() if isinstance(value, bool) else text


def scalars(value: object, path: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], object]]:
    """All values of an object that are neither mappings nor lists."""
    if isinstance(value, dict):
        return [pair for key, item in value.items() for pair in scalars(item, (*path, key))]
    if isinstance(value, list):
        return [pair for number, item in enumerate(value) for pair in scalars(item, (*path, number))]
    return [(path, value)]
