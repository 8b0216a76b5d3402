"""Corpus: every broken repo has exactly its own finding, at its line; an unbroken repo has none."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bootstrap.core.tree import Tree
from bootstrap.validate import registry
from tests.conftest import Taxiway
from tests.depth import strided
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
from tests.validate.harness import Committed, found

FAMILIES = (kustomize, references, secrets, airflow, kubernetes, sync, fleet, files)
CORPUS = [case for family in FAMILIES for case in family.CASES]
# What is on disk and in no tree, and environments beside each other: only the whole command sees these.
WHOLE = [*files.CASES, *(case for case in CORPUS if not case.environment)]
TREES = [case for case in CORPUS if case not in WHOLE]
FIRST = [family.CASES[0] for family in FAMILIES]
OF_EACH_RULE = [*{case.rule: case for case in reversed(TREES)}.values()]


@pytest.fixture(scope="session")
def committed(fresh: Path) -> Committed:
    """The fresh repo in memory."""
    return Committed.read(fresh)


def told(taxiway: Taxiway, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """What `validate` finds."""
    said = taxiway("validate", "-o", "json", "-C", folder, *arguments)
    assert said.code in (0, 1), said.err
    findings: list[dict[str, Any]] = json.loads(said.out)["data"]["findings"]
    assert said.code == int(any(finding["severity"] == "error" for finding in findings))
    return findings


def test_an_untouched_repo_has_no_finding(taxiway: Taxiway, fresh: Path) -> None:
    assert told(taxiway, fresh) == []


@pytest.mark.parametrize("case", strided(TREES, 3, kept=lambda case: case in OF_EACH_RULE), ids=lambda case: case.name)
def test_exactly_the_mistake_is_found_where_it_is(committed: Committed, tmp_path: Path, case: Broken) -> None:
    after = broken(committed, case)
    check(case, after, found(committed, after, case.environment, tmp_path / "envs"))


@pytest.mark.parametrize(
    "case", strided(CORPUS, len(CORPUS), kept=lambda case: case in WHOLE or case in FIRST), ids=lambda case: case.name
)
def test_the_command_reports_exactly_the_mistake_at_its_line(
    taxiway: Taxiway, committed: Committed, tmp_path: Path, case: Broken
) -> None:
    folder = tmp_path / "envs"
    shutil.copytree(committed.folder, folder, symlinks=True)
    after = broken(committed, case)
    for name in committed.files.keys() - after.keys():
        (folder / name).unlink()
    for name, data in after.items():
        if data != committed.files.get(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    for name, target in case.links.items():
        (folder / name).symlink_to(target)
    if case.pipe:
        os.mkfifo(folder / case.pipe)
    check(case, after, told(taxiway, folder, *([case.environment] if case.environment else [])))


def broken(committed: Committed, case: Broken) -> dict[str, bytes]:
    """The files after the mistake."""
    after = dict(committed.files)
    for edit in case.edits:
        edit(after)
    assert after != committed.files or case.links or case.pipe
    return after


def check(case: Broken, after: Mapping[str, bytes], findings: list[dict[str, Any]]) -> None:
    path, piece = case.at
    wanted = (case.rule, path, line_of(Tree(after), path, piece))
    assert {(finding["rule"], finding["path"], finding["line"]) for finding in findings} == {wanted}, findings
    assert len(findings) == len({finding["message"] for finding in findings})


def test_the_names_of_the_corpus_are_unique() -> None:
    names = [case.name for case in CORPUS]
    assert len(names) == len(set(names))


def test_every_rule_has_a_broken_repo() -> None:
    # What an API server says is seen on a real one: tests/cluster/test_sync_server.py.
    alone = {rule.name for rule in registry.all_rules() if not rule.name.startswith("server/")}
    assert alone - {case.rule for case in CORPUS} == set()
