"""Harness: the findings of `validate ENVIRONMENT` for a tree in memory, with one build by the real kustomize.

No checkout, no Git, no command line: for corpora, whose repos differ from one fresh repo by an edit.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bootstrap.config.model import PATH, Environment, Model
from bootstrap.core.errors import BuildFailed
from bootstrap.core.tree import Tree
from bootstrap.kustomize import graph
from bootstrap.kustomize.build import Kustomize
from bootstrap.validate import formats, registry
from bootstrap.validate.context import DatedContext, EnvironmentContext, FleetContext
from bootstrap.validate.rules.fleet.claims import claims

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """A repo at HEAD: its folder, its files, its model, and what each environment renders to."""

    folder: Path
    files: Files
    model: Model
    rendered: Mapping[str, bytes]

    @classmethod
    def read(cls, folder: Path) -> "Committed":
        """A repo with nothing uncommitted."""
        files = read(folder)
        model = Model.parse(files[PATH])
        rendered = {
            environment.name: build(folder, seen(files, environment), environment) for environment in model.environments
        }
        return cls(folder=folder, files=files, model=model, rendered=rendered)


def read(folder: Path) -> dict[str, bytes]:
    """Every file of a repo but for Git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def build(folder: Path, tree: Tree, environment: Environment) -> bytes:
    """What kustomize makes of an environment of a tree that stands in this folder. Raises BuildFailed."""
    return Kustomize.find().build(folder, environment.overlay, graph.read(tree, environment.overlay))


def seen(files: Files, environment: Environment) -> Tree:
    """What the rules see: an environment's own files, and those of no environment."""
    return Tree(
        {path: data for path, data in files.items() if not path.startswith("overlays/") or _is_of(path, environment)}
    )


def _is_of(path: str, environment: Environment) -> bool:
    return path.startswith(f"{environment.overlay}/")


def found(before: Committed, files: Files, name: str, scratch: Path) -> list[dict[str, Any]]:
    """What is found in an environment of these files, as `validate -o json` tells it; `scratch` is new."""
    model = Model.parse(files[PATH])
    environment = model.find(name)
    tree = seen(files, environment)
    failure, rendered = None, before.rendered.get(name, b"")
    if tree_of_build(files) != tree_of_build(before.files):
        try:
            rendered = build(written(before, files, scratch), tree, environment)
        except BuildFailed as err:
            failure, rendered = err.message, b""
    context = EnvironmentContext(
        model=model, environment=environment, tree=tree, rendered=rendered, failure=failure,
        before=before.rendered.get(name),
    )  # fmt: skip
    fleet = FleetContext(
        model=model,
        chosen=(name,),
        claims=[(name, claim) for claim in claims(context)],
        exemptions_before=before.model.exemptions,
        read=lambda path: files.get(path, b""),
        rules=registry.names(),
    )
    dated = DatedContext(model=model, environment=context, now=datetime.now(UTC))
    findings = [finding for scope in (context, dated, fleet) for finding in registry.examine(scope)]
    told = formats.data(registry.apply_exemptions(findings, model.exemptions), [name], ())["findings"]
    assert isinstance(told, list)
    return told


def tree_of_build(files: Files) -> dict[str, bytes]:
    """All that the build of a fresh repo's environment reads, and more."""
    return {path: data for path, data in files.items() if path.startswith(("base/", "overlays/"))}


def written(before: Committed, files: Files, folder: Path) -> Path:
    """Files as they stand on disk; what is as before is linked to, which kustomize can't tell from a copy."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if before.files.get(path) == data:
            os.link(before.folder / path, folder / path)
        else:
            (folder / path).write_bytes(data)
    return folder
