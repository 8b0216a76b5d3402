"""Overlays whose build would fetch from elsewhere, run a program, or leave the repo."""

from collections.abc import Callable

from tests.security.hostile import Case, Place

KUSTOMIZATION = "overlays/dev/kustomization.yaml"
_EXEC = """apiVersion: example.com/v1
kind: Whatever
metadata:
  name: x
  annotations:
    config.kubernetes.io/function: |
      exec:
        path: ./run.sh
"""
_CHART = """apiVersion: builtin
kind: HelmChartInflationGenerator
metadata:
  name: x
name: airflow
repo: {url}/charts
version: 1.0.0
"""


def _appended(name: str, text: Callable[[Place], str], told: str = r"overlays/dev/kustomization\.yaml:\d+") -> Case:
    def plant(place: Place) -> None:
        place.write(KUSTOMIZATION, place.read(KUSTOMIZATION) + text(place))

    return Case(name=f"fetched: {name}", plant=plant, says={"validate": told})


def _listed(name: str, entry: Callable[[Place], str], key: str = "resources", **files: str) -> Case:
    def plant(place: Place) -> None:
        place.edit(KUSTOMIZATION, f"{key}:\n", f"{key}:\n  - {entry(place)}\n")

    return Case(name=f"fetched: {name}", plant=plant, says={"validate": r"overlays/dev/kustomization\.yaml:\d+"})


def _with_file(name: str, key: str, path: str, text: Callable[[Place], str]) -> Case:
    def plant(place: Place) -> None:
        place.write(f"overlays/dev/{path}", text(place))
        place.write("overlays/dev/run.sh", "#!/bin/sh\ntouch owned\n")
        (place.repo / "overlays/dev/run.sh").chmod(0o755)
        place.write(KUSTOMIZATION, place.read(KUSTOMIZATION) + f"{key}:\n  - {path}\n")

    return Case(name=f"fetched: {name}", plant=plant, says={"validate": "overlays/dev/"})


def _component(place: Place) -> None:
    place.edit("base/kustomization.yaml", "resources:\n", f"resources:\n  - {place.url}/deep.yaml\n")


CASES = (
    _listed("a URL", lambda p: f"{p.url}/x.yaml"),
    _listed("a Git repository by URL", lambda p: f"{p.url}/acme/x.git//deploy?ref=main"),
    _listed("a Git repository by SSH", lambda p: "git@127.0.0.1:acme/x.git"),
    _listed("a repository of GitHub", lambda p: "github.com/acme/x?ref=main"),
    _listed("a repository of GitHub, short", lambda p: "gh:acme/x"),
    _listed("a getter's prefix", lambda p: f"git::{p.url}/acme/x.git"),
    _listed("a host without a scheme", lambda p: "127.0.0.1/acme/x.git//deploy"),
    _listed("a component", lambda p: f"{p.url}/acme/x.git//c", key="components"),
    _listed("a folder outside of the repo", lambda p: "../../../outside"),
    _listed("an absolute path", lambda p: str(p.outside)),
    _listed("a file outside of the repo", lambda p: "../../../outside/namespace.yaml"),
    _appended("key in capitals", lambda p: f"Resources:\n  - {p.url}/x.yaml\n"),
    _appended("patch", lambda p: f"patches:\n  - path: {p.url}/x.yaml\n"),
    _appended("old patch", lambda p: f"patchesStrategicMerge:\n  - {p.url}/x.yaml\n"),
    _appended("API schema", lambda p: f"openapi:\n  path: {p.url}/x.json\n"),
    _appended("definitions", lambda p: f"crds:\n  - {p.url}/x.yaml\n"),
    _appended("configuration", lambda p: f"configurations:\n  - {p.url}/x.yaml\n"),
    _appended("file of a Secret", lambda p: f"secretGenerator:\n  - name: x\n    files:\n      - x={p.url}/x\n"),
    _appended(
        "Helm chart", lambda p: f"helmCharts:\n  - name: airflow\n    repo: {p.url}/charts\n    version: 1.0.0\n"
    ),
    _appended("generator in the file", lambda p: "generators:\n  - |-\n" + _inside(_CHART.format(url=p.url))),
    _appended("transformer in the file", lambda p: "transformers:\n  - |-\n" + _inside(_EXEC)),
    _with_file("generator", "generators", "chart.yaml", lambda p: _CHART.format(url=p.url)),
    _with_file("function as a generator", "generators", "exec.yaml", lambda p: _EXEC),
    _with_file("function as a transformer", "transformers", "exec.yaml", lambda p: _EXEC),
    _with_file("function as a validator", "validators", "exec.yaml", lambda p: _EXEC),
    Case(name="fetched: by the base", plant=_component, says={"validate": r"base/kustomization\.yaml:\d+"}),
)


def _inside(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
