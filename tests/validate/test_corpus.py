"""Every broken repo of the corpus shows its own mistake, at its own line, and no other; an unbroken one shows none."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from bootstrap.core.tree import Tree
from bootstrap.validate import registry
from tests.conftest import Taxiway
from tests.validate.cases import (
    Broken,
    airflow,
    files,
    fleet,
    kubernetes,
    kustomize,
    line_of,
    references,
    secrets,
    sync,
)

FAMILIES = (kustomize, references, secrets, airflow, kubernetes, sync, fleet, files)
CORPUS = [case for family in FAMILIES for case in family.CASES]


def found(taxiway: Taxiway, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """What `validate` finds."""
    said = taxiway("validate", "-o", "json", "-C", folder, *arguments)
    assert said.code in (0, 1), said.err
    findings: list[dict[str, Any]] = json.loads(said.out)["data"]["findings"]
    assert said.code == int(any(each["severity"] == "error" for each in findings))
    return findings


def test_an_untouched_repo_has_no_finding(taxiway: Taxiway, fresh: Path) -> None:
    assert found(taxiway, fresh) == []


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_exactly_the_mistake_is_found_where_it_is(taxiway: Taxiway, fresh: Path, tmp_path: Path, case: Broken) -> None:
    folder = tmp_path / "envs"
    shutil.copytree(fresh, folder, symlinks=True)
    tree = break_it(folder, case)
    findings = found(taxiway, folder, *([case.environment] if case.environment else []))
    path, piece = case.at
    wanted = (case.rule, path, line_of(tree, path, piece))
    assert {(each["rule"], each["path"], each["line"]) for each in findings} == {wanted}, findings
    assert len(findings) == len({each["message"] for each in findings})


def break_it(folder: Path, case: Broken) -> Tree:
    """Make the mistake; the files after it."""
    before = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".git/" not in f"{path.relative_to(folder).as_posix()}"
    }
    after = dict(before)
    for edit in case.edits:
        edit(after)
    assert after != before or case.links or case.pipe
    for name, target in case.links.items():
        (folder / name).symlink_to(target)
    if case.pipe:
        os.mkfifo(folder / case.pipe)
    for name in before.keys() - after.keys():
        (folder / name).unlink()
    for name, data in after.items():
        if data != before.get(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    return Tree(after)


def test_the_names_of_the_corpus_are_its_own() -> None:
    names = [case.name for case in CORPUS]
    assert len(names) == len(set(names))


def test_every_rule_has_a_broken_repo() -> None:
    # What an API server says is seen on a real one: tests/cluster/test_sync_server.py.
    alone = {rule.name for rule in registry.every() if not rule.name.startswith("server/")}
    assert alone - {case.rule for case in CORPUS} == set()
