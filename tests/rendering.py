"""Render kustomizations with the real kustomize, and read what comes out."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from bootstrap.kustomize.build import Kustomize

ROOT = Path(__file__).resolve().parents[1]

# A Kubernetes object, or a part of one, as YAML gives it.
Object = dict[str, Any]


def build(folder: Path) -> bytes:
    """What kustomize makes of a folder, without our program; fail with kustomize's own words."""
    done = subprocess.run([*Kustomize.find().command, folder], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def render(folder: Path) -> str:
    """The same as text."""
    return build(folder).decode()


def parse(text: str) -> list[Object]:
    """Return the documents of a YAML stream, empty ones left out."""
    return [document for document in yaml.load_all(text, Loader=yaml.CSafeLoader) if document is not None]


@cache
def overlay(environment: str) -> list[Object]:
    """Return the objects of one of the project's own overlays. They are shared: do not change them."""
    return parse(render(ROOT / "overlays" / environment))


def pick(objects: list[Object], kind: str, name: str) -> Object:
    """Return the one object of this kind and name, or of this generated name without its hash."""
    found = [o for o in objects if o["kind"] == kind and unhashed(o["metadata"]["name"]) == name]
    assert len(found) == 1, f"{len(found)} of {kind} {name}"
    return found[0]


def is_hashed(name: str) -> bool:
    """Whether a name ends in a hash as kustomize writes them: ten letters and digits of a small alphabet."""
    _, dash, end = name.rpartition("-")
    return bool(dash) and len(end) == 10 and set(end) <= set("2456789bcdfghkmt")


def unhashed(name: str) -> str:
    """Return a name without kustomize's hash, if it has one."""
    return name.rpartition("-")[0] if is_hashed(name) else name
