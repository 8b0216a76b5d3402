"""The graph of a build: the files that kustomize reads, and the order in which they apply."""

import pytest

from bootstrap.core.tree import Tree
from bootstrap.kustomize import graph, inputs
from bootstrap.kustomize.inputs import Role

FILES = Tree(
    {
        "overlays/dev/kustomization.yaml": b"""\
resources:
  - ../../base
  - own.yaml
  - gone.yaml
  - https://example.com/crd.yaml
components:
  - release
configMapGenerator:
  - name: settings
    behavior: merge
    envs: [dev.env]
    files: [key=text.txt]
patches:
  - path: patch.yaml
  - target: {kind: Service}
    path: other.yaml
replacements:
  - path: release/replacements.yaml
""",
        "overlays/dev/own.yaml": b"kind: Namespace\nmetadata: {name: dev}\n",
        "overlays/dev/dev.env": b"A=1\n",
        "overlays/dev/text.txt": b"",
        "overlays/dev/patch.yaml": b"",
        "overlays/dev/other.yaml": b"",
        "overlays/dev/release/kustomization.yaml": b"kind: Component\nimages: []\n",
        "overlays/dev/release/replacements.yaml": b"[]\n",
        "base/kustomization.yml": b"resources: [sub, ../base/sub]\n",
        "base/sub/Kustomization": b"resources: [service.yaml]\n",
        "base/sub/service.yaml": b"kind: Service\nmetadata: {name: web}\n",
        "base/unread.yaml": b"",
    }
)


def test_kustomizations_are_in_the_order_in_which_they_apply() -> None:
    found = graph.read(FILES, "overlays/dev")
    assert [kustomization.folder for kustomization in found.kustomizations] == [
        "base/sub",
        "base",
        "overlays/dev/release",
        "overlays/dev",
    ]
    assert [kustomization.is_component for kustomization in found.kustomizations] == [False, False, True, False]


def test_every_file_has_its_role() -> None:
    found = graph.read(FILES, "overlays/dev")
    assert {path: use.role for path, use in found.files.items() if use.role is not Role.KUSTOMIZATION} == {
        "overlays/dev/own.yaml": Role.RESOURCE,
        "base/sub/service.yaml": Role.RESOURCE,
        "overlays/dev/dev.env": Role.ENV,
        "overlays/dev/text.txt": Role.FILE,
        "overlays/dev/patch.yaml": Role.PATCH,
        "overlays/dev/other.yaml": Role.PATCH,
        "overlays/dev/release/replacements.yaml": Role.OTHER,
    }
    assert [(use.path, use.line) for use in found.missing] == [("overlays/dev/gone.yaml", 4)]
    assert [(use.path, use.line) for use in found.remote] == [("https://example.com/crd.yaml", 5)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "a", "resources: 1", "resources: [1, null, {a: b}, '']", "patches: [1]", "configMapGenerator: [x]",
     "configMapGenerator: [{envs: 1, files: [2, a=], env: []}]", "resources: [.]", "resources: [../../../..]",
     "replacements: {a: b}", "openapi: 1", "components: [\"a\\nb\"]", "patches: [{path: [1]}]"],
)  # fmt: skip
def test_malformed_fields_are_ignored(text: str) -> None:
    graph.read(Tree({"o/kustomization.yaml": text.encode(), "o/a.yaml": b"a"}), "o")


@pytest.mark.parametrize(
    ("name", "remote"),
    [("https://h/x.yaml", True), ("git@github.com:o/r.git", True), ("github.com/o/r//base?ref=v1", True),
     ("ssh://git@h/r", True), ("git::https://h/r", True), ("h.example/o/r?ref=main", True),
     ("../../base", False), ("release", False), ("github.yaml", False), ("https.yaml", False)],
)  # fmt: skip
def test_remote_names_are_recognized(name: str, remote: bool) -> None:
    assert inputs.is_remote(name) is remote
